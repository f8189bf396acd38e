//! `docs`: the commands of the documentation site, one file each.

mod generate;
mod serve;

use std::process::ExitCode;

use clap::Subcommand;

use self::{generate::GenerateArgs, serve::ServeArgs};
use super::{args::Global, failure::Failure};

/// `docs`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DocsCommand {
    /// Write the documentation to target/docs/index.html, a self-contained page, and manifest.json,
    /// catalog.json and graph_summary.json for tools that read dbt's artifacts. The project needn't be built
    Generate(GenerateArgs),
    /// Serve the generated documentation
    Serve(ServeArgs),
}

impl DocsCommand {
    pub(in crate::cli) async fn run(&self, global: &Global) -> Result<ExitCode, Failure> {
        match self {
            Self::Generate(args) => generate::run(global, args).await,
            Self::Serve(args) => serve::run(global, args).await,
        }
    }
}
