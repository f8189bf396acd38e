//! A data test: a query that selects rows that should not be, and how bad it is if there are any.

use std::path::{Path, PathBuf};

use super::{config::TestConfig, node::Calls};
use crate::{
    diag::Diagnostic,
    name::{NodeId, Relation},
    parse::{Generic, data_test::at_declaration},
    select::{TestKind, TestTraits},
    text::{Source, Span},
};

/// A data test.
#[derive(Debug)]
pub struct DataTest {
    /// `test.<project>.<name>[.<hash>]`.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// The same, short enough for a file.
    pub short_name: String,
    /// Project, folders, name.
    pub fqn: Vec<String>,
    /// The template of its query.
    pub template: Source,
    /// Where the user asked for it.
    pub declared: Span,
    /// What it says of itself.
    pub description: String,
    /// What its template calls.
    pub calls: Calls,
    /// How it judges.
    pub config: TestConfig,
    /// The generic test that it is a use of; none if it is a file of its own.
    pub generic: Option<Generic>,
    /// The node it is declared on.
    pub attached: Option<NodeId>,
    /// Where the rows it finds lie, if they are kept.
    pub audit: Relation,
}

impl DataTest {
    /// The file it is declared in.
    #[must_use]
    pub fn path(&self) -> &str {
        self.declared.source.path()
    }

    /// Where its compiled SQL goes, relative to the target path: as dbt has it, below the properties file of a generic
    /// test.
    #[must_use]
    pub fn compiled_path(&self) -> PathBuf {
        let project = self.fqn.first().map_or("", String::as_str);
        let folder = Path::new("compiled").join(project).join(self.path());
        match self.generic {
            Some(_) => folder.join(format!("{}.sql", self.short_name)),
            None => folder,
        }
    }

    /// A finding about the template, if nobody wrote it, as one about the declaration.
    #[must_use]
    pub fn in_users_terms(&self, mut found: Diagnostic) -> Diagnostic {
        if self.generic.is_some() {
            at_declaration(&mut found, &self.template, &self.declared);
        }
        found
    }

    /// What selection knows of it as a test.
    pub(super) fn traits(&self) -> TestTraits {
        match &self.generic {
            Some(generic) => TestTraits { test_name: generic.test.clone(), kind: TestKind::Generic },
            None => TestTraits { test_name: self.name.clone(), kind: TestKind::Singular },
        }
    }
}
