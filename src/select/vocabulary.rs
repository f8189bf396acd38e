//! The vocabulary of the selection language, for the page, which has an implementation of its own.

use std::collections::BTreeMap;

use super::{
    candidate::TestKind,
    matcher::TestType,
    method::{COMMAND_LINE_ONLY, FILE_EXTENSIONS, NAMES, NAMES_OF_DBT},
    resolve::RESOURCE_TYPES,
};

/// The words that have a meaning in the selection language.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    pub methods: Vec<&'static str>,
    /// Other methods of dbt and of the command line.
    pub other_methods: Vec<&'static str>,
    /// dbt's resource types, including those that no project has here.
    pub resource_types: &'static [&'static str],
    /// The values of `test_type:`, each with the kinds of tests that it selects.
    pub test_types: BTreeMap<&'static str, Vec<TestKind>>,
    /// The extensions by which a value without a method is taken for a file.
    pub file_extensions: &'static [&'static str],
}

impl Vocabulary {
    /// Returns the vocabulary.
    #[must_use]
    pub fn new() -> Self {
        let kinds = |wanted: TestType| TestKind::ALL.into_iter().filter(|kind| wanted.is(*kind)).collect();
        Self {
            methods: NAMES.into_iter().filter(|name| !COMMAND_LINE_ONLY.contains(name)).collect(),
            other_methods: NAMES_OF_DBT.into_iter().chain(COMMAND_LINE_ONLY).collect(),
            resource_types: &RESOURCE_TYPES,
            test_types: TestType::NAMES
                .into_iter()
                .filter_map(|name| Some((name, kinds(TestType::of(name)?))))
                .collect(),
            file_extensions: &FILE_EXTENSIONS,
        }
    }
}
