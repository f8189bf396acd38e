//! `source freshness`: checks when the selected sources were last loaded.

use std::process::ExitCode;

use clap::Args;

use crate::{
    cli::{
        args::{Global, SelectArgs},
        failure::Failure,
        pipeline,
    },
    workspace::Request,
};

/// `source freshness`.
#[derive(Debug, Args)]
pub(in crate::cli) struct FreshnessArgs {
    /// Node selection.
    #[command(flatten)]
    pub(in crate::cli) select: SelectArgs,
}

pub(super) async fn run(global: &Global, args: &FreshnessArgs) -> Result<ExitCode, Failure> {
    pipeline::run(global, Request::freshness(args.select.selection())).await
}
