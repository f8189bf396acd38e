//! Wildcards: `*`, `?` and `[…]` in names, qualified names and paths.

use glob::{MatchOptions, Pattern, PatternError};

use super::candidate::Candidate;

/// A pattern for a whole name; `*` matches any text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glob(Pattern);

impl Glob {
    pub(super) fn new(text: &str) -> Result<Self, PatternError> {
        // In a name, `**` means `*`, but to the glob crate it means folders.
        let mut single = String::with_capacity(text.len());
        for c in text.chars() {
            if c != '*' || !single.ends_with('*') {
                single.push(c);
            }
        }
        Pattern::new(&single).map(Self)
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

/// A pattern for a node's name or qualified name: `staging.readings`, `project.staging`, `*.staging.*`.
///
/// Dotted names match as a prefix of the qualified name, with or without the project's name. From the first
/// wildcard on, the pattern must match to the end. (In dbt, a wildcard matches only names that are in no
/// folder; here `stg_*` matches models in any folder.)
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QualifiedName {
    name: Glob,
    /// The last two parts, which name a version of a model: `dim_v1` of `dim.v1` and of `shop.dim.v1`.
    version: String,
    folders: Vec<String>,
    rest: Option<Glob>,
}

impl QualifiedName {
    pub(super) fn new(text: &str) -> Result<Self, PatternError> {
        let parts: Vec<&str> = text.split('.').collect();
        let wild = parts.iter().position(|part| has_wildcard(part));
        let (folders, rest) = parts.split_at(wild.unwrap_or(parts.len()));
        Ok(Self {
            name: Glob::new(text)?,
            version: parts[parts.len().saturating_sub(2)..].join("_"),
            folders: folders.iter().map(|part| (*part).to_owned()).collect(),
            rest: if rest.is_empty() { None } else { Some(Glob::new(&rest.join("."))?) },
        })
    }

    pub(super) fn matches(&self, candidate: &Candidate) -> bool {
        let fqn = &candidate.fqn;
        // A version of a model is `dim.v1`, `dim_v1` or, with all others, `dim`.
        if let [.., model, version] = &fqn[..]
            && candidate.name == format!("{model}.{version}")
            && (self.name.matches(model) || self.version == format!("{model}_{version}"))
        {
            return true;
        }
        self.name.matches(fqn.last().unwrap_or(&candidate.name))
            || self.matches_from(fqn)
            || fqn.split_first().is_some_and(|(_, unscoped)| self.matches_from(unscoped))
    }

    fn matches_from(&self, fqn: &[String]) -> bool {
        // A dot inside a name separates like a dot between names.
        let mut parts = fqn.iter().flat_map(|part| part.split('.'));
        if !self.folders.iter().all(|folder| parts.next() == Some(folder)) {
            return false;
        }
        match &self.rest {
            None => true,
            Some(rest) => {
                let parts: Vec<&str> = parts.collect();
                !parts.is_empty() && rest.matches(&parts.join("."))
            }
        }
    }
}

/// A pattern for a file, or a folder with everything in it; `*` doesn't cross folders, `**` does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PathGlob(Pattern);

impl PathGlob {
    pub(super) fn new(text: &str) -> Result<Self, PatternError> {
        Pattern::new(&normal(text)).map(Self)
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        // The project folder is the empty path.
        [path, ""].into_iter().chain(folders).any(|place| self.0.matches_with(place, options))
    }
}

/// Normalizes a path to `/`, without redundant parts: `.\models\\staging\` becomes `models/staging`.
pub(super) fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    parts.join("/")
}

/// Returns whether the text contains wildcards.
pub(super) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '[', ']'])
}
