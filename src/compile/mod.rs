//! Compilation: renders, parses, plans and type-checks every model of a command against schemas alone, before
//! anything is written.
//!
//! - [`render`]: renders a model's template
//! - [`check`]: checks that a planned model can become a table
//! - [`changes`]: a table's changes as a relation of its own
//! - [`increment`]: how an incremental model adds new rows
//! - [`contract`]: declared columns and constraints
//! - [`data_test`], [`unit_test`]: tests
//! - [`freshness`]: source ages
//! - [`inline`]: ad-hoc queries
//! - [`seed`]: files that become tables
//! - [`snapshot`]: tables that keep every version of a row
//! - [`source`]: declared sources as the engine reads them
//!
//! Must not write. Start at [`compile`].

pub mod changes;
pub mod check;
pub mod contract;
pub mod data_test;
pub mod freshness;
pub mod increment;
pub mod inline;
pub mod render;
pub mod seed;
pub mod snapshot;
pub mod source;
#[cfg(test)]
mod tests;
pub mod unit_test;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde_json::Value;

use self::{check::Origin, render::Written};
pub use self::{
    contract::Check,
    data_test::{Anomaly, CompiledTest, Direction, ModelRule, Probe},
    freshness::Clock,
    increment::{ByFile, ByKey, ByTime, FILE, Increment, Refresh, Standing, Taken},
    snapshot::{Onward, SnapshotQueries, nullable},
    source::{FOUND_COLUMNS, FoundColumns, is_undeclared},
    unit_test::CompiledUnitTest,
};
use crate::{
    diag::Diagnostic,
    engine::{
        Engine, Query, SchemaRef,
        lineage::QueryLineage,
        source::{SourceSpec, WatchedSource, WatchedState},
    },
    interval::{Interval, Intervals},
    jinja::Jinja,
    lake::Constraints,
    manifest::{
        DataTest, Manifest, Materialized, Model, Node, SourceTable,
        fingerprint::{self, Fingerprint},
    },
    name::{NodeId, Relation},
};

/// The compiled nodes of a command.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The models, seeds and snapshots, including unselected ones that had to be planned as well.
    pub models: BTreeMap<NodeId, CompiledModel>,
    /// The file and database sources they read; for a seed, its file.
    pub sources: BTreeMap<NodeId, SourceSpec>,
    /// The state that each source on a local disk was in before it was read, if that was asked for.
    pub watched: BTreeMap<NodeId, (WatchedSource, WatchedState)>,
    /// The data tests.
    pub tests: BTreeMap<NodeId, CompiledTest>,
    /// The unit tests.
    pub unit_tests: BTreeMap<NodeId, CompiledUnitTest>,
    /// The freshness checks of the selected sources.
    pub clocks: BTreeMap<NodeId, Clock>,
    /// The inferred columns of sources that declare none, if not yet recorded.
    pub found: BTreeMap<NodeId, FoundColumns>,
    /// Warnings about sources, shown before anything runs.
    pub warnings: Vec<Diagnostic>,
    /// The columns of every examined node that has rows.
    pub schemas: BTreeMap<NodeId, SchemaRef>,
    /// The nodes that couldn't be checked because a source can't be read, with that source.
    pub unreadable: BTreeMap<NodeId, Unreadable>,
}

/// The reason why a node can't be checked now although the project may be correct: a locked database or a
/// damaged log.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The source that can't be read.
    pub source: NodeId,
    /// The error from reading it.
    pub finding: Arc<Diagnostic>,
}

impl Compiled {
    /// Returns `self` if everything could be checked.
    ///
    /// # Errors
    /// One finding for each source that can't be read.
    pub fn whole(self) -> Result<Self, Vec<Diagnostic>> {
        let causes = self.unreadable.iter().filter(|(id, unreadable)| **id == unreadable.source);
        let findings: Vec<Diagnostic> = causes.map(|(_, cause)| cause.finding.as_ref().clone()).collect();
        if findings.is_empty() { Ok(self) } else { Err(findings) }
    }
}

/// A model, seed or snapshot that will run.
#[derive(Debug)]
pub struct CompiledModel {
    /// The rendered SQL.
    pub sql: String,
    /// The planned query.
    pub query: Query,
    /// The columns of its table.
    pub schema: SchemaRef,
    /// The incremental update, if it is incremental.
    pub increment: Option<Increment>,
    /// The reason for a full refresh, if its table exists and gets one.
    pub refresh: Option<Refresh>,
    /// The snapshot's queries, if it is a snapshot.
    pub snapshot: Option<Box<SnapshotQueries>>,
    /// The fingerprint of everything that shapes the table.
    pub fingerprint: Fingerprint,
    /// Whether the same inputs may give different rows next time.
    pub volatile: bool,
    /// The tests that remove rows from the table.
    pub rules: Vec<ModelRule>,
    /// The constraints that the table's log enforces on every writer.
    pub constraints: Constraints,
    /// The constraints to check in each new version.
    pub checks: Vec<Check>,
}

impl CompiledModel {
    /// Returns the relations that its table is made from. Excludes its own table, which an incremental model
    /// may read.
    #[must_use]
    pub fn reads(&self, own: &Relation) -> BTreeSet<Relation> {
        let mut relations = self.query.relations();
        relations.extend(self.increment.iter().flat_map(|increment| increment.query.relations()));
        let mut tables: BTreeSet<Relation> = relations.iter().map(Relation::table).collect();
        tables.remove(own);
        tables
    }

    /// Returns the columns that its columns depend on, in terms of the relations accepted by `is_known`.
    /// Excludes its own table, which an incremental model may read.
    #[must_use]
    pub fn lineage(&self, own: &Relation, is_known: &dyn Fn(&Relation) -> bool) -> QueryLineage {
        let is_other = |relation: &Relation| relation != own && is_known(relation);
        if let Some(snapshot) = &self.snapshot {
            return snapshot.arrived.lineage(&is_other);
        }
        let mut lineage = self.query.lineage(&is_other);
        if let Some(increment) = &self.increment {
            lineage.and(increment.query.lineage(&is_other));
        }
        lineage
    }

    /// Returns its batch settings, if it is a microbatch model.
    #[must_use]
    pub fn by_time(&self) -> Option<&ByTime> {
        match &self.increment.as_ref()?.taken {
            Taken::ByTime(by_time) => Some(by_time),
            _ => None,
        }
    }

    /// Returns the incremental update of an existing table, or `None` for a full refresh.
    #[must_use]
    pub fn takes_in(&self) -> Option<&Increment> {
        self.increment.as_ref().filter(|_| self.refresh.is_none())
    }
}

/// The inputs of compilation.
pub struct Context<'a> {
    /// The resolved project.
    pub manifest: &'a Manifest,
    /// Its templates.
    pub jinja: &'a Jinja,
    /// The engine that plans queries; compilation declares relations to it.
    pub engine: &'a Engine,
    /// The project folder, which relative locations start from.
    pub root: &'a Path,
    /// The columns of the existing Delta tables in the lake.
    pub stored: &'a BTreeMap<Relation, SchemaRef>,
    /// The existing Delta tables that can't be read, with the reason.
    pub unreadable: &'a BTreeMap<Relation, String>,
    /// The recorded columns of sources that declare none.
    pub found: &'a BTreeMap<NodeId, FoundColumns>,
    /// The start time of the invocation.
    pub now: DateTime<Utc>,
    /// The command's options.
    pub wanted: &'a Wanted,
}

/// A command's options for compilation; by default, whatever is due is built.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Whether incremental models get a full refresh.
    pub full_refresh: bool,
    /// The time range whose microbatches are rebuilt.
    pub time: Option<Interval>,
    /// The failed batches to retry, by model.
    pub again: BTreeMap<NodeId, Intervals>,
    /// Whether to record the state of each source before it is read.
    pub watch: bool,
}

/// Compiles `selected` (models, seeds, snapshots, data tests, unit tests, and sources for freshness checks)
/// and everything needed to type-check them: a parent that is neither selected nor in the lake is planned for
/// its schema, a view for its query.
///
/// # Errors
/// All errors, in graph order, except for models downstream of a broken one. A source that can't be read
/// isn't an error of the project: the nodes that read it are left out.
pub async fn compile(
    context: &Context<'_>,
    selected: &BTreeSet<NodeId>,
) -> Result<Compiled, Vec<Diagnostic>> {
    let needed = needed(context, selected);
    let mut work = Work {
        context,
        selected,
        compiled: Compiled::default(),
        reads: BTreeMap::new(),
        views: BTreeMap::new(),
        broken: BTreeSet::new(),
        findings: Vec::new(),
    };
    for id in context.manifest.graph.sorted() {
        if let Some(node) = context.manifest.nodes.get(id)
            && needed.contains_key(id)
        {
            work.node(node, needed[id]).await;
        }
    }
    let tests: Vec<&DataTest> = context
        .manifest
        .graph
        .sorted()
        .iter()
        .filter(|id| needed.contains_key(*id))
        .filter_map(|id| context.manifest.test(id))
        .collect();
    work.data_tests(&tests);
    if work.findings.is_empty() { Ok(work.compiled) } else { Err(work.findings) }
}

/// The information required about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Its columns, which the lake has.
    Schema,
    /// Its whole query.
    Query,
}

fn needed(context: &Context<'_>, selected: &BTreeSet<NodeId>) -> BTreeMap<NodeId, Need> {
    let mut needed = BTreeMap::new();
    let mut next: Vec<(&NodeId, bool)> = selected.iter().map(|id| (id, true)).collect();
    while let Some((id, is_selected)) = next.pop() {
        let Some(node) = context.manifest.nodes.get(id) else { continue };
        let need = match context.manifest.refable(id) {
            Some(model)
                if !is_selected
                    && model.config.materialized.is_table()
                    && context.stored.contains_key(&model.relation) =>
            {
                Need::Schema
            }
            _ => Need::Query,
        };
        let known = needed.get(id).copied();
        if known == Some(Need::Query) || known == Some(need) {
            continue;
        }
        needed.insert(id.clone(), need);
        if need == Need::Query {
            // A unit test runs its model's SQL, whatever is in the lake.
            let whole = matches!(node, Node::UnitTest(_));
            let parents = context.manifest.graph.parents(id);
            next.extend(parents.into_iter().map(|id| (id, whole || selected.contains(id))));
        }
    }
    needed
}

struct Work<'a> {
    context: &'a Context<'a>,
    selected: &'a BTreeSet<NodeId>,
    compiled: Compiled,
    /// The relations behind a node: itself, or the ones that a view reads.
    reads: BTreeMap<NodeId, BTreeSet<Relation>>,
    /// A digest of each view's statement, including the views it reads.
    views: BTreeMap<NodeId, String>,
    broken: BTreeSet<NodeId>,
    findings: Vec<Diagnostic>,
}

impl Work<'_> {
    async fn node(&mut self, node: &Node, need: Need) {
        let done = match node {
            Node::Source(source) => self.source(source).await,
            Node::Seed(seed) => match need {
                Need::Schema => self.stored(&seed.model.id, &seed.model.relation),
                Need::Query => self.seed(seed).await,
            },
            Node::Snapshot(snapshot) => match need {
                Need::Schema => self.stored(&snapshot.model.id, &snapshot.model.relation),
                Need::Query => self.snapshot(snapshot).await,
            },
            Node::Model(model) => match need {
                Need::Schema => self.stored(&model.id, &model.relation),
                Need::Query => self.model(model).await,
            },
            // Tests are compiled last, in parallel, because nothing depends on them. Exposures need no
            // compilation.
            Node::Test(_) | Node::Exposure(_) => Ok(()),
            Node::UnitTest(test) => self.unit_test(test).await,
        };
        if let Err(findings) = done {
            self.note_failure(node.id(), findings);
        }
    }

    /// Records that a node can't be compiled.
    fn note_failure(&mut self, id: &NodeId, findings: Vec<Diagnostic>) {
        self.broken.insert(id.clone());
        if findings.is_empty()
            && let Some(above) = self.unreadable_above(id)
        {
            self.compiled.unreadable.insert(id.clone(), above);
        }
        self.findings.extend(findings);
    }

    /// Returns the unreadable source that a node reads directly or indirectly.
    fn unreadable_above(&self, id: &NodeId) -> Option<Unreadable> {
        if let Some(own) = self.compiled.unreadable.get(id) {
            return Some(own.clone());
        }
        let parents = self.context.manifest.graph.parents(id);
        parents.into_iter().find_map(|parent| self.compiled.unreadable.get(parent)).cloned()
    }

    /// Records that a source can't be read. Returns an error without findings.
    fn note_unreadable(&mut self, source: &SourceTable, why: String) -> Vec<Diagnostic> {
        let at = source.external.as_ref().map_or(&source.span, |external| &external.declared.location.span);
        let finding = Diagnostic::error("unreadable-source", why)
            .at(at.clone(), "declared here")
            .hint("make sure that the source can be read, and run the command again");
        let cause = Unreadable { source: source.id.clone(), finding: Arc::new(finding) };
        self.compiled.unreadable.insert(source.id.clone(), cause);
        Vec::new()
    }

    async fn source(&mut self, source: &SourceTable) -> Result<(), Vec<Diagnostic>> {
        match &source.external {
            Some(external) if !source.is_delta() => {
                let mut spec = source::spec(source, external, self.context.root)?;
                let Context { engine, found, .. } = self.context;
                if self.context.wanted.watch
                    && let Some(watched) = WatchedSource::new(&spec)
                    && let Some(state) = watched.state()
                {
                    self.compiled.watched.insert(source.id.clone(), (watched, state));
                }
                let looked = source::look(engine, source, external, &mut spec, found).await;
                let source::Looked { schema, found, warnings } = match looked {
                    Err(_) if !self.is_read(&source.id) && source::is_known(&spec) => {
                        source::declared(&spec)?
                    }
                    Err(source::NotLooked::Unreadable(why)) => return Err(self.note_unreadable(source, why)),
                    Err(source::NotLooked::Wrong(findings)) => return Err(findings),
                    Ok(looked) => looked,
                };
                self.compiled.warnings.extend(warnings);
                self.compiled.found.extend(found.map(|found| (source.id.clone(), found)));
                self.declare(&source.id, &source.relation, schema)?;
                self.compiled.sources.insert(source.id.clone(), spec);
            }
            _ => {
                if let Some(why) = self.context.unreadable.get(&source.relation) {
                    return Err(self.note_unreadable(source, why.clone()));
                }
                self.stored(&source.id, &source.relation).map_err(|_| vec![source::missing(source)])?;
            }
        }
        if self.selected.contains(&source.id) { self.clock(source).await } else { Ok(()) }
    }

    /// Returns whether a selected node reads the rows of a source, directly or through views. Unit tests
    /// don't: they have rows of their own.
    fn is_read(&self, source: &NodeId) -> bool {
        let manifest = self.context.manifest;
        let mut next = vec![source];
        let mut seen = BTreeSet::new();
        while let Some(id) = next.pop() {
            if !seen.insert(id) {
                continue;
            }
            for child in manifest.graph.children(id) {
                match manifest.nodes.get(child) {
                    Some(Node::UnitTest(_)) | None => {}
                    Some(Node::Model(model)) if !model.config.materialized.is_table() => {
                        next.push(child);
                    }
                    Some(_) if self.selected.contains(child) => return true,
                    Some(_) => {}
                }
            }
        }
        false
    }

    fn stored(&mut self, id: &NodeId, relation: &Relation) -> Result<(), Vec<Diagnostic>> {
        match self.context.stored.get(relation) {
            Some(schema) => self.declare(id, relation, schema.clone()),
            None => Err(Vec::new()),
        }
    }

    fn declare(
        &mut self,
        id: &NodeId,
        relation: &Relation,
        schema: SchemaRef,
    ) -> Result<(), Vec<Diagnostic>> {
        self.reads.insert(id.clone(), BTreeSet::from([relation.clone()]));
        self.compiled.schemas.insert(id.clone(), schema.clone());
        self.context
            .engine
            .declare_table(relation, schema)
            .map_err(|error| vec![Diagnostic::error("engine", error.strip_backtrace())])
    }

    async fn model(&mut self, model: &Model) -> Result<(), Vec<Diagnostic>> {
        let allowed = self.allowed(&model.id)?;
        let Written { sql, map, changes } =
            render::model(model, self.context).map_err(|found| vec![found])?;
        self.declare_changes(model, &changes)?;
        let origin = Origin { id: &model.id, file: &model.file, manifest: self.context.manifest };
        let query =
            self.context.engine.plan(&sql).await.map_err(|error| vec![origin.sql_error(&error, &map)])?;
        origin.references(&query, &allowed)?;
        let (mut increment, mut refresh) = (None, None);
        let schema = match model.config.materialized {
            Materialized::Table | Materialized::Incremental => {
                check::rejects(&query, model, self.context.manifest)?;
                let mut schema = check::table(&query, model)?;
                if let Some(settings) = &model.config.incremental {
                    let (made, columns, why) =
                        self.increment(model, settings, (&sql, &query), &schema).await?;
                    (increment, schema, refresh) = (Some(made), columns, why);
                }
                self.declare(&model.id, &model.relation, schema.clone())?;
                schema
            }
            Materialized::View | Materialized::Ephemeral => {
                self.context
                    .engine
                    .declare_view(&model.relation, &query)
                    .map_err(|error| vec![Diagnostic::error("engine", error.strip_backtrace())])?;
                self.reads.insert(model.id.clone(), query.relations());
                self.compiled.schemas.insert(model.id.clone(), query.schema());
                let statement = self.statement(&model.id, query.canonical());
                self.views.insert(model.id.clone(), fingerprint::digest(&statement));
                query.schema()
            }
        };
        let (constraints, checks) = self.contract(model, &schema).await?;
        let rules = self.rules(model).await?;
        let mut statement = self.statement(&model.id, query.canonical());
        let mut volatile = model.volatile || query.is_volatile();
        if let Some(increment) = &increment {
            if matches!(increment.taken, Taken::ByFile(_)) {
                // Its times refer to when a row was loaded, so existing rows stay correct.
                volatile = false;
            } else {
                statement.push('\n');
                statement.push_str(increment.query.canonical());
                volatile |= increment.query.is_volatile();
            }
        }
        // A template that uses the current time renders different SQL each time, which changes the
        // fingerprint.
        volatile = model.config.volatile.unwrap_or(volatile);
        let mut compiled = CompiledModel {
            sql,
            query,
            schema,
            increment,
            refresh,
            snapshot: None,
            fingerprint: Fingerprint::default(),
            volatile,
            rules,
            constraints,
            checks,
        };
        let reading = self.reading(&compiled.reads(&model.relation));
        let meaning = self.context.engine.semantics();
        let meaning = meaning.map(|version| ("what SQL means (dialect)".to_owned(), version.into()));
        let beside = contract::shaping(&compiled.constraints, &compiled.rules)
            .into_iter()
            .chain(reading)
            .chain(meaning);
        compiled.fingerprint = Fingerprint::new(&statement, &model.config, beside);
        self.compiled.models.insert(model.id.clone(), compiled);
        Ok(())
    }

    /// Returns a model's statement with those of its views, which are planned into it but only named in it.
    fn statement(&self, id: &NodeId, canonical: &str) -> String {
        let parents = self.context.manifest.graph.parents(id);
        let views =
            parents.into_iter().filter_map(|parent| self.views.get(parent).map(|view| (parent, view)));
        let views: Vec<String> = views.map(|(parent, view)| format!("\n{parent} is {view}")).collect();
        format!("{canonical}{}", views.concat())
    }

    /// Returns the read settings of the file sources among these relations.
    fn reading(&self, relations: &BTreeSet<Relation>) -> Vec<(String, Value)> {
        let manifest = self.context.manifest;
        let files = relations.iter().filter(|relation| manifest.is_file_source(relation));
        let nodes = files.filter_map(|relation| manifest.at(relation));
        let specs = nodes.filter_map(|node| self.compiled.sources.get(node.id()));
        specs.map(|spec| (format!("source {}", spec.name), spec.describe().into())).collect()
    }

    /// Returns the relations that a node may read: those of its parents. Fails without findings if a parent
    /// is broken, which has already been reported.
    fn allowed(&self, id: &NodeId) -> Result<BTreeSet<Relation>, Vec<Diagnostic>> {
        let parents = self.context.manifest.graph.parents(id);
        if parents.iter().any(|parent| self.broken.contains(*parent)) {
            return Err(Vec::new());
        }
        Ok(parents.iter().filter_map(|parent| self.reads.get(*parent)).flatten().cloned().collect())
    }
}
