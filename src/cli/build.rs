//! `build`: builds, tests and publishes models, seeds and snapshots.

use std::process::ExitCode;

use clap::Args;

use super::{args::Global, failure::Failure, pipeline, test::TestArgs};
use crate::workspace::{FreshnessChecks, Request};

/// `build`.
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// Options of `test`.
    #[command(flatten)]
    pub(super) test: TestArgs,
    /// Keep versions that fail their tests in <schema>_staged, where `show --staged` reads them
    #[arg(long, env = "HEADWATER_KEEP_STAGED", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) keep_staged: bool,
    /// Build only from sources that meet their `freshness`
    #[arg(long, env = "HEADWATER_FRESH_SOURCES", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) fresh_sources: bool,
}

pub(super) async fn run(global: &Global, args: &BuildArgs) -> Result<ExitCode, Failure> {
    let mut request = args.test.request(Request::build)?;
    request.retain.withheld = args.keep_staged;
    if args.fresh_sources {
        request.freshness = FreshnessChecks::Upstream;
    }
    pipeline::run(global, request).await
}
