//! `snapshot`: takes snapshots. Full refreshes would lose the history that snapshots exist to keep.

use std::process::ExitCode;

use clap::Args;

use super::{
    args::{Global, SelectArgs},
    failure::Failure,
    pipeline,
};
use crate::workspace::Request;

/// `snapshot`.
#[derive(Debug, Args)]
pub(super) struct SnapshotArgs {
    /// Node selection.
    #[command(flatten)]
    pub(super) select: SelectArgs,
    /// Stop starting new steps after the first failure
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) fail_fast: bool,
    /// Take the selected snapshots even if they are up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) force: bool,
}

pub(super) async fn run(global: &Global, args: &SnapshotArgs) -> Result<ExitCode, Failure> {
    let request = Request::snapshot(args.select.selection()).rebuilding(false, args.force);
    pipeline::run(global, Request { fail_fast: args.fail_fast, ..request }).await
}
