//! `run`: builds models without testing them.

use std::process::ExitCode;

use clap::Args;

use super::{
    args::{Global, RebuildArgs, SelectArgs},
    deferral::DeferralArgs,
    failure::Failure,
    pipeline,
};
use crate::workspace::{NodeSelection, Request};

/// `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Node selection.
    #[command(flatten)]
    pub(super) select: SelectArgs,
    /// Stop starting new steps after the first failure
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) fail_fast: bool,
    /// Which of them to build.
    #[command(flatten)]
    pub(super) rebuild: RebuildArgs,
    /// Tables to read elsewhere.
    #[command(flatten)]
    pub(super) deferral: DeferralArgs,
}

impl RunArgs {
    /// Returns the request that `of` makes of the selection, with these options.
    pub(super) fn request(&self, of: fn(NodeSelection) -> Request) -> Result<Request, Failure> {
        let request = self.deferral.apply(self.rebuild.apply(of(self.select.selection()))?)?;
        Ok(Request { fail_fast: self.fail_fast, ..request })
    }
}

pub(super) async fn run(global: &Global, args: &RunArgs) -> Result<ExitCode, Failure> {
    pipeline::run(global, args.request(Request::run)?).await
}
