//! Tables in the lake, and their companion tables.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A table's location in the lake: `<root>/<schema>/<name>`; in SQL, `"schema"."name"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Relation {
    /// The folder under the lake's root.
    pub schema: String,
    /// The table's folder under the schema.
    pub name: String,
}

/// The suffix of a table's change relation.
const CHANGES: &str = "$changes";

impl Relation {
    /// Creates a relation from its two parts.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// Returns the companion table of rejects from its sources.
    #[must_use]
    pub fn rejected(&self) -> Self {
        Self::new(self.schema.as_str(), format!("{}_rejected", self.name))
    }

    /// Returns the companion table of the files it was loaded from.
    #[must_use]
    pub fn files(&self) -> Self {
        Self::new(self.schema.as_str(), format!("{}_files", self.name))
    }

    /// Returns the companion table of acknowledged rejects.
    #[must_use]
    pub fn accepted(&self) -> Self {
        Self::new(self.schema.as_str(), format!("{}_rejected_accepted", self.name))
    }

    /// Returns all companion tables that its builds write or read.
    #[must_use]
    pub fn companions(&self) -> [Self; 4] {
        [self.files(), self.rejected(), self.accepted(), self.quarantine()]
    }

    /// Returns the change relation: the rows inserted and deleted since a model last read this table.
    #[must_use]
    pub fn changes(&self) -> Self {
        Self::new(self.schema.as_str(), format!("{}{CHANGES}", self.name))
    }

    /// Returns the table of a change relation, or `None` if this isn't one.
    #[must_use]
    pub fn changes_of(&self) -> Option<Self> {
        Some(Self::new(self.schema.as_str(), self.name.strip_suffix(CHANGES)?))
    }

    /// Returns the table behind this name: itself, or the table of a change relation.
    #[must_use]
    pub fn table(&self) -> Self {
        self.changes_of().unwrap_or_else(|| self.clone())
    }

    /// Returns the companion table of rows that this one's rules removed: `<schema>_quarantine.<name>`.
    #[must_use]
    pub fn quarantine(&self) -> Self {
        Self::new(format!("{}_quarantine", self.schema), self.name.as_str())
    }

    /// Returns the companion table of a withheld version that was kept: `<schema>_staged.<name>`.
    #[must_use]
    pub fn kept(&self) -> Self {
        Self::new(format!("{}_staged", self.schema), self.name.as_str())
    }

    /// Returns the companion table of rows that a test of this one found: `<schema>_audit.<test>`.
    #[must_use]
    pub fn audit(&self, test: &str) -> Self {
        Self::new(format!("{}_audit", self.schema), test)
    }

    /// Returns the quoted name for SQL.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    /// Returns the quoted name qualified by a database.
    #[must_use]
    pub fn qualified(&self, database: &str) -> String {
        format!("{}.{}", quoted(database), self.quoted())
    }
}

/// Quotes an identifier for SQL: `a"b` becomes `"a""b"`.
#[must_use]
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Shows `schema.name`.
impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}
