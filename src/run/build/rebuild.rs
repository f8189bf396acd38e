//! Rebuilds: write all rows of a query. Incremental models are rebuilt when nothing of their table is kept.

use super::{
    Build, Candidate,
    candidate::Effect,
    draft::{Draft, Quarantine, Rejects, Written, produce},
};
use crate::{lake::Replaces, run::step_error::StepError};

/// Stages a version that replaces all rows.
pub(super) async fn candidate(build: &Build<'_>) -> Result<Candidate, StepError> {
    let query = &build.compiled.query;
    let rejects = Rejects::of(build, query);
    let tables = build.worker.open(query, rejects.as_ref().map(Rejects::sink)).await?;
    let draft = Draft {
        rows: build.streams(query, &tables).await?,
        rejects,
        quarantine: Quarantine::default(),
        provenance: build.provenance(),
        note: build.other_columns(),
    };
    produce(build, draft, |rows| async {
        let own = build.stage(Replaces::Everything, rows).await?;
        Ok(Written { own, effect: Effect::default() })
    })
    .await
}
