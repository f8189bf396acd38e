//! What is said of things: rendered descriptions, documentation blocks, macros, and who answers for what.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    jinja::Described,
    parse::DocBlock,
    project::{ArgumentDecl, Owner},
    text::{Source, Span},
};

/// What is said of a node.
#[derive(Debug, Clone, Default)]
pub struct Documentation {
    /// What it is.
    pub description: Described,
    /// What its columns are, by name; only those that something is said of.
    pub columns: BTreeMap<String, Described>,
    /// Where it is said.
    pub declared: Option<Span>,
}

/// What a project says of itself beside its nodes.
#[derive(Debug, Default)]
pub struct Library {
    /// The documentation blocks by name.
    pub docs: BTreeMap<String, DocBlock>,
    /// The groups by name.
    pub groups: BTreeMap<String, Group>,
    /// The macros by name, those that come with Headwater among them.
    pub macros: BTreeMap<String, Macro>,
}

/// Models that somebody answers for together.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What it is, rendered.
    pub description: String,
    /// Who answers for it.
    pub owner: Owner,
    /// The user's own data about it.
    pub meta: Value,
    /// Where it is declared.
    pub span: Span,
}

/// A macro.
#[derive(Debug, Clone)]
pub struct Macro {
    /// Its name: `test_<name>` of a generic test.
    pub name: String,
    /// Its file.
    pub file: Source,
    /// The whole block.
    pub text: String,
    /// Whether it comes with Headwater.
    pub is_builtin: bool,
    /// The macros that it calls.
    pub calls: Vec<String>,
    /// What it does, rendered.
    pub description: String,
    /// What it is called with: as described or, if nobody did, as it is written.
    pub arguments: Vec<ArgumentDecl>,
    /// The user's own data about it.
    pub meta: Value,
    /// Where it is described.
    pub declared: Option<Span>,
}
