//! The strategy `append`: adds the new rows to the table.

use super::{Build, Candidate, new_rows};
use crate::{compile::NewRows, lake::Replaces, run::step_error::StepError};

/// Stages a version with the new rows added.
pub(super) async fn candidate(build: &Build<'_>, rows: &NewRows) -> Result<Candidate, StepError> {
    new_rows::candidate(build, rows, |of| Replaces::Nothing { of }).await
}
