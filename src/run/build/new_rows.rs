//! New rows of an incremental model. Reads and changes refer to the same version of the table, so a
//! concurrent write can't go unnoticed.

use std::collections::BTreeMap;

use super::{
    Build, Candidate,
    candidate::Effect,
    changes::{ChangeFeeds, change_feeds},
    draft::{Draft, Quarantine, Rejects, Written, produce},
    rebuild,
};
use crate::{
    compile::NewRows,
    lake::{Base, Replaces, Staged},
    outcome::RowChanges,
    run::{companion_tables::abort_all, step_error::StepError},
};

/// Stages a version in which the new rows are written in place of what `replaces` says, given the current
/// version's number. Rebuilds the table if there is none to apply them to.
pub(super) async fn candidate(
    build: &Build<'_>,
    rows: &NewRows,
    replaces: fn(u64) -> Replaces,
) -> Result<Candidate, StepError> {
    let Some(Existing { base, changes }) = existing(build, rows).await? else {
        return rebuild::candidate(build).await;
    };
    let draft = draft(build, rows, &base, changes).await?;
    produce(build, draft, |rows| async {
        let own = build.stage(replaces(base.version()), rows).await?;
        let (own, effect) = effect_of(build, own, &base).await?;
        Ok(Written { own, effect })
    })
    .await
}

/// A table that new rows can be applied to.
pub(super) struct Existing {
    pub(super) base: Base,
    /// The change feeds that the query for new rows reads.
    pub(super) changes: ChangeFeeds,
}

/// Opens the current version; `None` if the table must be rebuilt.
pub(super) async fn existing(build: &Build<'_>, rows: &NewRows) -> Result<Option<Existing>, StepError> {
    if build.compiled.refresh.is_some() || build.follows_other_sql() {
        return Ok(None);
    }
    let Some(base) = build.base().await? else { return Ok(None) };
    let changes = change_feeds(build, rows.query.relations()).await?;
    Ok(changes.map(|changes| Existing { base, changes }))
}

/// Drafts the new rows of a model with the current version `base`.
pub(super) async fn draft(
    build: &Build<'_>,
    rows: &NewRows,
    base: &Base,
    mut changes: ChangeFeeds,
) -> Result<Draft, StepError> {
    let rejects = Rejects::of(build, &rows.query);
    let mut tables = BTreeMap::new();
    for relation in rows.query.relations() {
        let table = match changes.remove(&relation) {
            Some(changes) => changes,
            None if relation == build.model.relation => base.rows().await?,
            None => build.worker.published(&relation, rejects.as_ref().map(Rejects::sink)).await?,
        };
        tables.insert(relation, table);
    }
    Ok(Draft {
        rows: build.streams(&rows.query, &tables).await?,
        rejects,
        quarantine: added_quarantine(build).await?,
        provenance: build.provenance(),
        note: None,
    })
}

/// Returns a quarantine that keeps earlier rows and adds the new ones, because the input of the earlier rows
/// isn't read again.
pub(super) async fn added_quarantine(build: &Build<'_>) -> Result<Quarantine, StepError> {
    if !build.quarantines() {
        return Ok(Quarantine::default());
    }
    let current = build.lake().observe(&build.model.relation.quarantine()).await?;
    let replaces =
        current.map_or(Replaces::Everything, |observed| Replaces::Nothing { of: observed.version });
    Ok(Quarantine { replaces, retained: None })
}

/// Compares the staged rows with those they replace.
///
/// # Errors
/// If rows can't be read. The staged version is then aborted.
async fn effect_of(build: &Build<'_>, own: Staged, base: &Base) -> Result<(Staged, Effect), StepError> {
    let changes = RowChanges {
        inserted: own.rows_written(),
        updated: 0,
        deleted: own.rows_replaced(),
        files: None,
        batches: None,
    };
    match holds_the_same(build, &own, base).await {
        Ok(same_rows) => {
            let effect = Effect { changes: Some(Box::new(changes)), same_rows, ..Effect::default() };
            Ok((own, effect))
        }
        Err(error) => {
            abort_all([own]).await;
            Err(error)
        }
    }
}

/// Returns whether the written rows equal those of the files they replace.
async fn holds_the_same(build: &Build<'_>, own: &Staged, base: &Base) -> Result<bool, StepError> {
    if own.rows_written() != own.rows_replaced() {
        return Ok(false);
    }
    if own.rows_written() == 0 {
        return Ok(true);
    }
    let replaced = base.rows_of(own.files_replaced()).await?;
    Ok(build.worker.engine.digest(replaced).await? == own.digest_written())
}
