//! Documentation: rendered descriptions, doc blocks, macros, and groups with their owners.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    jinja::Described,
    name::PackageName,
    parse::DocBlock,
    project::{ArgumentDecl, Owner},
    text::{Source, Span},
};

/// The documentation of a node.
#[derive(Debug, Clone, Default)]
pub struct Documentation {
    /// The node's description.
    pub description: Described,
    /// The descriptions of columns by name, without those that have none.
    pub columns: BTreeMap<String, Described>,
    /// The span of the declaration.
    pub declared: Option<Span>,
}

impl Documentation {
    /// Returns the description of a column. A name in another case describes it too, as in SQL.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Described> {
        let folded = || self.columns.iter().find(|(column, _)| column.to_lowercase() == name.to_lowercase());
        self.columns.get(name).or_else(|| folded().map(|(_, described)| described))
    }
}

/// The project's documentation apart from its nodes.
#[derive(Debug, Default)]
pub struct Library {
    /// The doc blocks by package and name.
    pub docs: BTreeMap<PackageName, DocBlock>,
    /// The groups by package and name.
    pub groups: BTreeMap<PackageName, Group>,
    /// The macros by package and name; the package of those that come with Headwater is `dbt`.
    pub macros: BTreeMap<PackageName, Macro>,
}

/// A group: models with one owner.
#[derive(Debug, Clone)]
pub struct Group {
    pub name: String,
    /// The rendered description.
    pub description: String,
    pub owner: Owner,
    /// The user's metadata.
    pub meta: Value,
    /// The span of the declaration.
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Macro {
    /// The name; `test_<name>` for a generic test.
    pub name: String,
    pub file: Source,
    /// The source text of the whole block.
    pub text: String,
    /// True if it comes with Headwater.
    pub is_builtin: bool,
    /// The macros it calls.
    pub calls: Vec<PackageName>,
    /// The rendered description.
    pub description: String,
    /// The arguments: as documented, or else as written in the macro.
    pub arguments: Vec<ArgumentDecl>,
    /// The user's metadata.
    pub meta: Value,
    /// The span of its documentation.
    pub declared: Option<Span>,
}
