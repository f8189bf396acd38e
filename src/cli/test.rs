//! `test`: tests the published tables.

use std::process::ExitCode;

use clap::Args;

use super::{args::Global, failure::Failure, pipeline, resource_type::ResourceTypeArgs, run::RunArgs};
use crate::workspace::{NodeSelection, Request};

/// `test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Options of `run`.
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Resource types.
    #[command(flatten)]
    pub(super) types: ResourceTypeArgs,
    /// Store the rows that tests find in tables in <schema>_audit
    #[arg(long, env = "HEADWATER_STORE_FAILURES", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) store_failures: bool,
}

impl TestArgs {
    /// Returns the request that `of` makes of the selection, with these options.
    pub(super) fn request(&self, of: fn(NodeSelection) -> Request) -> Result<Request, Failure> {
        let mut request = self.run.request(of)?;
        request.retain.failures = self.store_failures;
        request.selection = self.types.apply(request.selection);
        Ok(request)
    }
}

pub(super) async fn run(global: &Global, args: &TestArgs) -> Result<ExitCode, Failure> {
    let request = args.request(Request::test)?;
    if request.empty {
        let message = "tests of tables without rows prove nothing";
        return Err(Failure::hinted(message, "test what is built without rows: headwater build --empty"));
    }
    pipeline::run(global, request).await
}
