//! What is known of a generic test without rendering it.

use super::Jinja;
use crate::text::Span;

/// A generic test: `{% test name(model, column_name, …) %}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenericTest {
    /// What it takes, in order; `model` is the first.
    pub parameters: Vec<TestParameter>,
    /// Whether it takes arguments that it does not name.
    pub takes_kwargs: bool,
    /// Whether it comes with Headwater.
    pub builtin: bool,
    /// Where it is declared.
    pub declared: Span,
}

/// One thing that a generic test takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestParameter {
    /// Its name.
    pub name: String,
    /// Whether it has no default.
    pub required: bool,
}

/// What the name of a test's macro begins with.
const PREFIX: &str = "test_";

impl Jinja {
    /// The generic test of that name: the project's own, or one that comes with Headwater.
    #[must_use]
    pub fn generic_test(&self, name: &str) -> Option<GenericTest> {
        let library = &self.shared.library;
        let place = library.find(&format!("{PREFIX}{name}"))?;
        let (file, header) = (library.file(place.file)?, library.header(place)?);
        // Every test takes what it tests; a macro that merely has such a name does not.
        if header.parameters.first().is_none_or(|first| first.name != "model") {
            return None;
        }
        let parameters = header
            .parameters
            .iter()
            .map(|parameter| TestParameter {
                name: parameter.name.clone(),
                required: parameter.default.is_none(),
            })
            .collect();
        Some(GenericTest {
            parameters,
            takes_kwargs: header.takes_kwargs(),
            builtin: library.is_builtin(place),
            declared: file.source.span(header.name_range.clone()),
        })
    }

    /// The names of all generic tests.
    #[must_use]
    pub fn generic_tests(&self) -> Vec<&str> {
        let names = self.shared.library.names().filter_map(|name| name.strip_prefix(PREFIX));
        names.filter(|name| self.generic_test(name).is_some()).collect()
    }
}
