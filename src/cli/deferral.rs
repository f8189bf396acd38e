//! Deferral options: read tables that another target has built.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use crate::workspace::{Deferral, Request};

/// Options of deferral.
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct DeferralArgs {
    /// Read tables that aren't selected and that this target lacks from the target of --state
    #[arg(long, env = "HEADWATER_DEFER", overrides_with = "no_defer", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) defer: bool,
    /// Read all tables from this target
    #[arg(long, hide = true, overrides_with = "defer")]
    pub(super) no_defer: bool,
    /// Same as --state, for --defer only
    #[arg(long, env = "HEADWATER_DEFER_STATE", value_name = "DIR")]
    pub(super) defer_state: Option<PathBuf>,
    /// With --defer, read tables that aren't selected from there even if this target has them
    #[arg(long, env = "HEADWATER_FAVOR_STATE", overrides_with = "no_favor_state", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) favor_state: bool,
    /// Read from there only what this target lacks
    #[arg(long, hide = true, overrides_with = "favor_state")]
    pub(super) no_favor_state: bool,
}

impl DeferralArgs {
    /// Adds the options to a request. Relative folders start from the working directory.
    pub(super) fn apply(&self, request: Request) -> Result<Request, Failure> {
        if !self.defer || self.no_defer {
            return Ok(request);
        }
        let Some(state) = self.defer_state.as_deref().or(request.selection.state.as_deref()) else {
            let message = "--defer doesn't say where to read tables from";
            return Err(Failure::hinted(
                message,
                "name the folder with the manifest.json of another target: --defer --state prod-artifacts",
            ));
        };
        let state = std::path::absolute(state)?;
        let deferral = Deferral { state, favors_state: self.favor_state && !self.no_favor_state };
        Ok(Request { deferral: Some(deferral), ..request })
    }
}
