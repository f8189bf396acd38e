//! Template queries: runs those of `run_query` and `{% call statement %}` over the current lake while a node
//! is compiled. A node that queries a table of the same run is compiled after that table is built.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{FutureExt, future::BoxFuture};

use super::{
    Context, NotCompiled, Work, check::complaint, damaged_table, query_table, table_list::is_table_list,
};
use crate::{
    diag::Diagnostic,
    engine::{EngineError, Query, SchemaRef, Table, exec::streams::is_unreadable, types::type_name},
    jinja::{
        Answer, Asking, NameResolver, NodeContext, QueryAnswers, QueryTable, Question, RelationFacts,
        Rendered,
    },
    lake::{Damage, LakeError},
    manifest::Node,
    name::{NodeId, Relation},
    source::{self, UnreadableSource},
    text::Source,
};

/// Opens the published rows of a relation of the lake; `None` if there is no table.
pub type TableReader =
    Arc<dyn Fn(Relation) -> BoxFuture<'static, Result<Option<Table>, LakeError>> + Send + Sync>;

/// Finds a damaged data file of a relation's table.
pub type DamageFinder = Arc<dyn Fn(Relation) -> BoxFuture<'static, Option<Damage>> + Send + Sync>;

/// The tables that templates may query.
#[derive(Clone)]
pub struct LakeQueries {
    /// Opens them.
    pub read: TableReader,
    /// Finds the damage after one couldn't be read.
    pub damage: DamageFinder,
    /// The nodes that this run builds. A node that asks about one of them is compiled after it.
    pub building: BTreeSet<NodeId>,
    /// True if nodes that query missing tables are compiled later, too.
    pub waits: bool,
    /// The staged version that `read` opens instead of the published one, whose hooks are compiled.
    pub staged: Option<StagedRows>,
}

/// A staged version of a table.
#[derive(Debug, Clone)]
pub struct StagedRows {
    /// The table.
    pub relation: Relation,
    /// True if the build adds new rows to those of the version before.
    pub adds_rows: bool,
}

impl Default for LakeQueries {
    /// Returns a lake without tables.
    fn default() -> Self {
        let read: TableReader = Arc::new(|_| async { Ok(None) }.boxed());
        let damage: DamageFinder = Arc::new(|_| async { None }.boxed());
        Self { read, damage, building: BTreeSet::new(), waits: false, staged: None }
    }
}

/// The maximum number of queries of a template.
const MOST_QUERIES: usize = 1_000;

/// The maximum number of rows of a query, which all are in memory.
pub(super) const MOST_ROWS: usize = 200_000;

/// The maximum number of bytes of these rows. Templates hold each value several times.
pub const MOST_BYTES: usize = 128 << 20;

/// The cure for a source that can't be read.
const READABLE: &str = "make sure that the source can be read";

/// A template that runs queries, and its node.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) id: &'a NodeId,
    pub(super) file: &'a Source,
    /// True if it reads its node's own table as it is now, although this run builds it.
    pub(super) reads_own: bool,
}

impl Asker<'_> {
    /// Returns whether a node is built by this run before its table can be read.
    fn awaits(self, node: &Node, queries: &LakeQueries) -> bool {
        let is_own = self.reads_own && node.id() == self.id;
        queries.building.contains(node.id()) && !is_own
    }
}

impl Work<'_> {
    /// Renders a node's template, and runs its queries.
    pub(super) async fn rendered(
        &self,
        asker: Asker<'_>,
        node: &NodeContext,
        names: Arc<dyn NameResolver>,
    ) -> Result<Rendered, NotCompiled> {
        let mut answers = self.context.jinja.no_answers(asker.file, node);
        loop {
            let question = match self.asking(asker, node, &names, &answers)? {
                Asking::Rendered(mut rendered) => {
                    rendered.captures.found = answers.found().cloned().collect();
                    return Ok(*rendered);
                }
                Asking::Question(question) => question,
            };
            let answer = self.answer(asker, &question).await?;
            answers.push(question, answer);
        }
    }

    /// Renders a template up to its next question.
    pub(super) fn asking(
        &self,
        asker: Asker<'_>,
        node: &NodeContext,
        names: &Arc<dyn NameResolver>,
        answers: &QueryAnswers,
    ) -> Result<Asking, NotCompiled> {
        let asking = self.context.jinja.render_asking(asker.file, node, Arc::clone(names), answers);
        let asking = asking.map_err(|found| vec![found])?;
        if matches!(asking, Asking::Question(_)) && answers.len() >= MOST_QUERIES {
            let message = format!("this template runs more than {MOST_QUERIES} queries");
            let hint = "ask for all values in one query, or join in the model's SQL";
            let found = Diagnostic::error("template-budget", message).at(asker.file.span(0..0), "");
            return Err(vec![found.hint(hint)].into());
        }
        Ok(asking)
    }

    /// Answers a question.
    pub(super) async fn answer(&self, asker: Asker<'_>, question: &Question) -> Result<Answer, NotCompiled> {
        Ok(match question {
            Question::Query(sql) => Answer::Rows(self.rows_of(asker, sql).await?),
            Question::Relation(relation) => Answer::Relation(self.facts(asker, relation).await?),
        })
    }

    /// Renders a template as far as that is possible without a query.
    pub(super) fn rendered_without_queries(
        &self,
        asker: Asker<'_>,
        node: &NodeContext,
        names: Arc<dyn NameResolver>,
    ) -> Result<Rendered, NotCompiled> {
        let Context { jinja, .. } = self.context;
        let asking = jinja.render_asking(asker.file, node, names, &jinja.no_answers(asker.file, node));
        match asking.map_err(|found| vec![found])? {
            Asking::Rendered(rendered) => Ok(*rendered),
            Asking::Question(_) => Err(NotCompiled::Asks),
        }
    }

    /// Runs a query.
    pub(super) async fn rows_of(&self, asker: Asker<'_>, sql: &str) -> Result<QueryTable, NotCompiled> {
        let failed = |found: Diagnostic| {
            let found = found.note(format!("a template asked: {}", sql.trim()));
            NotCompiled::from(vec![found])
        };
        let engine = self.context.engine;
        let start = || asker.file.span(0..0);
        for relation in engine.tables_named(sql) {
            if is_table_list(&relation) {
                // Nothing says when a table is built or dropped.
                self.context.jinja.note_volatile();
                self.redeclare(&relation, &self.listed(asker)?.schema())?;
                continue;
            }
            self.declare_asked(asker, &relation).await.map_err(|error| match error {
                NotCompiled::Invalid(found) => NotCompiled::from(found)
                    .map(|found| found.note(format!("a template asked: {}", sql.trim()))),
                other => other,
            })?;
        }
        let query = engine.plan(sql).await.map_err(|error| failed(complaint(&error, None, start())))?;
        if query.is_volatile() {
            self.context.jinja.note_volatile();
        }
        let tables = self.asked_tables(asker, &query).await?;
        let rows =
            async { engine.gather_within(&query.bind(&tables)?, Some(MOST_ROWS + 1), MOST_BYTES).await };
        let batches = match rows.await {
            Ok(batches) => batches,
            Err(error) => return Err(self.failed_query(asker, sql, &query, &error).await),
        };
        if batches.iter().map(crate::engine::RecordBatch::num_rows).sum::<usize>() > MOST_ROWS {
            let message = format!("a query of a template can have {MOST_ROWS} rows at most");
            return Err(failed(Diagnostic::error("template-budget", message).at(start(), "")));
        }
        query_table::of(&query.schema(), &batches).map_err(|error| {
            failed(Diagnostic::error("query", error.to_string()).at(start(), "this template runs a query"))
        })
    }

    /// Returns the error of a query that failed over its rows, which concerns only the node that asked.
    async fn failed_query(
        &self,
        asker: Asker<'_>,
        sql: &str,
        query: &Query,
        error: &EngineError,
    ) -> NotCompiled {
        let Context { manifest, queries, .. } = self.context;
        let (mut message, mut cure) = (crate::engine::message(error), None);
        if UnreadableSource::is_cause_of(error) {
            cure = Some(READABLE.to_owned());
        } else if is_unreadable(error) {
            for relation in query.relations().iter().map(Relation::table) {
                let node = manifest.at(&relation);
                if !manifest.is_file(&relation)
                    && let Some(damage) = (queries.damage)(relation.clone()).await
                {
                    message = damaged_table::damage(&damage, &relation);
                    cure = node.map(damaged_table::rebuilt);
                    break;
                }
            }
        }
        let found =
            Diagnostic::error("query", message).at(asker.file.span(0..0), "this template runs a query");
        let found = found.note(format!("a template asked: {}", sql.trim()));
        NotCompiled::FailedQuery(Box::new(match cure {
            Some(cure) => found.hint(cure),
            None => found,
        }))
    }

    /// Returns what is known about a relation: from the plan if this run builds it, or else from the lake.
    async fn facts(
        &self,
        asker: Asker<'_>,
        relation: &Relation,
    ) -> Result<Option<RelationFacts>, NotCompiled> {
        let of = |is_view, schema: &SchemaRef| Some(relation_facts(is_view, schema));
        let Context { manifest, queries, .. } = self.context;
        let Some(node) = manifest.at(&relation.table()) else {
            self.context.jinja.note_volatile();
            let table = (queries.read)(relation.clone()).await.map_err(|error| unread(asker, &error))?;
            return Ok(table.and_then(|table| of(false, &table.schema())));
        };
        if node.id() == asker.id {
            return Ok(self.context.stored.get(relation).and_then(|schema| of(false, schema)));
        }
        if !manifest.graph.ancestors(asker.id, None).contains(node.id()) {
            let stored = self.context.stored.get(relation);
            return Ok(stored.and_then(|schema| of(false, schema)));
        }
        if self.compiled.later.contains_key(node.id()) {
            return Err(NotCompiled::Later(node.id().clone()));
        }
        if self.compiled.broken.contains(node.id()) {
            return Err(NotCompiled::BrokenInput);
        }
        Ok(self.compiled.schemas.get(node.id()).and_then(|schema| of(is_view(node), schema)))
    }

    /// Checks that a node depends on another one whose relation its template asks about.
    fn depends_on(&self, asker: Asker<'_>, node: &Node, relation: &Relation) -> Result<(), NotCompiled> {
        if node.id() == asker.id || self.context.manifest.graph.ancestors(asker.id, None).contains(node.id())
        {
            return Ok(());
        }
        let (reference, name) = (super::check::reference(node), asker.id.name());
        let message = format!(
            "`{name}` queries {relation} while it is compiled, but doesn't declare that it depends on it"
        );
        let found = Diagnostic::error("unknown-dependency", message).at(asker.file.span(0..0), "");
        let found = found.note("its `ref()` or `source()` is seen only under `{% if execute %}`");
        Err(vec![found.hint(format!("add a comment: -- depends_on: {{{{ {reference} }}}}"))].into())
    }

    /// Checks that a node may query a relation, and declares it if it isn't a node's.
    async fn declare_asked(&self, asker: Asker<'_>, relation: &Relation) -> Result<(), NotCompiled> {
        let Context { manifest, queries, engine, .. } = self.context;
        let Some(node) = manifest.at(&relation.table()) else {
            // Other writers' tables can change at any time.
            self.context.jinja.note_volatile();
            if let Some(table) =
                (queries.read)(relation.clone()).await.map_err(|error| unread(asker, &error))?
            {
                self.redeclare(relation, &table.schema())?;
            }
            return Ok(());
        };
        let id = node.id();
        self.depends_on(asker, node, relation)?;
        if self.compiled.later.contains_key(id) || (asker.awaits(node, queries) && !is_view(node)) {
            return Err(NotCompiled::Later(id.clone()));
        }
        if self.compiled.broken.contains(id) {
            return Err(NotCompiled::BrokenInput);
        }
        if engine.knows(relation) {
            return Ok(());
        }
        if id == asker.id {
            return match self.context.stored.get(relation) {
                Some(schema) => Ok(self.redeclare(relation, schema)?),
                None => Err(vec![absent(asker, node)].into()),
            };
        }
        self.absent(asker, node)
    }

    /// Opens the tables that a query reads.
    async fn asked_tables(
        &self,
        asker: Asker<'_>,
        query: &Query,
    ) -> Result<BTreeMap<Relation, Table>, NotCompiled> {
        let Context { manifest, queries, engine, .. } = self.context;
        let mut tables = BTreeMap::new();
        for relation in query.relations() {
            if is_table_list(&relation) {
                tables.insert(relation, self.listed(asker)?);
                continue;
            }
            let node = manifest.at(&relation.table());
            if let Some(node) = node.filter(|node| asker.awaits(node, queries)) {
                return Err(NotCompiled::Later(node.id().clone()));
            }
            let spec = node.and_then(|node| self.compiled.sources.get(node.id()));
            let table = match spec.filter(|_| manifest.is_file(&relation)) {
                Some(spec) => {
                    let mut spec = spec.clone();
                    spec.drift.is_lenient = true;
                    let opened = source::open(engine, &spec, None).await;
                    Some(opened.map_err(|error| {
                        let message = crate::engine::message(&error);
                        let found = Diagnostic::error("unreadable-source", message);
                        let found = found.at(asker.file.span(0..0), "this template queries it");
                        NotCompiled::FailedQuery(Box::new(found.hint(READABLE)))
                    })?)
                }
                None => (queries.read)(relation.clone()).await.map_err(|error| unread(asker, &error))?,
            };
            match (table, node) {
                (Some(table), _) => drop(tables.insert(relation, table)),
                (None, Some(node)) => self.absent(asker, node)?,
                // Binding the query reports it.
                (None, None) => {}
            }
        }
        Ok(tables)
    }

    fn listed(&self, asker: Asker<'_>) -> Result<Table, Vec<Diagnostic>> {
        self.table_list(asker.id).map_err(|error| {
            vec![Diagnostic::error("query", error.to_string()).at(asker.file.span(0..0), "")]
        })
    }

    /// Returns why a node can't be compiled if its template queries a missing table.
    fn absent(&self, asker: Asker<'_>, node: &Node) -> Result<(), NotCompiled> {
        if self.context.queries.waits {
            return Err(NotCompiled::Later(node.id().clone()));
        }
        Err(vec![absent(asker, node)].into())
    }
}

/// Returns the facts about a relation with these columns.
pub(super) fn relation_facts(is_view: bool, schema: &SchemaRef) -> RelationFacts {
    let columns = schema.fields().iter();
    let columns = columns.map(|field| (field.name().clone(), type_name(field.data_type()))).collect();
    RelationFacts { is_view, columns }
}

fn is_view(node: &Node) -> bool {
    matches!(node, Node::Model(model) if !model.config.materialized.is_table())
}

fn absent(asker: Asker<'_>, node: &Node) -> Diagnostic {
    let relation = node.relation().map(ToString::to_string).unwrap_or_default();
    let message =
        format!("`{}` queries {relation} while it is compiled, which isn't built yet", asker.id.name());
    Diagnostic::error("not-built", message)
        .at(asker.file.span(0..0), "")
        .hint(format!("headwater build -s +{}", node.display_name()))
}

fn unread(asker: Asker<'_>, error: &LakeError) -> NotCompiled {
    let found = Diagnostic::error("unreadable-table", error.to_string());
    NotCompiled::FailedQuery(Box::new(found.at(asker.file.span(0..0), "this template queries it")))
}
