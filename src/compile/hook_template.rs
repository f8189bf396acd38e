//! Templates of hooks: renders them, and runs their statements. Those that change the rows of the model's own
//! table have the effect of statements in the hook's text. Queries over these rows are answered once the
//! version is staged.

use std::sync::Arc;

use super::{
    NotCompiled, Work,
    hooks::{CompiledHooks, HookedTable, RenderedHook, at_hook, is_table_of},
    lake_queries::{Asker, relation_facts},
    render,
};
use crate::{
    diag::Diagnostic,
    engine::statement::StatementKind,
    jinja::{Answer, Asking, NameResolver, NodeContext, QueryTable, Question, Rendered},
    manifest::Hook,
    text::Source,
};

/// A hook whose template is being rendered.
#[derive(Clone, Copy)]
struct AskingHook<'a> {
    hook: &'a Hook,
    is_post: bool,
    asker: Asker<'a>,
}

impl Work<'_> {
    /// Renders a hook and applies the statements that its template runs; `None` if it has to wait for the
    /// staged version.
    pub(super) async fn rendered_hook<'a>(
        &mut self,
        table: HookedTable<'_>,
        (hook, is_post): (&'a Hook, bool),
        done: &mut CompiledHooks,
    ) -> Result<Option<RenderedHook<'a>>, NotCompiled> {
        let file = Source::new(hook.span.source.path(), hook.sql.as_str());
        let asker = Asker { id: &table.model.id, file: &file, reads_own: true };
        let rendered = self.render_hook(table, AskingHook { hook, is_post, asker }, done).await;
        let Some(rendered) = rendered.map_err(|error| error.map(|found| at_hook(found, hook)))? else {
            return Ok(None);
        };
        let dropped = rendered.captures.dropped;
        if rendered.text.trim().trim_matches(';').trim().is_empty() {
            return Ok(Some(RenderedHook { hook, is_post, statements: Vec::new(), dropped }));
        }
        let statements = self.context.engine.statements(&rendered.text).map_err(|message| {
            let found = Diagnostic::error("sql-syntax", format!("this hook can't be parsed: {message}"));
            let found = found.at(hook.span.clone(), "").note(format!("its SQL: {}", rendered.text.trim()));
            NotCompiled::from(vec![found])
        })?;
        Ok(Some(RenderedHook { hook, is_post, statements, dropped }))
    }

    async fn render_hook(
        &mut self,
        table: HookedTable<'_>,
        asking: AskingHook<'_>,
        done: &mut CompiledHooks,
    ) -> Result<Option<Rendered>, NotCompiled> {
        let HookedTable { model, schema, is_incremental, .. } = table;
        let node = NodeContext { is_hook: true, ..render::context(model, is_incremental) };
        let names: Arc<dyn NameResolver> = self.context.manifest.lookup.clone();
        let mut answers = self.context.jinja.no_answers(asking.asker.file, &node);
        loop {
            let question = match self.asking(asking.asker, &node, &names, &answers)? {
                Asking::Rendered(rendered) => return Ok(Some(*rendered)),
                Asking::Question(question) => question,
            };
            let answer = match &question {
                Question::Query(sql) => match self.run_in_hook(table, asking, sql, done).await? {
                    Some(rows) => Answer::Rows(rows),
                    None => return Ok(None),
                },
                Question::Relation(relation) if asking.is_post && is_table_of(model, relation) => {
                    let is_view = !model.config.materialized.is_table();
                    Answer::Relation(Some(relation_facts(is_view, schema)))
                }
                Question::Relation(_) => self.answer(asking.asker, &question).await?,
            };
            answers.push(question, answer);
        }
    }

    /// Runs the statements of a question. Returns the rows of the last query; `None` if one has to wait for
    /// the staged version.
    async fn run_in_hook(
        &mut self,
        table: HookedTable<'_>,
        AskingHook { hook, is_post, asker }: AskingHook<'_>,
        sql: &str,
        done: &mut CompiledHooks,
    ) -> Result<Option<QueryTable>, NotCompiled> {
        let Ok(statements) = self.context.engine.statements(sql) else {
            // The error is that of the query.
            return self.rows_of(asker, sql).await.map(Some);
        };
        let is_one = statements.len() == 1;
        let mut rows = QueryTable::default();
        for statement in statements {
            if statement.kind != StatementKind::Query {
                let (statements, dropped) = (vec![statement], Vec::new());
                self.apply(table, &RenderedHook { hook, is_post, statements, dropped }, done).await?;
                continue;
            }
            let sql = if is_one { sql } else { &statement.sql };
            if self.reads_own_rows(table, sql) {
                if is_post && !self.is_staged(table.model) {
                    done.statements.push(sql.to_owned());
                    return Ok(None);
                }
                if !is_post {
                    self.declare_published(table, hook)?;
                }
            }
            let found = self.rows_of(asker, sql).await;
            self.declare_rows(table, done.rows.as_ref())?;
            rows = found?;
        }
        Ok(Some(rows))
    }

    /// Returns whether a query names the table itself.
    fn reads_own_rows(&self, HookedTable { model, .. }: HookedTable<'_>, sql: &str) -> bool {
        model.config.materialized.is_table()
            && self.context.engine.tables_named(sql).iter().any(|named| is_table_of(model, &named.table()))
    }

    /// Declares the relation of a table to be the published version, which a pre-hook reads.
    fn declare_published(
        &self,
        HookedTable { model, .. }: HookedTable<'_>,
        hook: &Hook,
    ) -> Result<(), Vec<Diagnostic>> {
        if let Some(schema) = self.context.stored.get(&model.relation) {
            return self.redeclare(&model.relation, schema);
        }
        let message =
            format!("a pre-hook of `{}` queries {}, which isn't built yet", model.name, model.relation);
        let found = Diagnostic::error("not-built", message).at(hook.span.clone(), "this hook");
        let hint = "query it in a post-hook, or under `{% if load_relation(this) %}`";
        Err(vec![found.hint(hint)])
    }
}
