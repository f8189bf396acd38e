//! What a node is: a model that we build or a source that others write.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::config::ModelConfig;
use crate::{
    name::{NodeId, Relation},
    project::{ColumnDecl, ExternalDecl, SourceFormatName},
    select::Candidate,
    text::{Source, Span},
};

/// One node of the graph.
#[derive(Debug)]
pub enum Node {
    /// A SELECT that becomes a table or a view.
    Model(Box<Model>),
    /// A table that others write.
    Source(Box<SourceTable>),
}

/// A model: one SQL file with its settings.
#[derive(Debug)]
pub struct Model {
    /// `model.<project>.<name>`.
    pub id: NodeId,
    /// The file's stem.
    pub name: String,
    /// Project, folders, name.
    pub fqn: Vec<String>,
    /// The SQL as written.
    pub file: Source,
    /// Where its table lies.
    pub relation: Relation,
    /// Its settings.
    pub config: ModelConfig,
    /// What it says of itself in YAML.
    pub description: String,
    /// Its columns as described in YAML.
    pub columns: Vec<ColumnDecl>,
    /// Whether its template asked for something that differs from run to run.
    pub volatile: bool,
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
    /// What SQL calls it; where it lies, if it is a Delta table in the lake.
    pub relation: Relation,
    /// What it says of itself.
    pub description: String,
    /// Its tags and its source's.
    pub tags: BTreeSet<String>,
    /// Its columns as declared.
    pub columns: Vec<ColumnDecl>,
    /// Where its files are; none if it is a Delta table in the lake.
    pub external: Option<External>,
    /// Where it is declared.
    pub span: Span,
}

/// Files or a database that a source's table is read from.
#[derive(Debug)]
pub struct External {
    /// The location with its template rendered.
    pub location: String,
    /// The rest, as declared.
    pub declared: ExternalDecl,
}

impl Model {
    /// Where its compiled SQL goes, relative to the target path: `compiled/<project>/models/...`.
    #[must_use]
    pub fn compiled_path(&self) -> PathBuf {
        let project = self.fqn.first().map_or("", String::as_str);
        Path::new("compiled").join(project).join(self.file.path())
    }
}

impl SourceTable {
    /// Whether its rows are a Delta table, in the lake or elsewhere.
    #[must_use]
    pub fn is_delta(&self) -> bool {
        match &self.external {
            None => true,
            Some(external) => external.declared.format.value == SourceFormatName::Delta,
        }
    }

    /// Where its Delta table is, if that is outside the lake.
    #[must_use]
    pub fn delta_location(&self) -> Option<&str> {
        self.external.as_ref().filter(|_| self.is_delta()).map(|external| external.location.as_str())
    }
}

impl Node {
    /// The node's id.
    #[must_use]
    pub fn id(&self) -> &NodeId {
        match self {
            Self::Model(model) => &model.id,
            Self::Source(source) => &source.id,
        }
    }

    /// The name people use: `stg_readings`, `files.readings`.
    #[must_use]
    pub fn display_name(&self) -> String {
        match self {
            Self::Model(model) => model.name.clone(),
            Self::Source(source) => format!("{}.{}", source.source, source.name),
        }
    }

    /// Where its rows are.
    #[must_use]
    pub fn relation(&self) -> &Relation {
        match self {
            Self::Model(model) => &model.relation,
            Self::Source(source) => &source.relation,
        }
    }

    /// dbt's name for the kind.
    #[must_use]
    pub fn resource_type(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Source(_) => "source",
        }
    }

    /// The node as the selection language sees it.
    pub(super) fn candidate(&self, project: &str) -> Candidate {
        match self {
            Self::Model(model) => Candidate {
                id: model.id.clone(),
                resource_type: "model",
                name: model.name.clone(),
                package: project.to_string(),
                fqn: model.fqn.clone(),
                path: model.file.path().to_string(),
                tags: model.config.tags.clone(),
                source_name: None,
                config: Value::Object(model.config.all.clone()),
            },
            Self::Source(source) => Candidate {
                id: source.id.clone(),
                resource_type: "source",
                name: source.name.clone(),
                package: project.to_string(),
                fqn: vec![project.to_string(), source.source.clone(), source.name.clone()],
                path: source.span.source.path().to_string(),
                tags: source.tags.clone(),
                source_name: Some(source.source.clone()),
                config: Value::Object(serde_json::Map::new()),
            },
        }
    }
}
