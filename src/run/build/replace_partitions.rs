//! The strategy `insert_overwrite`: the new rows replace all rows of the partitions they are in.

use super::{Build, Candidate, new_rows};
use crate::{compile::NewRows, lake::Replaces, run::step_error::StepError};

/// Stages a version with the partitions of the new rows replaced.
pub(super) async fn candidate(build: &Build<'_>, rows: &NewRows) -> Result<Candidate, StepError> {
    new_rows::candidate(build, rows, |of| Replaces::Partitions { of }).await
}
