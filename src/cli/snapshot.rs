//! `snapshot`: takes snapshots. Full refreshes would lose the history that snapshots exist to keep.

use std::process::ExitCode;

use clap::Args;

use super::{
    args::{Global, SelectArgs},
    deferral::DeferralArgs,
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
    /// Tables to read elsewhere.
    #[command(flatten)]
    pub(super) deferral: DeferralArgs,
    /// Stop starting new steps after the first failure
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) fail_fast: bool,
    /// Take the selected snapshots even if they are up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) force: bool,
    /// Create the selected tables without rows; those that are there stay as they are
    #[arg(long, env = "HEADWATER_EMPTY", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) empty: bool,
}

pub(super) async fn run(global: &Global, args: &SnapshotArgs) -> Result<ExitCode, Failure> {
    let request = Request::snapshot(args.select.selection()).rebuilding(false, args.force);
    let request = args.deferral.apply(request)?;
    pipeline::run(global, Request { fail_fast: args.fail_fast, empty: args.empty, ..request }).await
}
