//! The keys of the project file, of properties files and of configuration, dbt's and ours, with the effect of
//! each: it acts, it describes, or it is ignored with a warning that says what to do instead.
//!
//! Readers know no key that isn't in a section of this table: [`super::reader`] checks it when tests run.
//! `docs/keys.md` is generated from it. Start at [`Section`].
//!
//! - `config`: keys under `config:`, in `config()` and in the trees of the project file
//! - `project_file`: keys of the project file, of targets and of the files next to it
//! - `properties`: keys of properties files

mod config;
mod project_file;
mod properties;

pub use self::config::{EXPOSURE_CONFIG, MODEL_CONFIG, SEED_CONFIG, SNAPSHOT_CONFIG, SOURCE_CONFIG};
pub use self::config::{TEST_CONFIG, UNIT_TEST_CONFIG};
pub(super) use self::{project_file::*, properties::*};
use crate::{diag::Diagnostic, text::Span};

/// The effect of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It changes what is built, tested, selected or reported.
    Active,
    /// It describes: documentation, artifacts and templates have it, and no table depends on it.
    Descriptive,
    /// It has no effect, which is a warning.
    Ignored,
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub effect: Effect,
    /// The purpose of the key. If it is ignored, what to do instead.
    pub text: &'static str,
    /// True if its value is always a mapping, so that it is a setting and not a folder in a tree of
    /// configuration.
    pub is_mapping: bool,
}

impl Key {
    /// Declares a key that acts.
    const fn active(name: &'static str, text: &'static str) -> Self {
        Self { name, effect: Effect::Active, text, is_mapping: false }
    }

    /// Declares a key that describes.
    const fn descriptive(name: &'static str, text: &'static str) -> Self {
        Self { name, effect: Effect::Descriptive, text, is_mapping: false }
    }

    /// Declares a key that is ignored. `instead` completes the warning as a hint.
    const fn ignored(name: &'static str, instead: &'static str) -> Self {
        Self { name, effect: Effect::Ignored, text: instead, is_mapping: false }
    }

    /// Returns the warning that this key has no effect at a place.
    #[must_use]
    pub fn without_effect(&self, span: &Span) -> Diagnostic {
        let message = format!("`{}` has no effect", self.name);
        Diagnostic::warning("ignored-key", message).at(span.clone(), "ignored").hint(self.text)
    }

    /// Declares that the value is always a mapping.
    const fn mapping(self) -> Self {
        Self { is_mapping: true, ..self }
    }
}

/// The keys of one kind of mapping.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// The thing that the mapping describes, with its article: "a source".
    pub what: &'static str,
    /// The keys, in groups that sections share.
    pub groups: &'static [&'static [Key]],
}

impl Section {
    /// Returns all keys.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.groups.iter().copied().flatten()
    }

    /// Returns a key by its name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

/// The sections of configuration.
pub const CONFIG: [&Section; 7] = [
    &MODEL_CONFIG,
    &SEED_CONFIG,
    &SNAPSHOT_CONFIG,
    &TEST_CONFIG,
    &UNIT_TEST_CONFIG,
    &SOURCE_CONFIG,
    &EXPOSURE_CONFIG,
];

/// Returns a key of any section of configuration.
pub(super) fn of_config(name: &str) -> Option<&'static Key> {
    CONFIG.iter().find_map(|section| section.key(name))
}

/// All sections, in the order of the reference.
#[cfg(test)]
pub const ALL: &[(&str, &[&Section])] = &[
    ("The project file", project_file::ALL),
    ("Configuration", &CONFIG),
    ("Properties files", properties::ALL),
];

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    /// Returns the Rust files below a folder that aren't about this table or about artifacts, which copy
    /// keys, and aren't tests.
    fn readers(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["keys", "artifact", "tests", "snapshots", "docs"].contains(&name.as_str()) {
                    readers(&path, found);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
                found.push(path);
            }
        }
    }

    #[test]
    fn a_key_that_acts_is_read_somewhere() {
        let mut files = Vec::new();
        readers(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let texts: Vec<String> = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        let texts: Vec<&str> =
            texts.iter().map(|text| text.split("\n#[cfg(test)]\nmod tests {").next().unwrap()).collect();
        let sections = ALL.iter().flat_map(|(_, sections)| sections.iter());
        let active: BTreeSet<&str> = sections
            .flat_map(|section| section.keys())
            .filter(|key| key.effect == Effect::Active)
            .map(|key| key.name)
            .collect();
        let unread: Vec<&str> = active
            .into_iter()
            .filter(|name| !texts.iter().any(|text| text.contains(&format!("\"{name}\""))))
            .collect();
        assert_eq!(unread, [""; 0], "keys that claim to act, and that no code reads");
    }

    #[test]
    fn a_key_is_once_in_a_section_and_has_a_text() {
        for (_, sections) in ALL {
            for section in *sections {
                let mut seen = BTreeSet::new();
                for key in section.keys() {
                    assert!(seen.insert(key.name), "`{}` is twice in {}", key.name, section.what);
                    assert!(!key.text.is_empty() && !key.text.ends_with('.'), "the text of `{}`", key.name);
                }
            }
        }
    }
}
