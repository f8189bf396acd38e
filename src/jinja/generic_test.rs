//! Declarations of generic tests, available without rendering them.

use super::renderer::Jinja;
use crate::text::Span;

/// A generic test: `{% test name(model, column_name, …) %}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenericTest {
    /// The parameters, in order; the first is `model`.
    pub parameters: Vec<TestParameter>,
    /// Whether the test accepts arguments beyond its named parameters.
    pub takes_kwargs: bool,
    /// Whether the test is built in.
    pub builtin: bool,
    /// The span of the declaration.
    pub declared: Span,
}

/// A parameter of a generic test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestParameter {
    /// The parameter's name.
    pub name: String,
    /// Whether the parameter has no default.
    pub required: bool,
}

/// The name prefix of a test's macro.
const PREFIX: &str = "test_";

impl Jinja {
    /// Looks up a generic test by name, either the project's own or a built-in one.
    #[must_use]
    pub fn generic_test(&self, name: &str) -> Option<GenericTest> {
        let library = &self.shared.library;
        let place = library.find(&format!("{PREFIX}{name}"))?;
        let (file, header) = (library.file(place.file)?, library.header(place)?);
        // Every test's first parameter is `model`; other macros may merely share the prefix.
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

    /// Returns the names of all generic tests.
    #[must_use]
    pub fn generic_tests(&self) -> Vec<&str> {
        let names = self.shared.library.names().filter_map(|name| name.strip_prefix(PREFIX));
        names.filter(|name| self.generic_test(name).is_some()).collect()
    }
}
