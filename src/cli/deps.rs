//! `deps`: installs the packages that the project lists.

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};

use super::{args::Global, environment, failure::Failure, streams::stdout};
use crate::{
    deps::{DepsOptions, NewPackage, PackageOrigins},
    workspace::install_packages,
};

/// The address of dbt's package hub.
const HUB: &str = "https://hub.getdbt.com/";

/// `deps`.
#[derive(Debug, Args)]
pub(super) struct DepsArgs {
    /// Resolve versions and write package-lock.yml without installing anything
    #[arg(long)]
    pub(super) lock: bool,
    /// Resolve versions again, even if package-lock.yml fits the list
    #[arg(long)]
    pub(super) upgrade: bool,
    /// Add a package to the list first, as NAME@VERSION
    #[arg(long, value_name = "NAME@VERSION")]
    pub(super) add_package: Option<String>,
    /// Where the package to add comes from
    #[arg(long, value_name = "SOURCE", default_value = "hub", requires = "add_package")]
    pub(super) source: PackageSource,
    /// Folder that keeps downloads, and from which packages are installed without a network
    #[arg(long, env = "HEADWATER_PACKAGE_CACHE", value_name = "DIR")]
    pub(super) package_cache: Option<PathBuf>,
}

/// The origin of an added package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PackageSource {
    /// dbt's package hub
    Hub,
    /// A git repository
    Git,
    /// A folder
    Local,
}

pub(super) fn run(global: &Global, args: &DepsArgs) -> Result<ExitCode, Failure> {
    let options = global.load_options()?;
    let origins = PackageOrigins {
        hub: environment::variable("DBT_PACKAGE_HUB_URL").unwrap_or_else(|| HUB.to_owned()),
        cache: args.package_cache.clone().or_else(environment::package_cache),
    };
    let how = DepsOptions { upgrade: args.upgrade, lock_only: args.lock };
    let new = args.add_package.as_deref().map(|text| new_package(text, args.source)).transpose()?;
    // A closed pipe must not leave packages half installed.
    let mut tell = |line: &str| {
        if !global.quiet {
            let _ = writeln!(stdout(), "{line}");
        }
    };
    install_packages(&options, new.as_ref(), how, origins, &mut tell)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads `name@version`. Like dbt, asks for a version of a hub package.
fn new_package(text: &str, source: PackageSource) -> Result<NewPackage, Failure> {
    // An address such as `git@host:…` has the sign too.
    let (name, version) = match text.rsplit_once('@') {
        Some((name, version)) if !version.contains([':', '/']) && !name.is_empty() => (name, Some(version)),
        _ => (text, None),
    };
    let source = match source {
        PackageSource::Hub if version.is_none() => {
            let message = format!("--add-package {text} has no version");
            return Err(Failure::hinted(message, "write --add-package dbt-labs/dbt_utils@1.3.0"));
        }
        PackageSource::Hub => "hub",
        PackageSource::Git => "git",
        PackageSource::Local => "local",
    };
    Ok(NewPackage { name: name.to_owned(), version: version.map(str::to_owned), source: source.to_owned() })
}
