//! The strategy `insert_overwrite`: the new rows replace all rows of the partitions they are in.

use super::{
    Build, Candidate,
    draft::{Written, produce},
    new_rows::{self, Existing, effect_of},
    rebuild,
};
use crate::{compile::NewRows, lake::Replaces, run::step_error::StepError};

/// Stages a version with the partitions of the new rows replaced.
pub(super) async fn candidate(build: &Build<'_>, rows: &NewRows) -> Result<Candidate, StepError> {
    let Some(Existing { base, changes }) = new_rows::existing(build, rows).await? else {
        return rebuild::candidate(build).await;
    };
    let draft = new_rows::draft(build, rows, &base, changes).await?;
    produce(build, draft, |rows| async {
        let own = build.stage(Replaces::Partitions { of: base.version() }, rows).await?;
        let (own, effect) = effect_of(build, own, &base).await?;
        Ok(Written { own, effect })
    })
    .await
}
