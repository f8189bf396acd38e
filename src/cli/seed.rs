//! `seed`: loads the project's CSV files into their tables.

use std::process::ExitCode;

use clap::Args;

use super::{
    args::{Global, SelectArgs},
    failure::Failure,
    pipeline,
};
use crate::workspace::Request;

/// `seed`.
#[derive(Debug, Args)]
pub(super) struct SeedArgs {
    /// Node selection.
    #[command(flatten)]
    pub(super) select: SelectArgs,
    /// Stop starting new steps after the first failure
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) fail_fast: bool,
    /// Load the selected seeds even if they are up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) force: bool,
    /// Same as --force, and rebuild damaged tables
    #[arg(long, short = 'f', env = "HEADWATER_FULL_REFRESH", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) full_refresh: bool,
}

pub(super) async fn run(global: &Global, args: &SeedArgs) -> Result<ExitCode, Failure> {
    let request = Request::seed(args.select.selection()).rebuilding(args.full_refresh, args.force);
    pipeline::run(global, Request { fail_fast: args.fail_fast, ..request }).await
}
