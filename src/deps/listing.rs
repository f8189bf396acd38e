//! Entries of several lists, merged by package: two lists may ask for the same one.

use super::spec::{Spec, Wanted};
use crate::diag::Diagnostic;

/// Packages in the order of their first entries.
#[derive(Debug, Default)]
pub(super) struct Listing(Vec<Spec>);

impl Listing {
    /// Adds an entry, and returns all requirements on its package so far.
    pub(super) fn incorporate(&mut self, spec: Spec) -> Result<Spec, Diagnostic> {
        let Some(known) = self.0.iter_mut().find(|known| is_same(&known.origin, &spec.origin)) else {
            self.0.push(spec.clone());
            return Ok(spec);
        };
        match (&mut known.origin, spec.origin) {
            (
                Wanted::Hub { versions, prerelease, .. },
                Wanted::Hub { versions: more, prerelease: also, .. },
            ) => {
                versions.extend(
                    more.into_iter().filter(|version| !versions.contains(version)).collect::<Vec<_>>(),
                );
                *prerelease |= also;
            }
            (Wanted::Git { revisions, url, .. }, Wanted::Git { revisions: more, .. }) => {
                revisions.extend(more);
                revisions.sort();
                revisions.dedup();
                if revisions.len() > 1 {
                    let message = format!(
                        "git dependencies should contain exactly one version: {url} has {}",
                        revisions.join(", ")
                    );
                    return Err(Diagnostic::error("package-versions", message).at(spec.at, ""));
                }
            }
            _ => {}
        }
        Ok(known.clone())
    }

    /// Returns the merged entries.
    pub(super) fn specs(&self) -> &[Spec] {
        &self.0
    }
}

fn is_same(one: &Wanted, other: &Wanted) -> bool {
    fn plain(url: &str) -> &str {
        url.strip_suffix(".git").unwrap_or(url)
    }
    match (one, other) {
        (Wanted::Hub { package: one, .. }, Wanted::Hub { package: other, .. })
        | (Wanted::Local { path: one, .. }, Wanted::Local { path: other, .. })
        | (Wanted::Tarball { url: one, .. }, Wanted::Tarball { url: other, .. }) => one == other,
        (Wanted::Git { url: one, folder: inside, .. }, Wanted::Git { url: other, folder, .. }) => {
            plain(one) == plain(other) && inside == folder
        }
        _ => false,
    }
}
