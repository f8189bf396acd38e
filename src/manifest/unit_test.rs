//! A unit test: given rows for a model's inputs, and the expected rows.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    name::NodeId,
    project::{RowsDecl, StaticAnalysis, UnitTestDecl},
    text::{Span, Spanned},
};

#[derive(Debug)]
pub struct UnitTest {
    /// `unit_test.<project>.<model>.<name>`.
    pub id: NodeId,
    pub name: String,
    /// The tested model.
    pub model: NodeId,
    /// The project, folders, model and name.
    pub fqn: Vec<String>,
    /// The rendered description.
    pub description: String,
    /// The declaration.
    pub declared: UnitTestDecl,
    /// The given rows of the model's inputs.
    pub given: Vec<InputFixture>,
    /// The mode of static analysis, if set: the consequence of an error in it.
    pub static_analysis: Option<StaticAnalysis>,
    /// The tags, for selection.
    pub tags: BTreeSet<String>,
    /// All settings, resolved.
    pub config: Map<String, Value>,
}

/// The given rows of an input.
#[derive(Debug, Clone)]
pub struct InputFixture {
    /// The node whose rows they replace; the model itself for `this`.
    pub input: NodeId,
    /// The span of the input.
    pub span: Span,
    pub rows: RowsDecl,
}

impl UnitTest {
    /// Returns the name for users: `model::test`.
    #[must_use]
    pub fn display_name(&self) -> String {
        format!("{}::{}", self.declared.model.value, self.name)
    }

    /// Returns the span of the declaration.
    #[must_use]
    pub fn declared_at(&self) -> &Span {
        let Spanned { span, .. } = &self.declared.name;
        span
    }
}
