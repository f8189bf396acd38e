//! `run-operation`: calls a macro, which may query the lake and write tables that no node builds.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use super::{
    args::Global,
    failure::{self, Failure},
    loading::{load, prepare},
    signal::Cancellable,
};
use crate::workspace::{Operation, Request, WorkspaceError};

/// `run-operation`.
#[derive(Debug, Args)]
pub(super) struct RunOperationArgs {
    /// Macro to call
    #[arg(value_name = "MACRO", required_unless_present = "sql", conflicts_with = "sql")]
    pub(super) name: Option<String>,
    /// Arguments of the macro, as a YAML mapping: '{my_variable: my_value}'
    #[arg(long, value_name = "YAML", default_value = "{}")]
    pub(super) args: String,
    /// SQL to run instead of a macro, with templates
    #[arg(long, value_name = "SQL")]
    pub(super) sql: Option<String>,
}

pub(super) async fn run(global: &Global, args: &RunOperationArgs) -> Result<ExitCode, Failure> {
    let arguments: Map<String, Value> = serde_saphyr::from_str(&args.args).map_err(|error| {
        let error = error.to_string();
        let message = format!("--args is not a YAML mapping: {}", error.trim_start_matches("error: "));
        Failure::hinted(message, "write it as --args '{my_variable: my_value}'")
    })?;
    let operation = match (&args.name, &args.sql) {
        (Some(name), _) => Operation::Macro(name.clone()),
        (None, Some(sql)) => Operation::Sql(sql.clone()),
        (None, None) => return Err(Failure::message("name a macro, or give SQL with --sql")),
    };
    // Before anything else, so that no signal interrupts a write.
    let command = Cancellable::begin();
    let workspace = load(global)?;
    let request = Request::operation();
    let prepared = tokio::select! {
        biased;
        () = command.cancel.cancelled() => return Ok(command.cancelled()),
        prepared = prepare(&workspace, &request, global.quiet) => prepared?,
    };
    let run = workspace.begin(prepared, &request, command.cancel.clone()).await?;
    command.set_running(true);
    // A statement that writes ends by the token, and removes what it has staged.
    let done = run.operate(&operation, arguments).await;
    run.end().await;
    match done {
        Err(_) if command.cancel.is_cancelled() => {
            Ok(command.cancelled_as("cancelled: statements that were done before have their effect\n"))
        }
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(WorkspaceError::Diagnostics(findings)) => {
            failure::show_of_hooks(&findings, global.quiet);
            Ok(ExitCode::from(failure::NODE_FAILED))
        }
        Err(error) => Err(error.into()),
    }
}
