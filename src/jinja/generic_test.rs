//! Declarations of generic tests, available without rendering them.

use std::collections::BTreeSet;

use super::{
    library::{DBT, MacroPosition},
    renderer::Jinja,
};
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
    /// The test's macro as a template calls it: `test_unique`, or `dbt_utils.test_equality`.
    pub call: String,
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
    /// Looks up a generic test by name and optional package. Without a package, searches the declaring
    /// package, the project, the built-in tests, and then every package. If the named package isn't
    /// installed, falls back to the built-in test of that name.
    #[must_use]
    pub fn generic_test(&self, package: Option<&str>, name: &str) -> Option<GenericTest> {
        let (library, wanted) = (&self.shared.library, format!("{PREFIX}{name}"));
        let qualified = |package: &str| {
            let found = self.test_at(library.find_in(package, &wanted)?)?;
            Some(GenericTest { call: format!("{package}.{wanted}"), ..found })
        };
        if let Some(package) = package {
            let is_installed = library.package(package).is_some();
            return qualified(package).or_else(|| qualified(DBT).filter(|_| !is_installed));
        }
        let plain = library.find(&self.package, &wanted).and_then(|place| self.test_at(place));
        plain.or_else(|| library.packages().find_map(|package| qualified(package)))
    }

    /// Returns whether a package of this name is installed, or is the project itself.
    #[must_use]
    pub fn has_package(&self, name: &str) -> bool {
        name == DBT || self.shared.library.package(name).is_some()
    }

    fn test_at(&self, place: MacroPosition) -> Option<GenericTest> {
        let library = &self.shared.library;
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
            call: header.name.clone(),
            declared: file.source.span(header.name_range.clone()),
        })
    }

    /// Returns the names of the generic tests in a package, or of those that can be declared without one.
    #[must_use]
    pub fn generic_tests(&self, package: Option<&str>) -> Vec<&str> {
        let library = &self.shared.library;
        let plain = [DBT, &*self.package, &**library.project()];
        let own = |place: &MacroPosition| {
            let owner = &**library.package_of(*place);
            package.map_or_else(|| plain.contains(&owner), |package| owner == package)
        };
        let tests = library.all().filter(|(_, place)| own(place) && self.test_at(*place).is_some());
        tests.filter_map(|(name, _)| name.strip_prefix(PREFIX)).collect::<BTreeSet<_>>().into_iter().collect()
    }
}
