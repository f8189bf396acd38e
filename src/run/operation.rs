//! Operations: templates that belong to no node (`on-run-start`, `on-run-end`, `run-operation`), and the
//! statements that they run. They may read everything, and write tables that no node of the project builds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{step_error::StepError, worker::Worker};
use crate::{
    compile::{lake_queries::MOST_BYTES, query_table},
    diag::Diagnostic,
    engine::{
        Query, SchemaRef, SqlError, Table,
        plan::{checked_scan::UnreadableLog, exact_cast::Destination, joins::Joins},
        statement::{self, NewTable, RowChange, StatementKind},
        types::type_name,
    },
    jinja::{Answer, Asking, NodeContext, QueryTable, Question, RelationFacts},
    lake::{Constraints, LakeError, Provenance, Replaces, Write},
    manifest::{Node, fingerprint::Fingerprint},
    name::Relation,
    text::{Source, Span},
};

/// The maximum number of questions of an operation.
const MOST_QUESTIONS: usize = 10_000;

/// The cure for a table whose log is damaged.
const DAMAGED: &str =
    "restore its files from a copy, or move its folder away and write the table from scratch";

/// The number of attempts for a statement, and the pause after the first one.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(100);

/// The reason for which a statement failed, and what to do instead.
struct Refusal {
    message: String,
    hint: Option<String>,
    /// True if no such statement can be run, whatever the lake's state.
    is_unsupported: bool,
    /// True if the statement may succeed from the current version: another writer was faster.
    is_worth_another_try: bool,
}

impl Refusal {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::plain(message) }
    }

    fn plain(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { message, hint: None, is_unsupported: false, is_worth_another_try: false }
    }

    fn unsupported(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { is_unsupported: true, ..Self::new(message, hint) }
    }
}

impl<E: Into<StepError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let error: StepError = error.into();
        let root = error.root();
        let is_damaged = match root {
            StepError::Lake(LakeError::Query(error)) | StepError::Engine(error) => {
                UnreadableLog::of(error).is_some()
            }
            StepError::Lake(error) => matches!(error, LakeError::Corrupt { .. }),
            _ => false,
        };
        let hint = if is_damaged { Some(DAMAGED) } else { error.cure() };
        let is_worth_another_try = matches!(root, StepError::Lake(error) if error.is_worth_another_try());
        Self { hint: hint.map(str::to_owned), is_worth_another_try, ..Self::plain(root.to_string()) }
    }
}

impl Worker {
    /// Renders an operation's template and runs the statements of its text. `warns`: whether statements that
    /// aren't supported are left out; they are returned as warnings.
    ///
    /// # Errors
    /// The error in the template or in a statement, at `at`.
    pub async fn run_hook(
        self: &Arc<Self>,
        template: &Source,
        at: &Span,
        node: &NodeContext,
        warns: bool,
    ) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let text = self.render_operation(template, at, node).await?;
        if text.trim().trim_matches(';').trim().is_empty() {
            return Ok(Vec::new());
        }
        match self.run_statements(&text, warns).await {
            Ok((_, left_out)) => {
                let warning = |message: &String| {
                    Diagnostic::warning("unsupported-hook", message.clone()).at(at.clone(), "")
                };
                Ok(left_out.iter().map(warning).collect())
            }
            Err(refusal) => Err(vec![finding(&refusal, at, &text)]),
        }
    }

    /// Renders an operation's template, running its queries and statements as they come. Returns its text.
    ///
    /// # Errors
    /// The error in the template or in a statement, at `at`.
    pub async fn render_operation(
        self: &Arc<Self>,
        template: &Source,
        at: &Span,
        node: &NodeContext,
    ) -> Result<String, Vec<Diagnostic>> {
        let jinja = &self.late.jinja;
        let mut answers = jinja.no_answers(template, node);
        for _ in 0..MOST_QUESTIONS {
            let names = self.manifest.lookup.clone();
            let asking = jinja.render_asking(template, node, names, &answers).map_err(|mut found| {
                found.labels.iter_mut().filter(|label| label.span.source == *template).for_each(|label| {
                    label.span = at.clone();
                });
                vec![found]
            })?;
            let question = match asking {
                Asking::Rendered(rendered) => return Ok(rendered.text),
                Asking::Question(question) => question,
            };
            let answer = match &question {
                Question::Query(sql) => match self.run_statements(sql, false).await {
                    Ok((rows, _)) => Answer::Rows(rows),
                    Err(refusal) => return Err(vec![finding(&refusal, at, sql)]),
                },
                Question::Relation(relation) => match self.facts(relation).await {
                    Ok(facts) => Answer::Relation(facts),
                    Err(refusal) => return Err(vec![finding(&refusal, at, &relation.to_string())]),
                },
            };
            answers.push(question, answer);
        }
        let message = format!("an operation can ask {MOST_QUESTIONS} queries at most");
        Err(vec![Diagnostic::error("template-budget", message).at(at.clone(), "")])
    }

    /// Runs statements one after another. Returns the rows of the last query, and what was left out.
    async fn run_statements(
        self: &Arc<Self>,
        sql: &str,
        warns: bool,
    ) -> Result<(QueryTable, Vec<String>), Refusal> {
        let statements = self.engine.statements(sql).map_err(Refusal::plain)?;
        let (mut rows, mut left_out) = (QueryTable::default(), Vec::new());
        for statement in statements {
            if self.cancel.is_cancelled() {
                return Err(LakeError::Cancelled.into());
            }
            let done = match &statement.kind {
                StatementKind::Query => self.query_rows(&statement.sql).await.map(|found| rows = found),
                StatementKind::Change(relation, change) => {
                    self.with_retries(|| self.change(relation, change)).await
                }
                StatementKind::CreateTable(table) => self.with_retries(|| self.create(table)).await,
                StatementKind::CreateSchema | StatementKind::Transaction => Ok(()),
                StatementKind::Maintenance(word) => {
                    left_out
                        .push(format!("`{word}` has no effect: Headwater maintains its tables by itself"));
                    Ok(())
                }
                StatementKind::Other(word) => Err(Refusal::unsupported(
                    format!("`{word}` isn't available"),
                    "queries, `create table`, `insert`, `delete` and `update` are",
                )),
            };
            match done {
                Err(refusal) if warns && refusal.is_unsupported => left_out.push(refusal.message),
                done => done?,
            }
        }
        Ok((rows, left_out))
    }

    /// Runs a statement, again if another writer commits first or the store fails for a moment.
    async fn with_retries<F: Future<Output = Result<(), Refusal>>>(
        &self,
        statement: impl Fn() -> F,
    ) -> Result<(), Refusal> {
        // Runs that failed together don't retry together.
        let spread = xxhash_rust::xxh3::xxh3_64(self.invocation_id.as_bytes()) % 100;
        let mut pause = PAUSE + Duration::from_millis(spread);
        for _ in 1..TRIES {
            match statement().await {
                Err(refusal) if refusal.is_worth_another_try => {
                    tracing::warn!(error = %refusal.message, "trying again");
                }
                done => return done,
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.cancel.cancelled() => return Err(LakeError::Cancelled.into()),
            }
            pause *= 2;
        }
        statement().await
    }

    async fn query_rows(self: &Arc<Self>, sql: &str) -> Result<QueryTable, Refusal> {
        let query = self.plan_operation(sql).await?;
        let tables = self.open(&query, None).await?;
        let bound = query.bind(&tables)?;
        let batches = tokio::select! {
            batches = self.engine.gather_within(&bound, None, MOST_BYTES) => batches?,
            () = self.cancel.cancelled() => return Err(LakeError::Cancelled.into()),
        };
        query_table::of(&query.schema(), &batches).map_err(|error| Refusal::plain(error.to_string()))
    }

    /// Plans a query over the lake as it is.
    async fn plan_operation(self: &Arc<Self>, sql: &str) -> Result<Query, Refusal> {
        for relation in self.engine.tables_named(sql) {
            self.declare_operand(&self.spelled(&relation).await?).await?;
        }
        let explained = |error: SqlError| {
            let hint = error.helps.first().cloned();
            Refusal { hint, ..Refusal::plain(error.message) }
        };
        self.engine.plan(sql).await.map_err(explained)
    }

    /// Returns a relation as the lake spells it: names compare without case.
    async fn spelled(&self, relation: &Relation) -> Result<Relation, Refusal> {
        if self.manifest.at(relation).is_some() {
            return Ok(relation.clone());
        }
        Ok(self.tables.lake().spelled(relation).await?.unwrap_or_else(|| relation.clone()))
    }

    /// Declares a table of the lake, or a view of the project with what it reads.
    async fn declare_operand(self: &Arc<Self>, relation: &Relation) -> Result<(), Refusal> {
        if let Some(table) = self.tables.provider(relation).await? {
            return Ok(self.engine.declare_table(relation, plain(&table.schema()))?);
        }
        match self.manifest.at(relation) {
            Some(Node::Model(model)) if !model.config.materialized.is_table() => {
                let worker = Arc::clone(self).compile_late(BTreeSet::from([model.id.clone()]), None);
                worker.await.map(drop).map_err(|findings| {
                    let message = findings.first().map(|found| found.message.clone()).unwrap_or_default();
                    Refusal::plain(message)
                })
            }
            _ => Ok(()),
        }
    }

    async fn facts(self: &Arc<Self>, relation: &Relation) -> Result<Option<RelationFacts>, Refusal> {
        self.declare_operand(relation).await?;
        if !self.engine.knows(relation) {
            return Ok(None);
        }
        let query = self.plan_operation(&format!("select * from {}", relation.quoted())).await?;
        let schema = query.schema();
        let column = |field: &crate::engine::arrow::datatypes::FieldRef| {
            (field.name().clone(), type_name(field.data_type()))
        };
        let columns = schema.fields().iter().map(column).collect();
        Ok(Some(RelationFacts { is_view: false, columns }))
    }

    /// Checks that a relation can be a table that no build writes.
    fn may_write(&self, relation: &Relation) -> Result<(), Refusal> {
        self.manifest
            .claim(relation)
            .map_or(Ok(()), |(why, cure)| Err(Refusal::unsupported(format!("{relation} {why}"), cure)))
    }

    async fn change(self: &Arc<Self>, relation: &Relation, change: &RowChange) -> Result<(), Refusal> {
        self.may_write(relation)?;
        let relation = &self.spelled(relation).await?;
        let Some(base) = self.tables.lake().base(relation).await? else {
            let cure = format!("create it first: create table if not exists {relation} (...)");
            return Err(Refusal::new(format!("the table {relation} is not in the lake"), cure));
        };
        let schema = plain(&base.schema());
        if let Some(column) = change.unknown_columns(&schema).first() {
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let hint = format!("its columns: {}", names.join(", "));
            return Err(Refusal::new(format!("{relation} has no column `{column}`"), hint));
        }
        self.engine.declare_table(relation, Arc::clone(&schema))?;
        if let Some((values, wanted)) = change.inserted(&schema) {
            let given = self.plan_operation(values).await?.schema().fields().len();
            if given != wanted {
                let hint = "name the columns that they are for: insert into t (a, b) values (1, 2)";
                return Err(Refusal::new(format!("{relation}: {}", statement::misfit(given, wanted)), hint));
            }
        }
        let of = base.version();
        let (sql, replaces) = if let Some(added) = change.added(&schema) {
            (added, Replaces::Nothing { of })
        } else {
            // Rows that another writer adds meanwhile are no rows of this version.
            let files = base.files()?;
            (change.query(relation, &schema, relation), Replaces::Files { of, files })
        };
        let query = self.plan_operation(&sql).await?;
        let write = Write {
            replaces,
            partition_by: base.partition_by().to_vec(),
            description: base.description().map(str::to_owned),
            constraints: base.not_null(),
            ..self.operation_write(schema)
        };
        self.write_operation(relation, &query, write).await
    }

    async fn create(self: &Arc<Self>, table: &NewTable) -> Result<(), Refusal> {
        self.may_write(&table.relation)?;
        let relation = &self.spelled(&table.relation).await?;
        if !table.or_replace && self.tables.observe(relation).await?.is_some() {
            if table.if_not_exists {
                return Ok(());
            }
            let hint = "write `create table if not exists`, or `create or replace table`";
            return Err(Refusal::new(format!("the table {relation} is there already"), hint));
        }
        let query = self.plan_operation(&table.query).await?;
        let schema = crate::lake::delta_schema(&query.schema(), &[])
            .map_err(|problems| Refusal::plain(problems.join("; ")))?;
        self.write_operation(relation, &query, self.operation_write(schema)).await
    }

    /// Writes the rows of a query to a table that no node builds, and publishes them.
    async fn write_operation(&self, relation: &Relation, query: &Query, write: Write) -> Result<(), Refusal> {
        let cure = "cast it in the statement".to_owned();
        let destination = Destination { table: relation.to_string(), cure };
        let query = query.as_columns_of(&write.schema, &destination)?;
        let tables: BTreeMap<Relation, Table> = self.open(&query, None).await?;
        let streams = self.engine.streams(&query.bind(&tables)?, &write.partition_by, Joins::Hash).await?;
        self.writer.stage(relation, write, streams, &self.cancel).await?.publish().await?;
        Ok(())
    }

    /// Returns the write settings of an operation for a new table with these columns.
    fn operation_write(&self, schema: SchemaRef) -> Write {
        let node = format!("operation.{}", self.manifest.project);
        Write {
            replaces: Replaces::Everything,
            schema,
            partition_by: Vec::new(),
            provenance: Provenance::new(&node, &self.invocation_id, Fingerprint::default(), BTreeMap::new()),
            description: None,
            target_file_size: None,
            constraints: Constraints::default(),
            transaction: None,
            on_rows: Arc::new(|_| {}),
        }
    }
}

/// Returns the columns of a table with the types of Delta: a scan has its partition columns as dictionaries,
/// which are no types of SQL.
fn plain(schema: &SchemaRef) -> SchemaRef {
    crate::lake::delta_schema(schema, &[]).unwrap_or_else(|_| Arc::clone(schema))
}

fn finding(refusal: &Refusal, at: &Span, sql: &str) -> Diagnostic {
    let found = Diagnostic::error("operation", refusal.message.clone()).at(at.clone(), "");
    let found = found.note(format!("its SQL: {}", sql.trim()));
    match &refusal.hint {
        Some(hint) => found.hint(hint),
        None => found,
    }
}
