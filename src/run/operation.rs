//! Operations: templates that belong to no node (`on-run-start`, `on-run-end`, `run-operation`), and the
//! statements that they run. They may read everything, and write tables that no node of the project builds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{step_error::StepError, worker::Worker};
use crate::{
    compile::{lake_queries::MOST_BYTES, query_table},
    diag::Diagnostic,
    engine::{
        Query, SchemaRef, SqlError, Table,
        plan::{exact_cast::Destination, joins::Joins},
        statement::{self, NewTable, RowChange, StatementKind},
        types::type_name,
    },
    jinja::{Answer, Asking, NodeContext, QueryTable, Question, RelationFacts},
    lake::{Constraints, Provenance, Replaces, Write},
    manifest::{Node, fingerprint::Fingerprint},
    name::Relation,
    text::{Source, Span},
};

/// The maximum number of questions of an operation.
const MOST_QUESTIONS: usize = 10_000;

/// The reason for which a statement failed, and what to do instead.
struct Refusal {
    message: String,
    hint: Option<String>,
    /// True if no such statement can be run, whatever the lake's state.
    is_unsupported: bool,
}

impl Refusal {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), is_unsupported: false }
    }

    fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, is_unsupported: false }
    }

    fn unsupported(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { is_unsupported: true, ..Self::new(message, hint) }
    }
}

impl<E: Into<StepError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let error: StepError = error.into();
        let hint = error.cure().map(ToString::to_string);
        Self { hint, ..Self::plain(error.root().to_string()) }
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
            let done = match &statement.kind {
                StatementKind::Query => self.query_rows(&statement.sql).await.map(|found| rows = found),
                StatementKind::Change(relation, change) => self.change(relation, change).await,
                StatementKind::CreateTable(table) => self.create(table).await,
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

    async fn query_rows(self: &Arc<Self>, sql: &str) -> Result<QueryTable, Refusal> {
        let query = self.plan_operation(sql).await?;
        let tables = self.open(&query, None).await?;
        let batches = self.engine.gather_within(&query.bind(&tables)?, None, MOST_BYTES).await?;
        query_table::of(&query.schema(), &batches).map_err(|error| Refusal::plain(error.to_string()))
    }

    /// Plans a query over the lake as it is.
    async fn plan_operation(self: &Arc<Self>, sql: &str) -> Result<Query, Refusal> {
        for relation in self.engine.tables_named(sql) {
            self.declare_operand(&relation).await?;
        }
        let explained = |error: SqlError| {
            let hint = error.helps.first().cloned();
            Refusal { hint, ..Refusal::plain(error.message) }
        };
        self.engine.plan(sql).await.map_err(explained)
    }

    /// Declares a table of the lake, or a view of the project with what it reads.
    async fn declare_operand(self: &Arc<Self>, relation: &Relation) -> Result<(), Refusal> {
        if let Some(table) = self.tables.provider(relation).await? {
            return Ok(self.engine.declare_table(relation, table.schema())?);
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
        let Some(table) = self.tables.provider(relation).await? else {
            let cure = format!("create it first: create table if not exists {relation} (...)");
            return Err(Refusal::new(format!("the table {relation} is not in the lake"), cure));
        };
        let schema = table.schema();
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
        let (sql, replaces) = match change.added(&schema) {
            Some(added) => {
                let current = self.tables.observe(relation).await?;
                let of = current.map(|current| current.version).unwrap_or_default();
                (added, Replaces::Nothing { of })
            }
            None => (change.query(relation, &schema, relation), Replaces::Everything),
        };
        let query = self.plan_operation(&sql).await?;
        self.write_operation(relation, &query, schema, replaces).await
    }

    async fn create(self: &Arc<Self>, table: &NewTable) -> Result<(), Refusal> {
        let relation = &table.relation;
        self.may_write(relation)?;
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
        self.write_operation(relation, &query, schema, Replaces::Everything).await
    }

    /// Writes the rows of a query to a table that no node builds, and publishes them.
    async fn write_operation(
        &self,
        relation: &Relation,
        query: &Query,
        schema: SchemaRef,
        replaces: Replaces,
    ) -> Result<(), Refusal> {
        let cure = "cast it in the statement".to_owned();
        let query = query.as_columns_of(&schema, &Destination { table: relation.to_string(), cure })?;
        let tables: BTreeMap<Relation, Table> = self.open(&query, None).await?;
        let streams = self.engine.streams(&query.bind(&tables)?, &[], Joins::Hash).await?;
        let node = format!("operation.{}", self.manifest.project);
        let provenance = Provenance::new(&node, &self.invocation_id, Fingerprint::default(), BTreeMap::new());
        let write = Write {
            replaces,
            schema,
            partition_by: Vec::new(),
            provenance,
            description: None,
            target_file_size: None,
            constraints: Constraints::default(),
            transaction: None,
            on_rows: Arc::new(|_| {}),
        };
        self.writer.stage(relation, write, streams, &self.cancel).await?.publish().await?;
        Ok(())
    }
}

fn finding(refusal: &Refusal, at: &Span, sql: &str) -> Diagnostic {
    let found = Diagnostic::error("operation", refusal.message.clone()).at(at.clone(), "");
    let found = found.note(format!("its SQL: {}", sql.trim()));
    match &refusal.hint {
        Some(hint) => found.hint(hint),
        None => found,
    }
}
