//! Ad-hoc queries: checked like a model, but they may also read tables by their bare names.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, check::complaint, compile};
use crate::{
    diag::Diagnostic,
    engine::{Engine, Query},
    jinja::NodeContext,
    name::{NodeId, Relation},
    source::SourceSpec,
    text::Source,
};

/// Returns the tables that a query names, if it parses without rendering.
#[must_use]
pub fn bare_tables(engine: &Engine, sql: &str) -> BTreeSet<Relation> {
    engine.tables_named(sql)
}

/// Compiles a query over everything it refers to, and over every lake table in `context.stored`.
///
/// # Errors
/// All errors in the query and in the models it refers to.
pub async fn compile_query(
    context: &Context<'_>,
    sql: &str,
) -> Result<(Query, BTreeMap<NodeId, SourceSpec>), Vec<Diagnostic>> {
    let source = Source::new("--inline", sql);
    let node = NodeContext {
        name: "inline".into(),
        unique_id: "sql_operation.inline".into(),
        executing: true,
        ..NodeContext::default()
    };
    let (lookup, project) = (&context.manifest.lookup, context.manifest.project.as_str());
    let rendered = context.jinja.render(&source, &node, lookup.clone()).map_err(|found| vec![found])?;
    let refs = rendered.captures.refs.iter().filter_map(|call| {
        lookup.model(project, call.package.as_deref(), &call.target()).ok().map(|(id, _)| id.clone())
    });
    let sources =
        rendered.captures.sources.iter().filter_map(|call| {
            lookup.source(project, &call.source, &call.table).ok().map(|(id, _)| id.clone())
        });
    let refs: BTreeSet<NodeId> = refs.collect();
    let views: BTreeSet<NodeId> = refs
        .iter()
        .filter(|id| {
            context.manifest.refable(id).is_some_and(|model| !context.stored.contains_key(&model.relation))
        })
        .cloned()
        .chain(sources)
        .collect();
    let (compiled, errors) = compile(context, &views).await;
    if !errors.is_empty() {
        return Err(errors);
    }
    let compiled = compiled.whole()?;
    for (relation, schema) in context.stored.iter().filter(|(relation, _)| !context.engine.knows(relation)) {
        context
            .engine
            .declare_table(relation, schema.clone())
            .map_err(|error| vec![Diagnostic::error("engine", error.strip_backtrace())])?;
    }
    let query = context.engine.plan(&rendered.text).await.map_err(|error| {
        let span = error.at.clone().map_or_else(|| source.span(0..0), |at| rendered.map.source_span(at));
        vec![complaint(&error, None, span)]
    })?;
    Ok((query, compiled.sources))
}
