//! Nodes of the graph: models, seeds and snapshots, which we build; sources, which other tools load; tests;
//! and exposures.

use std::{cmp::Ordering, collections::BTreeSet};

use serde_json::{Map, Value};

use super::{
    data_test::DataTest,
    documentation::Documentation,
    exposure::Exposure,
    model::{Calls, Model},
    seed::Seed,
    snapshot::Snapshot,
    source::SourceTable,
    unit_test::UnitTest,
};
use crate::{
    name::{NodeId, Relation},
    project::{ModelVersion, StaticAnalysis},
    select::{Candidate, Comparison, TestKind, TestTraits, VersionStage},
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

    /// Returns whether its own settings let an error in it stop the run, if they say so.
    #[must_use]
    pub fn static_analysis(&self) -> Option<StaticAnalysis> {
        match self {
            Self::Model(model) => model.config.static_analysis,
            Self::Seed(seed) => seed.model.config.static_analysis,
            Self::Snapshot(snapshot) => snapshot.model.config.static_analysis,
            Self::Test(test) => test.config.static_analysis,
            Self::UnitTest(test) => test.static_analysis,
            Self::Source(_) | Self::Exposure(_) => None,
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

    /// Returns the file that declares it, relative to its package.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Model(model) => model.file.package_path(),
            Self::Seed(seed) => seed.path(),
            Self::Snapshot(snapshot) => snapshot.path(),
            Self::Source(source) => source.span.source.package_path(),
            Self::Test(test) => test.path(),
            Self::UnitTest(test) => test.declared_at().source.package_path(),
            Self::Exposure(exposure) => exposure.path(),
        }
    }

    /// Returns dbt's name for the kind.
    #[must_use]
    pub fn resource_type(&self) -> &'static str {
        self.id().kind().as_str()
    }

    /// Returns the node of a project or its packages as a candidate for selection.
    pub(super) fn candidate(&self, project: &str) -> Candidate {
        let candidate = Candidate {
            id: self.id().clone(),
            name: self.display_name(),
            fqn: Vec::new(),
            path: self.path().to_string(),
            tags: BTreeSet::new(),
            source_name: None,
            config: Value::Object(Map::new()),
            test: None,
            version: None,
            comparison: Comparison::default(),
            is_installed: self.id().package() != project,
        };
        match self {
            Self::Model(model) => Candidate {
                fqn: model.fqn.clone(),
                tags: model.config.tags.clone(),
                config: Value::Object(model.config.all.clone()),
                version: model.version.as_ref().map(version_stage),
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

fn version_stage(version: &ModelVersion) -> VersionStage {
    match version.cmp_latest() {
        Ordering::Less => VersionStage::Old,
        Ordering::Equal => VersionStage::Latest,
        Ordering::Greater => VersionStage::Prerelease,
    }
}
