//! What a template did while it was rendered.

use std::collections::BTreeSet;

use crate::{diag::Diagnostic, name::Relation, text::Span};

/// A call of `ref`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefCall {
    /// The first of two arguments.
    pub package: Option<String>,
    /// The model's name.
    pub name: String,
    /// `v=` or `version=`.
    pub version: Option<String>,
    /// The call; in a macro file if a macro made it.
    pub span: Span,
}

/// A call of `source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCall {
    /// The source's name.
    pub source: String,
    /// The table's name.
    pub table: String,
    /// The call.
    pub span: Span,
}

/// A call of `changes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesCall {
    /// The table whose changes are read.
    pub relation: Relation,
    /// The call.
    pub span: Span,
}

/// One setting made by `config(…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigCall {
    /// The setting's name.
    pub key: String,
    /// Its value.
    pub value: serde_json::Value,
    /// The call.
    pub span: Span,
}

/// What a template called, set, used and said.
#[derive(Debug, Clone, Default)]
pub struct Captures {
    /// Calls of `ref`, in order.
    pub refs: Vec<RefCall>,
    /// Calls of `source`, in order.
    pub sources: Vec<SourceCall>,
    /// Calls of `changes`, in order.
    pub changes: Vec<ChangesCall>,
    /// Settings made by `config(…)`, in order: a later one of the same name wins.
    pub config: Vec<ConfigCall>,
    /// The documentation blocks asked for by `doc`, in order.
    pub docs: Vec<String>,
    /// The macros called that are declared in macro files.
    pub macros: BTreeSet<String>,
    /// The variables asked for.
    pub vars: BTreeSet<String>,
    /// The environment variables asked for.
    pub env_vars: BTreeSet<String>,
    /// Whether the text depends on when or in which invocation it was rendered.
    pub volatile: bool,
    /// What `log` and `print` said.
    pub logs: Vec<String>,
    /// What `exceptions.warn` said.
    pub warnings: Vec<Diagnostic>,
}

impl Captures {
    /// What two renderings of one template did, each thing once. Where they make a setting differently the first one
    /// counts.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        add(&mut self.refs, other.refs);
        add(&mut self.sources, other.sources);
        add(&mut self.changes, other.changes);
        let made: BTreeSet<String> = self.config.iter().map(|call| call.key.clone()).collect();
        self.config.extend(other.config.into_iter().filter(|call| !made.contains(&call.key)));
        self.macros.extend(other.macros);
        self.vars.extend(other.vars);
        self.env_vars.extend(other.env_vars);
        self.volatile |= other.volatile;
        self
    }
}

fn add<T: PartialEq>(to: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !to.contains(&one) {
            to.push(one);
        }
    }
}
