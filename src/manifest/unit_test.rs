//! A unit test: rows written by hand for what a model reads, and the rows that should come out.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    name::NodeId,
    project::{RowsDecl, UnitTestDecl},
    text::{Span, Spanned},
};

/// A unit test.
#[derive(Debug)]
pub struct UnitTest {
    /// `unit_test.<project>.<model>.<name>`.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// The model it tests.
    pub model: NodeId,
    /// Project, folders, model, name.
    pub fqn: Vec<String>,
    /// What it shows, rendered.
    pub description: String,
    /// As declared.
    pub declared: UnitTestDecl,
    /// The rows of what the model reads.
    pub given: Vec<Given>,
    /// Tags for selection.
    pub tags: BTreeSet<String>,
    /// Every setting, resolved.
    pub config: Map<String, Value>,
}

/// Rows of one input.
#[derive(Debug, Clone)]
pub struct Given {
    /// Which node they stand in for; the model itself if it is `this`.
    pub input: NodeId,
    /// Where that is said.
    pub span: Span,
    /// The rows.
    pub rows: RowsDecl,
}

impl UnitTest {
    /// What is said of it: `model::test`.
    #[must_use]
    pub fn display_name(&self) -> String {
        format!("{}::{}", self.declared.model.value, self.name)
    }

    /// Where it is declared.
    #[must_use]
    pub fn declared_at(&self) -> &Span {
        let Spanned { span, .. } = &self.declared.name;
        span
    }
}
