//! What a node is: a model, a seed or a snapshot that we build, a source that others write, or a test that judges them.

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
    name::{NodeId, Relation},
    project::{ColumnDecl, ConstraintDecl, DriftDecl, ExternalDecl, Period, SourceFormatName},
    select::{Candidate, TestKind, TestTraits},
    text::{Source, Span, Spanned},
};

/// One node of the graph.
#[derive(Debug)]
pub enum Node {
    /// A SELECT that becomes a table or a view.
    Model(Box<Model>),
    /// A CSV file that becomes a table.
    Seed(Box<Seed>),
    /// A query of whose rows every version is kept.
    Snapshot(Box<Snapshot>),
    /// A table that others write.
    Source(Box<SourceTable>),
    /// A query that selects rows that should not be.
    Test(Box<DataTest>),
    /// A model's SQL over rows written by hand.
    UnitTest(Box<UnitTest>),
    /// What is done with tables; never run.
    Exposure(Box<Exposure>),
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
    /// What is said of it in YAML.
    pub documentation: Documentation,
    /// Its columns as described in YAML.
    pub columns: Vec<ColumnDecl>,
    /// What is declared of its rows as a whole.
    pub constraints: Vec<ConstraintDecl>,
    /// Whether its template asked for something that differs from run to run.
    pub volatile: bool,
    /// What its template calls.
    pub calls: Calls,
}

/// What a template calls, each thing once, in order.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// `ref`: package, name and version, as written.
    pub refs: Vec<(Option<String>, String, Option<String>)>,
    /// `source`: source and table.
    pub sources: Vec<(String, String)>,
    /// Macros.
    pub macros: BTreeSet<String>,
}

/// What is said of a source as a whole.
#[derive(Debug, Default)]
pub struct SourceGroup {
    /// What it is.
    pub description: String,
    /// Who loads it.
    pub loader: String,
    /// The user's own data about it.
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
    /// What SQL calls it; where it lies, if it is a Delta table in the lake.
    pub relation: Relation,
    /// What is said of it.
    pub documentation: Documentation,
    /// The user's own data about it and its source; what is said of the table counts.
    pub meta: Value,
    /// What is said of its source.
    pub of: Arc<SourceGroup>,
    /// Its tags and its source's.
    pub tags: BTreeSet<String>,
    /// Its columns as declared.
    pub columns: Vec<ColumnDecl>,
    /// Where its files are; none if it is a Delta table in the lake.
    pub external: Option<External>,
    /// The column that tells when a row's event was, by which models in batches read it.
    pub event_time: Option<String>,
    /// How old it may be; none if nobody asks.
    pub freshness: Option<SourceFreshness>,
    /// What is done where its files drift.
    pub drift: DriftDecl,
    /// Where it is declared.
    pub span: Span,
}

/// How old a source may be, and what tells its age.
#[derive(Debug, Clone)]
pub struct SourceFreshness {
    /// Older than this is worth a warning.
    pub warn_after: Option<Period>,
    /// Older than this is an error.
    pub error_after: Option<Period>,
    /// Which rows count, as SQL.
    pub filter: Option<String>,
    /// The column that tells when a row came, as SQL.
    pub loaded_at_field: Option<Spanned<String>>,
    /// A query for the time at which the newest row came.
    pub loaded_at_query: Option<Spanned<String>>,
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

impl Calls {
    /// What a template that was rendered called.
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
    /// What it is to people: a model, a seed or a snapshot.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.id.as_str().split('.').next().unwrap_or_default()
    }

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

    /// Returns whether it is text that declares none of its columns but those that the reader supplies.
    #[must_use]
    pub fn may_be_undeclared(&self) -> bool {
        let is_text = |external: &External| external.declared.format.value.is_text();
        self.external.as_ref().is_some_and(is_text)
            && self.columns.iter().all(|column| column.name.value.starts_with("_source_"))
    }

    /// Whether its rows lie in files, of which there may be more tomorrow.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.external.as_ref().is_some_and(|external| {
            !matches!(external.declared.format.value, SourceFormatName::Delta | SourceFormatName::Sqlite)
        })
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
            Self::Seed(seed) => &seed.model.id,
            Self::Snapshot(snapshot) => &snapshot.model.id,
            Self::Source(source) => &source.id,
            Self::Test(test) => &test.id,
            Self::UnitTest(test) => &test.id,
            Self::Exposure(exposure) => &exposure.id,
        }
    }

    /// The name people use: `stg_readings`, `files.readings`.
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

    /// Where its rows are; tests have none.
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

    /// What is said of it and its columns; of tests and exposures there are no columns to speak of.
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

    /// What its template calls; sources, seeds and unit tests have none.
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

    /// The column that tells when a row's event was, if its settings name one.
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

    /// The file that declares it, relative to the project.
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

    /// dbt's name for the kind.
    #[must_use]
    pub fn resource_type(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Seed(_) => "seed",
            Self::Snapshot(_) => "snapshot",
            Self::Source(_) => "source",
            Self::Test(_) => "test",
            Self::UnitTest(_) => "unit_test",
            Self::Exposure(_) => "exposure",
        }
    }

    /// The node as the selection language sees it.
    pub(super) fn candidate(&self, project: &str) -> Candidate {
        let candidate = Candidate {
            id: self.id().clone(),
            resource_type: self.resource_type(),
            name: self.display_name(),
            package: project.to_string(),
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
                fqn: vec![project.to_string(), source.source.clone(), source.name.clone()],
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
