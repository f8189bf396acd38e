//! `source`: the commands that inspect sources, one file each.

mod accept;
mod columns;
mod freshness;
mod options;

use std::process::ExitCode;

use clap::Subcommand;

use self::{accept::AcceptArgs, columns::ColumnsArgs, freshness::FreshnessArgs, options::OptionsArgs};
use super::{args::Global, failure::Failure};

/// `source`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SourceCommand {
    /// Check when the selected sources were last loaded, and write sources.json
    Freshness(FreshnessArgs),
    /// Infer the columns of files or sources, and print them as YAML for sources.yml
    Columns(ColumnsArgs),
    /// List the options of each source format, with their values and defaults
    Options(OptionsArgs),
    /// Accept the rows and files that a source has rejected, so that runs stop warning about them
    Accept(AcceptArgs),
}

impl SourceCommand {
    pub(in crate::cli) async fn run(&self, global: &Global) -> Result<ExitCode, Failure> {
        match self {
            Self::Freshness(args) => freshness::run(global, args).await,
            Self::Columns(args) => columns::run(global, args).await,
            Self::Options(args) => options::run(args),
            Self::Accept(args) => accept::run(global, args).await,
        }
    }
}
