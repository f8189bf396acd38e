//! Versions of the hub's packages, and the ranges in which a list asks for them.

use semver::Version;

/// A bound of a range: `>=1.0.0`, or `1.1.1` for just that version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    operator: &'static str,
    version: Version,
}

/// The operators; the longer ones are tried first.
const OPERATORS: [&str; 5] = [">=", "<=", ">", "<", "="];

/// Reads the bounds in a text such as `>=0.9.0,<1.0.0`. Returns `None` if it isn't a range of versions.
pub(super) fn bounds(text: &str) -> Option<Vec<Bound>> {
    text.split(',').map(|part| bound(part.trim())).collect()
}

fn bound(text: &str) -> Option<Bound> {
    let operator = OPERATORS.into_iter().find(|operator| text.starts_with(operator));
    let version = text.strip_prefix(operator.unwrap_or_default())?.trim();
    Some(Bound { operator: operator.unwrap_or("="), version: version_of(version)? })
}

/// Reads a version; `1.0` is `1.0.0`.
pub(super) fn version_of(text: &str) -> Option<Version> {
    let text = text.trim().trim_start_matches('v');
    let dots = text.split(['-', '+']).next().unwrap_or_default().matches('.').count();
    let whole = if dots == 1 { format!("{text}.0") } else { text.to_owned() };
    Version::parse(&whole).ok()
}

impl Bound {
    /// Returns whether a version is within the bound.
    pub(super) fn admits(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        match self.operator {
            ">=" => order.is_ge(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            "<" => order.is_lt(),
            _ => order.is_eq(),
        }
    }

    /// Returns whether it names a prerelease, which would otherwise not be installed.
    pub(super) fn is_prerelease(&self) -> bool {
        !self.version.pre.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_admit_versions() {
        for (range, version, expect) in [
            (">=0.9.0,<1.0.0", "0.10.2", true),
            (">=0.9.0,<1.0.0", "1.0.0", false),
            ("1.1.1", "1.1.1", true),
            ("=1.1", "1.1.0", true),
            ("1.1.1", "1.1.2", false),
            (">1.0.0", "1.0.0-b1", false),
            ("<=1.0.0", "1.0.0-b1", true),
        ] {
            let version = version_of(version).unwrap();
            let admitted = bounds(range).unwrap().iter().all(|bound| bound.admits(&version));
            assert_eq!(admitted, expect, "{range} {version}");
        }
        assert_eq!(bounds("latest"), None);
        assert_eq!(bounds(">="), None);
    }
}
