//! Packages of other projects: finds the versions that fit, writes the lock file, and installs them.
//!
//! ```text
//! packages.yml ──resolve──▶ package-lock.yml ──install──▶ dbt_packages/
//!   what is wanted            exact versions               folders that `project` reads
//! ```
//!
//! - [`Dependencies`]: start here
//! - `spec`: an entry of a list of packages
//! - `version`: versions of the hub's packages, and ranges of them
//! - `listing`: entries of several lists, merged by package
//! - `fetch`: a package's files, wherever they come from, with `git`, `hub`, `archive` and `download`
//! - `lock`: the lock file; `add`: `--add-package`
//!
//! Everything is fetched before anything installed is replaced, so that a failure leaves the packages as they
//! are. Must not depend on the command line or read the environment.

mod add;
mod archive;
mod download;
mod fetch;
mod git;
mod hub;
mod install;
mod listing;
mod lock;
mod python_json;
mod spec;
#[cfg(test)]
mod tests;
mod version;

use std::path::PathBuf;

pub use self::add::NewPackage;
use self::{fetch::Fetcher, listing::Listing, spec::Spec};
use crate::{
    diag::Diagnostic,
    jinja::Jinja,
    project::{PackageList, ProjectFiles},
    secret::Secret,
    text::Span,
};

/// The lock file's name, at the root of the project.
const LOCK: &str = "package-lock.yml";

/// Where packages come from.
#[derive(Debug, Clone)]
pub struct PackageOrigins {
    /// The address of the package hub.
    pub hub: String,
    /// The folder in which downloads are kept, and from which they are read without a network.
    pub cache: Option<PathBuf>,
}

/// Options of an installation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DepsOptions {
    /// Resolve versions again, even if the lock file fits the list.
    pub upgrade: bool,
    /// Only write the lock file.
    pub lock_only: bool,
}

/// The packages that a project asks for.
pub struct Dependencies<'a> {
    /// The project's folder.
    pub root: &'a std::path::Path,
    /// The project's name.
    pub project: &'a str,
    /// The folder of the installed packages, relative to the project's.
    pub install_path: &'a str,
    /// The template language, for the strings of lists.
    pub jinja: &'a Jinja,
    /// Where packages come from.
    pub origins: PackageOrigins,
    /// Receives a line about each step.
    pub tell: &'a mut dyn FnMut(&str),
}

impl Dependencies<'_> {
    /// Adds an entry to the list of packages, in place of one for the same package.
    ///
    /// # Errors
    /// If the list can't be read or written.
    pub fn add(&mut self, package: &NewPackage) -> Result<(), Diagnostic> {
        let message = add::add(self.root, package)?;
        (self.tell)(&message);
        Ok(())
    }

    /// Writes the lock file if it doesn't fit the list of packages, and installs what it says.
    ///
    /// # Errors
    /// If the lists are invalid, versions don't fit, or anything can't be fetched.
    pub fn install(&mut self, options: DepsOptions) -> Result<(), Vec<Diagnostic>> {
        let specs = self.specs(ProjectFiles::on_disk(self.root))?;
        let downloads = install::Downloads::create(self.root, self.install_path)?;
        let mut fetcher = Fetcher::new(self.root, downloads.path(), &self.origins);
        let hash = lock::hash(&specs);
        let stored = lock::read(self.root, &|yaml| self.rendered(yaml))?;
        let locked = match stored.filter(|stored| !options.upgrade && stored.hash == hash) {
            Some(stored) => stored.specs,
            None if specs.is_empty() => Vec::new(),
            None => {
                let pins = self.resolve(&mut fetcher, specs.clone())?;
                let mut warnings = std::mem::take(&mut fetcher.warnings);
                warnings.sort();
                warnings.dedup();
                for warning in &warnings {
                    (self.tell)(warning);
                }
                let path = self.root.join(LOCK);
                lock::write(&path, &pins, &hash)?;
                (self.tell)(&format!("Updating lock file in file path: {}", path.display()));
                pins.iter().map(fetch::Pinned::spec).collect()
            }
        };
        if specs.is_empty() {
            (self.tell)("No packages were found in packages.yml");
        }
        if options.lock_only {
            return Ok(());
        }
        let mut pins = Vec::new();
        for spec in &locked {
            pins.push(fetcher.fetch(spec)?);
        }
        self.check_names(&pins)?;
        Ok(downloads.install(self.root, &pins, self.tell)?)
    }

    /// Finds the versions of all packages, including the dependencies of packages.
    fn resolve(
        &self,
        fetcher: &mut Fetcher<'_>,
        specs: Vec<Spec>,
    ) -> Result<Vec<fetch::Pinned>, Vec<Diagnostic>> {
        let mut all = Listing::default();
        let mut pending = specs;
        let mut seen: Vec<fetch::Pinned> = Vec::new();
        while !pending.is_empty() {
            let mut next = Vec::new();
            for spec in std::mem::take(&mut pending) {
                let merged = all.incorporate(spec)?;
                let pinned = fetcher.pin(&merged)?;
                // The dependencies of a known version are already on the list.
                if seen.iter().all(|other| other.origin != pinned.origin) {
                    next.extend(match &pinned.listed {
                        fetch::Listed::In(folder) => self.specs(ProjectFiles::on_disk(folder))?,
                        fetch::Listed::Known(specs) => specs.clone(),
                    });
                    seen.push(pinned);
                }
            }
            pending = next;
        }
        let pins = all.specs().iter().map(|spec| fetcher.pin(spec));
        let pins: Vec<fetch::Pinned> = pins.collect::<Result<_, _>>()?;
        self.check_names(&pins)?;
        Ok(pins)
    }

    /// Returns the entries of a project's or package's list.
    fn specs(&self, files: ProjectFiles<'_>) -> Result<Vec<Spec>, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        let list = PackageList::read(files, &mut findings);
        let mut specs = Vec::new();
        for entry in list.iter().flat_map(|list| &list.entries) {
            match self.rendered(entry).and_then(|value| Spec::read(&value, &entry.to_json(), &entry.span)) {
                Ok(spec) => specs.push(spec),
                Err(found) => findings.push(found),
            }
        }
        if findings.iter().any(Diagnostic::is_error) { Err(findings) } else { Ok(specs) }
    }

    /// Renders the strings of an entry, which may use secrets of the environment.
    fn rendered(&self, yaml: &crate::project::Yaml) -> Result<serde_json::Value, Diagnostic> {
        let render = |text: &str, at: &Span| {
            let rendered = self.jinja.render_secret(&Secret::new(text.to_owned()), at)?;
            Ok(rendered.reveal().to_owned())
        };
        spec::rendered(yaml, &render)
    }

    fn check_names(&self, pins: &[fetch::Pinned]) -> Result<(), Vec<Diagnostic>> {
        let mut names: Vec<&str> = vec![self.project];
        for pin in pins {
            if names.contains(&pin.name.as_str()) {
                let of = if pin.name == self.project { "the project itself" } else { "another package" };
                let message = format!("the package {} is called `{}`, as {of} is", pin.origin, pin.name);
                return Err(vec![Diagnostic::error("duplicate-package", message).at(pin.at.clone(), "")]);
            }
            names.push(&pin.name);
        }
        Ok(())
    }
}
