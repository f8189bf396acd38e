//! Sources: tables that other tools load.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::documentation::Documentation;
use crate::{
    name::{NodeId, Relation},
    project::{ColumnDecl, DriftDecl, ExternalDecl, Period, SourceFormatName},
    text::{Span, Spanned},
};

/// The documentation of a source as a whole.
#[derive(Debug, Default)]
pub struct SourceGroup {
    pub description: String,
    /// The tool that loads it.
    pub loader: String,
    /// The user's metadata.
    pub meta: Value,
}

/// A table of a source.
#[derive(Debug)]
pub struct SourceTable {
    /// `source.<project>.<source>.<table>`.
    pub id: NodeId,
    /// The source's name.
    pub source: String,
    /// The table's name.
    pub name: String,
    /// The relation in SQL. For a Delta table in the lake, also its location.
    pub relation: Relation,
    pub documentation: Documentation,
    /// The user's metadata for the table and its source. The table's wins.
    pub meta: Value,
    /// The documentation of its source.
    pub of: Arc<SourceGroup>,
    /// The tags of the table and its source.
    pub tags: BTreeSet<String>,
    /// The declared columns.
    pub columns: Vec<ColumnDecl>,
    /// The location of its files or database. `None` for a Delta table in the lake.
    pub external: Option<External>,
    /// The node that has the same table: the one that builds it, or another source.
    pub same_as: Option<NodeId>,
    /// The event-time column, by which microbatch models filter this table.
    pub event_time: Option<String>,
    /// The freshness limits, if any.
    pub freshness: Option<SourceFreshness>,
    /// The policy for schema drift.
    pub drift: DriftDecl,
    /// The span of the declaration.
    pub span: Span,
}

/// The maximum age of a source, and how to determine its age.
#[derive(Debug, Clone)]
pub struct SourceFreshness {
    /// The age that is a warning.
    pub warn_after: Option<Period>,
    /// The age that is an error.
    pub error_after: Option<Period>,
    /// The SQL condition for the rows that count.
    pub filter: Option<String>,
    /// The SQL expression for the load time of a row.
    pub loaded_at_field: Option<Spanned<String>>,
    /// The query for the load time of the newest row.
    pub loaded_at_query: Option<Spanned<String>>,
    /// The span of the declaration.
    pub span: Span,
}

/// The files or the database from which a source table is read.
#[derive(Debug)]
pub struct External {
    /// The location, rendered.
    pub location: String,
    /// The declaration.
    pub declared: ExternalDecl,
}

impl SourceTable {
    /// Returns whether it is a Delta table, in the lake or elsewhere.
    #[must_use]
    pub fn is_delta(&self) -> bool {
        match &self.external {
            None => true,
            Some(external) => external.declared.format.value == SourceFormatName::Delta,
        }
    }

    /// Returns the columns that say how files are read. Columns without a type are text in a list that has
    /// types. Without any, or where files have their own types, they only carry tests and descriptions, as
    /// in dbt.
    pub fn typed_columns(&self) -> impl Iterator<Item = &ColumnDecl> {
        let is_text = self.external.as_ref().is_some_and(|external| external.declared.format.value.is_text());
        let is_supplied = |column: &ColumnDecl| column.name.value.starts_with("_source_");
        let has_types = self.columns.iter().any(|column| column.data_type.is_some() && !is_supplied(column));
        self.columns
            .iter()
            .filter(move |column| column.data_type.is_some() || is_supplied(column) || (is_text && has_types))
    }

    /// Returns whether it is a text source that declares no columns, except for those that the reader
    /// supplies.
    #[must_use]
    pub fn may_be_undeclared(&self) -> bool {
        let is_text = |external: &External| external.declared.format.value.is_text();
        self.external.as_ref().is_some_and(is_text)
            && self.typed_columns().all(|column| column.name.value.starts_with("_source_"))
    }

    /// Returns whether its rows are in files, whose number may grow.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.external.as_ref().is_some_and(|external| {
            !matches!(external.declared.format.value, SourceFormatName::Delta | SourceFormatName::Sqlite)
        })
    }

    /// Returns the location of its Delta table, if that is outside the lake.
    #[must_use]
    pub fn delta_location(&self) -> Option<&str> {
        self.external.as_ref().filter(|_| self.is_delta()).map(|external| external.location.as_str())
    }
}
