//! Nodes: models, seeds and snapshots, which we build; sources, which other tools load; tests; and exposures.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    config::ModelConfig, data_test::DataTest, documentation::Documentation, exposure::Exposure, seed::Seed,
    snapshot::Snapshot, unit_test::UnitTest,
};
use crate::{
    jinja::Captures,
    name::{NodeId, NodeKind, Relation},
    project::{ColumnDecl, ConstraintDecl, DriftDecl, ExternalDecl, Period, SourceFormatName},
    select::{Candidate, TestKind, TestTraits},
    text::{Source, Span, Spanned},
};

/// A node of the graph.
#[derive(Debug)]
pub enum Node {
    /// A SELECT that becomes a table or a view.
    Model(Box<Model>),
    /// A CSV file that becomes a table.
    Seed(Box<Seed>),
    /// A query whose rows are kept in all their versions.
    Snapshot(Box<Snapshot>),
    /// A table that other tools load.
    Source(Box<SourceTable>),
    /// A query that selects invalid rows.
    Test(Box<DataTest>),
    /// A run of a model's SQL on rows from the test.
    UnitTest(Box<UnitTest>),
    /// A use of tables, which never runs.
    Exposure(Box<Exposure>),
}

/// A model: a SQL file with its settings.
#[derive(Debug)]
pub struct Model {
    /// `model.<project>.<name>`.
    pub id: NodeId,
    /// The name: the file name without its extension.
    pub name: String,
    /// The project, folders and name.
    pub fqn: Vec<String>,
    /// The SQL as written.
    pub file: Source,
    /// The table.
    pub relation: Relation,
    /// The settings.
    pub config: ModelConfig,
    /// The documentation from YAML.
    pub documentation: Documentation,
    /// The columns declared in YAML.
    pub columns: Vec<ColumnDecl>,
    /// The constraints on its rows as a whole.
    pub constraints: Vec<ConstraintDecl>,
    /// True if its template uses a value that differs between runs.
    pub volatile: bool,
    /// The names that its template references.
    pub calls: Calls,
}

/// The names that a template references, without duplicates, in order.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// `ref`: package, name and version, as written.
    pub refs: Vec<(Option<String>, String, Option<String>)>,
    /// `source`: source and table.
    pub sources: Vec<(String, String)>,
    /// Macros.
    pub macros: BTreeSet<String>,
}

/// The documentation of a source as a whole.
#[derive(Debug, Default)]
pub struct SourceGroup {
    /// The description.
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
    /// The documentation.
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

impl Calls {
    /// Returns the names that a rendered template referenced.
    #[must_use]
    pub fn of(captures: &Captures) -> Self {
        let mut calls = Self { macros: captures.macros.clone(), ..Self::default() };
        for call in &captures.refs {
            let call = (call.package.clone(), call.name.clone(), call.version.clone());
            if !calls.refs.contains(&call) {
                calls.refs.push(call);
            }
        }
        for call in &captures.sources {
            let call = (call.source.clone(), call.table.clone());
            if !calls.sources.contains(&call) {
                calls.sources.push(call);
            }
        }
        calls
    }
}

impl Model {
    /// Returns the kind for messages: a model, a seed or a snapshot.
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        self.id.kind()
    }

    /// Returns the path of its compiled SQL, relative to the target path: `compiled/<project>/models/...`.
    #[must_use]
    pub fn compiled_path(&self) -> PathBuf {
        let project = self.fqn.first().map_or("", String::as_str);
        Path::new("compiled").join(project).join(self.file.path())
    }
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

    /// Returns whether it is a text source that declares no columns, except for those that the reader
    /// supplies.
    #[must_use]
    pub fn may_be_undeclared(&self) -> bool {
        let is_text = |external: &External| external.declared.format.value.is_text();
        self.external.as_ref().is_some_and(is_text)
            && self.columns.iter().all(|column| column.name.value.starts_with("_source_"))
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

impl Node {
    /// Returns the node's id.
    #[must_use]
    pub fn id(&self) -> &NodeId {
        match self {
            Self::Model(model) => &model.id,
            Self::Seed(seed) => &seed.model.id,
            Self::Snapshot(snapshot) => &snapshot.model.id,
            Self::Source(source) => &source.id,
            Self::Test(test) => &test.id,
            Self::UnitTest(test) => &test.id,
            Self::Exposure(exposure) => &exposure.id,
        }
    }

    /// Returns the name for users: `stg_readings`, `files.readings`.
    #[must_use]
    pub fn display_name(&self) -> String {
        match self {
            Self::Model(model) => model.name.clone(),
            Self::Seed(seed) => seed.model.name.clone(),
            Self::Snapshot(snapshot) => snapshot.model.name.clone(),
            Self::Source(source) => format!("{}.{}", source.source, source.name),
            Self::Test(test) => test.name.clone(),
            Self::UnitTest(test) => test.display_name(),
            Self::Exposure(exposure) => exposure.name().to_owned(),
        }
    }

    /// Returns the relation of its rows. Tests and exposures have none.
    #[must_use]
    pub fn relation(&self) -> Option<&Relation> {
        match self {
            Self::Model(model) => Some(&model.relation),
            Self::Seed(seed) => Some(&seed.model.relation),
            Self::Snapshot(snapshot) => Some(&snapshot.model.relation),
            Self::Source(source) => Some(&source.relation),
            Self::Test(_) | Self::UnitTest(_) | Self::Exposure(_) => None,
        }
    }

    /// Returns the documentation of the node and its columns. `None` for tests and exposures, which have no
    /// columns.
    #[must_use]
    pub fn documentation(&self) -> Option<&Documentation> {
        match self {
            Self::Model(model) => Some(&model.documentation),
            Self::Seed(seed) => Some(&seed.model.documentation),
            Self::Snapshot(snapshot) => Some(&snapshot.model.documentation),
            Self::Source(source) => Some(&source.documentation),
            Self::Test(_) | Self::UnitTest(_) | Self::Exposure(_) => None,
        }
    }

    /// Returns the names that its template references. `None` for sources, seeds and unit tests.
    #[must_use]
    pub fn calls(&self) -> Option<&Calls> {
        match self {
            Self::Model(model) => Some(&model.calls),
            Self::Snapshot(snapshot) => Some(&snapshot.model.calls),
            Self::Test(test) => Some(&test.calls),
            Self::Exposure(exposure) => Some(&exposure.calls),
            Self::Seed(_) | Self::Source(_) | Self::UnitTest(_) => None,
        }
    }

    /// Returns the event-time column, if the settings name one.
    #[must_use]
    pub fn event_time(&self) -> Option<&str> {
        match self {
            Self::Model(model) => model.config.event_time.as_deref(),
            Self::Seed(seed) => seed.model.config.event_time.as_deref(),
            Self::Snapshot(snapshot) => snapshot.model.config.event_time.as_deref(),
            Self::Source(source) => source.event_time.as_deref(),
            Self::Test(_) | Self::UnitTest(_) | Self::Exposure(_) => None,
        }
    }

    /// Returns the file that declares it, relative to the project.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Model(model) => model.file.path(),
            Self::Seed(seed) => seed.path(),
            Self::Snapshot(snapshot) => snapshot.path(),
            Self::Source(source) => source.span.source.path(),
            Self::Test(test) => test.path(),
            Self::UnitTest(test) => test.declared_at().source.path(),
            Self::Exposure(exposure) => exposure.path(),
        }
    }

    /// Returns dbt's name for the kind.
    #[must_use]
    pub fn resource_type(&self) -> &'static str {
        self.id().kind().as_str()
    }

    /// Returns the node as a candidate for selection.
    pub(super) fn candidate(&self) -> Candidate {
        let candidate = Candidate {
            id: self.id().clone(),
            name: self.display_name(),
            fqn: Vec::new(),
            path: self.path().to_string(),
            tags: BTreeSet::new(),
            source_name: None,
            config: Value::Object(Map::new()),
            test: None,
        };
        match self {
            Self::Model(model) => Candidate {
                fqn: model.fqn.clone(),
                tags: model.config.tags.clone(),
                config: Value::Object(model.config.all.clone()),
                ..candidate
            },
            Self::Seed(seed) => Candidate {
                fqn: seed.model.fqn.clone(),
                tags: seed.model.config.tags.clone(),
                config: Value::Object(seed.all()),
                ..candidate
            },
            Self::Snapshot(snapshot) => Candidate {
                fqn: snapshot.model.fqn.clone(),
                tags: snapshot.model.config.tags.clone(),
                config: Value::Object(snapshot.all()),
                ..candidate
            },
            Self::Source(source) => Candidate {
                name: source.name.clone(),
                fqn: vec![source.id.package().to_owned(), source.source.clone(), source.name.clone()],
                tags: source.tags.clone(),
                source_name: Some(source.source.clone()),
                ..candidate
            },
            Self::Test(test) => Candidate {
                fqn: test.fqn.clone(),
                tags: test.config.tags.clone(),
                config: Value::Object(test.config.all.clone()),
                test: Some(test.traits()),
                ..candidate
            },
            Self::Exposure(exposure) => Candidate {
                fqn: exposure.fqn.clone(),
                tags: exposure.tags.clone(),
                config: Value::Object(exposure.config.clone()),
                ..candidate
            },
            Self::UnitTest(test) => Candidate {
                name: test.name.clone(),
                fqn: test.fqn.clone(),
                tags: test.tags.clone(),
                config: Value::Object(test.config.clone()),
                test: Some(TestTraits { test_name: test.name.clone(), kind: TestKind::Unit }),
                ..candidate
            },
        }
    }
}
