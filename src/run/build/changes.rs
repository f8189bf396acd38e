//! Input changes: the rows inserted into and deleted from a model's inputs since its table was built.

use std::collections::{BTreeMap, BTreeSet};

use super::Build;
use crate::{
    engine::{Table, rows::change_feed},
    lake::{InputVersion, VersionDifference},
    name::Relation,
    run::step_error::StepError,
};

/// The change feeds that a query reads, by relation.
pub(super) type ChangeFeeds = BTreeMap<Relation, Table>;

/// Returns the change feeds that these relations name; `None` if one can't be determined, so that all
/// rows count as new.
pub(super) async fn change_feeds(
    build: &Build<'_>,
    relations: BTreeSet<Relation>,
) -> Result<Option<ChangeFeeds>, StepError> {
    let mut news = ChangeFeeds::new();
    for relation in relations {
        let Some(table) = relation.changes_of() else { continue };
        let Some(difference) = difference(build, &table).await? else {
            tracing::info!(node = %build.model.id, %table, "it is not known what changed since this table was read");
            return Ok(None);
        };
        let VersionDifference { inserted, deleted } = difference;
        let changes = match &deleted {
            Some(deleted) => change_feed::net_changes(&inserted, deleted)?,
            None => change_feed::all_inserted(&inserted)?,
        };
        news.insert(relation, changes);
    }
    Ok(Some(news))
}

/// Returns the rows written to and deleted from an input since the model's table was built; `None` if
/// they can't be determined.
pub(super) async fn difference(
    build: &Build<'_>,
    table: &Relation,
) -> Result<Option<VersionDifference>, StepError> {
    let Some(input) = build.compiled.inputs.get(table).filter(|_| build.reads_same_places()) else {
        return Ok(None);
    };
    let made = build.made.and_then(|made| made.inputs.get(&input.id));
    let (Some(InputVersion::Delta { version: from }), Some(InputVersion::Delta { version: to })) =
        (made, build.inputs.get(&input.id))
    else {
        return Ok(None);
    };
    // Stop at the version that provenance will record; the next run reads later changes.
    Ok(build.worker.tables.difference(table, *from, *to).await?)
}
