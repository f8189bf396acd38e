//! The vocabulary of the selection language, for the page, which has an implementation of its own.

use std::collections::BTreeMap;

use super::{
    candidate::TestKind,
    matcher::TestType,
    method::{FILE_EXTENSIONS, NAMES, NAMES_OF_DBT},
    resolve::RESOURCE_TYPES,
};

/// The words that have a meaning in the selection language.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    pub methods: &'static [&'static str],
    /// dbt's methods that have no counterpart here.
    pub methods_of_dbt: &'static [&'static str],
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
            methods: &NAMES,
            methods_of_dbt: &NAMES_OF_DBT,
            resource_types: &RESOURCE_TYPES,
            test_types: TestType::NAMES
                .into_iter()
                .filter_map(|name| Some((name, kinds(TestType::of(name)?))))
                .collect(),
            file_extensions: &FILE_EXTENSIONS,
        }
    }
}
