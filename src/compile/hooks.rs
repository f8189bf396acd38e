//! Hooks of models: `pre_hook` and `post_hook`. Statements that change the rows of the model's own table are
//! part of its version: each becomes a query over the rows before it, so that tests see its effect, and
//! nothing is published if one fails. Nothing else can be changed.

use std::sync::Arc;

use super::{NotCompiled, Work, check::complaint};
use crate::{
    diag::Diagnostic,
    engine::{
        Query, SchemaRef,
        plan::exact_cast::Destination,
        statement::{self, RowChange, Statement, StatementKind},
    },
    manifest::{Hook, Model},
    name::Relation,
};

/// The effect of a model's hooks.
#[derive(Debug, Default)]
pub struct CompiledHooks {
    /// A query that returns the table's rows after the hooks, given those before; `None` if they change no
    /// row.
    pub rows: Option<Query>,
    /// The queries that they run over its table.
    pub reads: Vec<Query>,
    /// True if one asks about the rows of a version that isn't staged yet. Then all post-hooks are compiled
    /// once it is staged.
    pub waits: bool,
    /// The statements that have an effect.
    pub(super) statements: Vec<String>,
}

impl CompiledHooks {
    /// Returns what they add to the fingerprint of a table.
    pub(super) fn fingerprint(&self) -> String {
        self.statements.iter().flat_map(|sql| ["\nhook: ", sql]).collect()
    }

    /// Returns all queries.
    pub fn queries(&self) -> impl Iterator<Item = &Query> {
        self.rows.iter().chain(&self.reads)
    }
}

/// The table whose hooks are compiled.
#[derive(Clone, Copy)]
pub(super) struct HookedTable<'a> {
    pub(super) model: &'a Model,
    pub(super) schema: &'a SchemaRef,
    pub(super) is_incremental: bool,
    /// The query for its rows before the hooks, if they aren't those of the table.
    pub(super) base: Option<&'a Query>,
}

/// A hook's text after rendering, and when it runs.
pub(super) struct RenderedHook<'a> {
    pub(super) hook: &'a Hook,
    pub(super) is_post: bool,
    pub(super) statements: Vec<Statement>,
    /// The relations that its template drops.
    pub(super) dropped: Vec<Relation>,
}

/// A change of the rows of a model's own table.
struct OwnChange<'a> {
    statement: &'a Statement,
    change: &'a RowChange,
    is_incremental: bool,
}

impl Work<'_> {
    /// Compiles the hooks of a model whose table has these columns. Its template sees `is_incremental`. The
    /// rows before the hooks are those of `base`, or else of the table.
    pub(super) async fn hooks(
        &mut self,
        model: &Model,
        schema: &SchemaRef,
        is_incremental: bool,
        base: Option<Query>,
    ) -> Result<CompiledHooks, NotCompiled> {
        let mut done = CompiledHooks::default();
        if model.config.hooks.is_empty() {
            return Ok(done);
        }
        let table = HookedTable { model, schema, is_incremental, base: base.as_ref() };
        self.declare_rows(table, None)?;
        let compiled = self.hooks_in_order(table, &mut done).await;
        if model.config.materialized.is_table() {
            self.redeclare(&model.relation, schema)?;
        }
        compiled?;
        Ok(done)
    }

    async fn hooks_in_order(
        &mut self,
        table: HookedTable<'_>,
        done: &mut CompiledHooks,
    ) -> Result<(), NotCompiled> {
        let hooks = &table.model.config.hooks;
        // Once the version is staged, they are done.
        let pre: &[Hook] = if self.is_staged(table.model) { &[] } else { &hooks.pre };
        for hook in pre {
            self.hook(table, (hook, false), done).await?;
        }
        let reads = done.reads.len();
        for (at, hook) in hooks.post.iter().enumerate() {
            if !self.hook(table, (hook, true), done).await? {
                done.waits = true;
                done.rows = None;
                done.reads.truncate(reads);
                done.statements.extend(hooks.post[at..].iter().map(|hook| hook.sql.clone()));
                break;
            }
        }
        Ok(())
    }

    /// Renders a hook and applies its statements. Returns false if it waits for the staged version.
    async fn hook(
        &mut self,
        table: HookedTable<'_>,
        hook: (&Hook, bool),
        done: &mut CompiledHooks,
    ) -> Result<bool, NotCompiled> {
        let Some(hook) = self.rendered_hook(table, hook, done).await? else { return Ok(false) };
        self.refuse_drops(table.model, &hook)?;
        self.apply(table, &hook, done).await?;
        Ok(true)
    }

    /// Returns whether the hooks of a staged version of this model are compiled.
    pub(super) fn is_staged(&self, model: &Model) -> bool {
        self.context.queries.staged.as_ref().is_some_and(|staged| staged.relation == model.relation)
    }

    /// Warns of a hook that drops its own table, which has no effect, and refuses one that drops another.
    fn refuse_drops(&mut self, model: &Model, hook: &RenderedHook<'_>) -> Result<(), NotCompiled> {
        for relation in &hook.dropped {
            let call = format!("adapter.drop_relation({relation})");
            if !is_table_of(model, relation) {
                let why = format!("it drops {relation}, and a model writes only its own table");
                self.refuse(model, hook.hook, &call, &why, "drop it outside of the run")?;
                continue;
            }
            let message = format!("a hook of `{}` has no effect: {call}", model.name);
            let found = Diagnostic::warning("hook-without-effect", message);
            let found = found.at(hook.hook.span.clone(), "");
            let found = found.note("a table that is built is kept: staleness is decided by what it holds");
            self.compiled.warnings.push(found.hint("set `enabled: false`, or materialize it as ephemeral"));
        }
        Ok(())
    }

    /// Applies the statements of a hook.
    pub(super) async fn apply(
        &mut self,
        table: HookedTable<'_>,
        hook: &RenderedHook<'_>,
        done: &mut CompiledHooks,
    ) -> Result<(), NotCompiled> {
        let HookedTable { model, schema, is_incremental, .. } = table;
        for statement in &hook.statements {
            match &statement.kind {
                StatementKind::Query => {
                    // It reads the staged table.
                    if model.config.materialized.is_table() {
                        self.redeclare(&model.relation, schema)?;
                    }
                    let query = self.hook_query(model, hook.hook, &statement.sql).await?;
                    self.declare_rows(table, done.rows.as_ref())?;
                    done.statements.push(statement.sql.clone());
                    done.reads.push(query);
                }
                StatementKind::Change(relation, change) if is_table_of(model, relation) => {
                    let change = OwnChange { statement, change, is_incremental };
                    self.apply_change(model, schema, hook, &change, done).await?;
                }
                StatementKind::Transaction | StatementKind::CreateSchema => {}
                StatementKind::Maintenance(word) => {
                    let message =
                        format!("a hook of `{}` has no effect: {}", model.name, statement.sql.trim());
                    let found = Diagnostic::warning("hook-without-effect", message);
                    let found = found.at(hook.hook.span.clone(), "");
                    self.compiled.warnings.push(found.note(format!(
                        "`{word}` maintains or describes tables, which Headwater does by itself"
                    )));
                }
                kind => {
                    let (why, cure) = unsupported(kind);
                    self.refuse(model, hook.hook, &statement.sql, &why, cure)?;
                }
            }
        }
        Ok(())
    }

    /// Applies a change of the rows of the model's own table.
    async fn apply_change(
        &mut self,
        model: &Model,
        schema: &SchemaRef,
        RenderedHook { hook, is_post, .. }: &RenderedHook<'_>,
        OwnChange { statement, change, is_incremental }: &OwnChange<'_>,
        done: &mut CompiledHooks,
    ) -> Result<(), NotCompiled> {
        if !model.config.materialized.is_table() {
            let why = "a view has no rows of its own";
            return self.refuse(model, hook, &statement.sql, why, "materialize the model as a table");
        }
        if !is_post && !is_incremental {
            // The table from before is about to be replaced.
            return Ok(());
        }
        if !is_post {
            let why = "a pre-hook can't change rows that an incremental build starts from";
            let cure = "change them in a post-hook, or replace them by `unique_key` with \
                        `incremental_strategy: delete+insert`";
            return self.refuse(model, hook, &statement.sql, why, cure);
        }
        let has_rules = || {
            let mut tests = self.context.manifest.tests_of(&model.id);
            tests.any(|test| test.config.on_violation.is_some())
        };
        if (model.config.incremental.is_some() || self.is_staged(model)) && has_rules() {
            let why = "tests with `on_violation` remove rows before a post-hook of an incremental model, or one \
                       that queries the rows, changes them";
            let cure = "change the rows in the model's query, or drop `on_violation`, so that the test fails";
            return self.refuse(model, hook, &statement.sql, why, cure);
        }
        if let Some(column) = change.unknown_columns(schema).first() {
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let found =
                Diagnostic::error("unknown-column", format!("`{}` has no column `{column}`", model.name));
            let found = found.at(hook.span.clone(), "this hook").near(column, names);
            return Err(vec![found].into());
        }
        let added = Relation::new("_hooks", model.relation.name.as_str());
        if let Some((values, wanted)) = change.inserted(schema) {
            let given = self.hook_query(model, hook, values).await?.schema().fields().len();
            if given != wanted {
                let found = Diagnostic::error("hook-columns", statement::misfit(given, wanted));
                let hint = "name the columns that they are for: insert into t (a, b) values (1, 2)";
                return Err(vec![found.at(hook.span.clone(), "this hook").hint(hint)].into());
            }
        }
        if let Some(sql) = change.added(schema) {
            let query = self.hook_query(model, hook, &sql).await?;
            self.declare_hook_view(&added, &in_columns(&query, schema, model, hook)?)?;
        }
        let sql = change.query(&model.relation, schema, &added);
        let query = self.hook_query(model, hook, &sql).await?;
        let query = in_columns(&query, schema, model, hook)?;
        self.declare_hook_view(&model.relation, &query)?;
        done.statements.push(statement.sql.clone());
        done.rows = Some(query);
        Ok(())
    }

    /// Rejects a statement, or skips it with a warning under `hooks: {unsupported: warn}`.
    fn refuse(
        &mut self,
        model: &Model,
        hook: &Hook,
        statement: &str,
        why: &str,
        cure: &str,
    ) -> Result<(), NotCompiled> {
        let message = format!("a hook of `{}` can't run: {}", model.name, statement.trim());
        let warns = model.config.hooks.warns;
        let (code, severity) =
            ("unsupported-hook", if warns { Diagnostic::warning } else { Diagnostic::error });
        let found = severity(code, message).at(hook.span.clone(), "").note(why).hint(cure);
        if warns {
            self.compiled.warnings.push(found);
            return Ok(());
        }
        let hint =
            "leave out such statements with a warning: `hooks: {unsupported: warn}` in the project file";
        Err(vec![found.hint(hint)].into())
    }

    /// Plans a query of a hook, which may read the model's table and what the model depends on.
    async fn hook_query(&self, model: &Model, hook: &Hook, sql: &str) -> Result<Query, NotCompiled> {
        self.reads_no_broken_parent(&model.id, sql)?;
        let planned = self.context.engine.plan(sql).await;
        let query = planned.map_err(|error| {
            vec![complaint(&error, Some("this hook"), hook.span.clone()).note(format!("its SQL: {sql}"))]
        })?;
        let mut allowed = self.allowed(&model.id)?;
        allowed.insert(model.relation.clone());
        match query.relations().into_iter().find(|relation| !allowed.contains(&relation.table())) {
            Some(relation) => {
                let message = format!("{relation} is read by its bare name");
                let found = Diagnostic::error("hard-coded-table", message).at(hook.span.clone(), "this hook");
                Err(vec![found.hint("read it through `ref()` or `source()`, so that it is built first")]
                    .into())
            }
            None => Ok(query),
        }
    }

    /// Declares the relation of a table to have the rows of a query, or else those before the hooks.
    pub(super) fn declare_rows(
        &self,
        table: HookedTable<'_>,
        rows: Option<&Query>,
    ) -> Result<(), Vec<Diagnostic>> {
        let HookedTable { model, schema, base, .. } = table;
        match rows.or(base) {
            _ if !model.config.materialized.is_table() => Ok(()),
            Some(rows) => self.declare_hook_view(&model.relation, rows),
            None => self.redeclare(&model.relation, schema),
        }
    }

    fn declare_hook_view(&self, relation: &Relation, query: &Query) -> Result<(), Vec<Diagnostic>> {
        let declared = self.context.engine.declare_view(relation, query);
        declared.map_err(|error| vec![Diagnostic::error("engine", error.strip_backtrace())])
    }

    /// Compiles the hooks of a table that is always rebuilt. Returns its query with what they change.
    pub(super) async fn rebuilt_with_hooks(
        &mut self,
        model: &Model,
        query: Query,
        schema: &SchemaRef,
    ) -> Result<(Query, CompiledHooks), NotCompiled> {
        if model.config.hooks.is_empty() {
            return Ok((query, CompiledHooks::default()));
        }
        let cure = format!("cast it in {}", model.file.path());
        let destination = Destination { table: model.relation.to_string(), cure };
        let base = query
            .as_columns_of(schema, &destination)
            .map_err(|error| vec![Diagnostic::error("engine", error.strip_backtrace())])?;
        let mut hooks = self.hooks(model, schema, false, Some(base)).await?;
        Ok((hooks.rows.take().unwrap_or(query), hooks))
    }
}

pub(super) fn is_table_of(model: &Model, relation: &Relation) -> bool {
    relation.schema.eq_ignore_ascii_case(&model.relation.schema)
        && relation.name.eq_ignore_ascii_case(&model.relation.name)
}

/// Casts the rows of a statement to the columns of the model's table.
fn in_columns(
    query: &Query,
    schema: &SchemaRef,
    model: &Model,
    hook: &Hook,
) -> Result<Query, Vec<Diagnostic>> {
    let cure = format!("cast it in the hook at {}", hook.span.source.path());
    let destination = Destination { table: model.relation.to_string(), cure };
    query.as_columns_of(&Arc::clone(schema), &destination).map_err(|error| {
        vec![Diagnostic::error("hook-types", error.strip_backtrace()).at(hook.span.clone(), "this hook")]
    })
}

/// Returns why a statement isn't available, and what to do instead.
fn unsupported(kind: &StatementKind) -> (String, &'static str) {
    match kind {
        StatementKind::Change(relation, _) => (
            format!("it changes {relation}, and a model writes only its own table"),
            "make that table a model of its own, or write it in `on-run-end`",
        ),
        StatementKind::CreateTable(table) => (
            format!("it creates {}, and a model writes only its own table", table.relation),
            "make that table a model of its own, or create it in `on-run-start`",
        ),
        StatementKind::Other(word) => match word.as_str() {
            "grant" | "revoke" => (
                "tables are folders, and who may read them is decided by the storage".to_owned(),
                "grant access to the folders of the lake",
            ),
            "attach" | "detach" => (
                "a database can't be attached".to_owned(),
                "declare what it holds as a source, with `external:`",
            ),
            "insert" | "update" | "delete" | "merge" => (
                format!("this form of `{word}` isn't available"),
                "write it as a plain `delete from`, `update ... set` or `insert into` the model's own table",
            ),
            _ => (format!("`{word}` isn't available in hooks"), "remove it, or do it outside of the run"),
        },
        _ => ("it isn't available in hooks".to_owned(), "remove it, or do it outside of the run"),
    }
}

pub(super) fn at_hook(mut found: Diagnostic, hook: &Hook) -> Diagnostic {
    found.labels.clear();
    found.at(hook.span.clone(), "in this hook")
}
