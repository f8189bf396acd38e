//! Variables: the command line's override the project's.

use serde_json::{Map, Value};

use super::{args::Global, failure::Failure};
use crate::project::Project;

/// Returns the variables given on the command line.
pub(super) fn command_line_vars(global: &Global) -> Result<Map<String, Value>, Failure> {
    let Some(text) = &global.vars else { return Ok(Map::new()) };
    serde_saphyr::from_str(text).map_err(|error| {
        Failure::hinted(
            format!("--vars is not a YAML mapping: {}", error.to_string().trim_start_matches("error: ")),
            "write it as --vars '{as_of_date: 2021-01-02}'",
        )
    })
}

/// Returns the variables of an invocation.
pub(super) fn vars(project: &Project, global: &Global) -> Result<Map<String, Value>, Failure> {
    let mut vars: Map<String, Value> =
        project.settings.vars.iter().map(|(key, value)| (key.clone(), value.to_json())).collect();
    vars.extend(command_line_vars(global)?);
    Ok(vars)
}
