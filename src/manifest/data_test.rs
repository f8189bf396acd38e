//! A data test: a query that selects invalid rows, and the severity if there are any.

use std::path::{Path, PathBuf};

use super::{config::TestConfig, model::Calls};
use crate::{
    diag::Diagnostic,
    name::{NodeId, Relation},
    parse::{Generic, data_test::at_declaration},
    select::{TestKind, TestTraits},
    text::{Source, Span},
};

#[derive(Debug)]
pub struct DataTest {
    /// `test.<project>.<name>[.<hash>]`.
    pub id: NodeId,
    pub name: String,
    /// The name, shortened to fit a file name.
    pub short_name: String,
    /// The name of the file of its compiled SQL, without the extension, if the test is generic: the short
    /// name, unless another node's file has it.
    pub file_stem: String,
    /// The project, folders and name.
    pub fqn: Vec<String>,
    /// The template of the query.
    pub template: Source,
    /// The span of the declaration.
    pub declared: Span,
    pub description: String,
    /// The names that the template references.
    pub calls: Calls,
    /// The configuration.
    pub config: TestConfig,
    /// The generic test that it uses. `None` for a singular test.
    pub generic: Option<Generic>,
    /// The node it is declared on.
    pub attached: Option<NodeId>,
    /// The table for stored failures.
    pub audit: Relation,
}

impl DataTest {
    /// Returns the file that declares it.
    #[must_use]
    pub fn path(&self) -> &str {
        self.declared.source.package_path()
    }

    /// Returns the path of its compiled SQL, relative to the target path. As in dbt, that of a generic test
    /// is below its properties file.
    #[must_use]
    pub fn compiled_path(&self) -> PathBuf {
        let project = self.fqn.first().map_or("", String::as_str);
        let folder = Path::new("compiled").join(project).join(self.path());
        match self.generic {
            Some(_) => folder.join(format!("{}.sql", self.file_stem)),
            None => folder,
        }
    }

    /// Moves a diagnostic about a generated template to the declaration.
    #[must_use]
    pub fn in_users_terms(&self, mut found: Diagnostic) -> Diagnostic {
        if self.generic.is_some() {
            at_declaration(&mut found, &self.template, &self.declared);
        }
        found
    }

    /// Returns the traits for test selection.
    pub(crate) fn traits(&self) -> TestTraits {
        match &self.generic {
            Some(generic) => TestTraits { test_name: generic.test.clone(), kind: TestKind::Generic },
            None => TestTraits { test_name: self.name.clone(), kind: TestKind::Singular },
        }
    }
}
