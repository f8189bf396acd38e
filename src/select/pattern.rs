//! The wildcards `*`, `?` and `[…]`, in names, in qualified names and in paths.

use glob::{MatchOptions, Pattern, PatternError};

use super::candidate::Candidate;

/// A pattern of a whole name; `*` matches any text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glob(Pattern);

impl Glob {
    pub(super) fn new(text: &str) -> Result<Self, PatternError> {
        // In a name two stars mean no more than one; to the crate they are folders.
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

/// A node's name, or where it stands: `staging.readings`, `project.staging`, `*.staging.*`.
///
/// A path of names with dots is a prefix of the qualified name, with the project's name or without it; from the first
/// wildcard on, the rest must match to the end. (dbt lets a wildcard match a name alone only where no folder is above
/// it; here `stg_*` finds the models of that name in any folder.)
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QualifiedName {
    name: Glob,
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
            folders: folders.iter().map(|part| (*part).to_owned()).collect(),
            rest: if rest.is_empty() { None } else { Some(Glob::new(&rest.join("."))?) },
        })
    }

    pub(super) fn matches(&self, candidate: &Candidate) -> bool {
        let fqn = &candidate.fqn;
        self.name.matches(fqn.last().unwrap_or(&candidate.name))
            || self.matches_from(fqn)
            || fqn.split_first().is_some_and(|(_, unscoped)| self.matches_from(unscoped))
    }

    fn matches_from(&self, fqn: &[String]) -> bool {
        // A dot inside a name separates like one between names.
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

/// A file, or a folder with all that lies in it; `*` stays inside a folder, `**` does not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PathGlob(Pattern);

impl PathGlob {
    pub(super) fn new(text: &str) -> Result<Self, PatternError> {
        Pattern::new(&normal(text)).map(Self)
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        // The project's own folder is the empty path.
        [path, ""].into_iter().chain(folders).any(|place| self.0.matches_with(place, options))
    }
}

/// With `/`, and without what does not change the place: `.\models\\staging\` is `models/staging`.
pub(super) fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    parts.join("/")
}

/// Whether the text is more than the literal name.
pub(super) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '[', ']'])
}
