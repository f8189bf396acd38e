//! Source freshness: finds the age of a source from its rows, by a column or the user's query, or from its
//! files.

use super::{
    Work,
    check::{Origin, complaint},
};
use crate::{
    diag::Diagnostic,
    engine::Query,
    jinja::NodeContext,
    manifest::{SourceFreshness, SourceTable},
    source::SourceSpec,
    text::{Source, Spanned},
};

/// The freshness check of a source.
#[derive(Debug)]
pub struct FreshnessCheck {
    /// Where the time of the last load comes from.
    pub clock: Clock,
    /// The maximum ages.
    pub limits: SourceFreshness,
}

/// Where the time of the last load comes from.
#[derive(Debug)]
pub enum Clock {
    /// A query for the newest time, as one row with one column.
    Rows(Box<Query>),
    /// The modification times of the source's files.
    Files(Box<SourceSpec>),
}

impl Work<'_> {
    /// Compiles the freshness check of a source, if it declares one.
    pub(super) async fn clock(&mut self, source: &SourceTable) -> Result<(), Vec<Diagnostic>> {
        let Some(freshness) = &source.freshness else { return Ok(()) };
        let clock = match (&freshness.loaded_at_query, &freshness.loaded_at_field) {
            (Some(query), _) => Clock::Rows(Box::new(self.written(source, query).await?)),
            (None, Some(field)) => {
                let filter = match &freshness.filter {
                    Some(filter) => format!(" where {filter}\n"),
                    None => String::new(),
                };
                let sql = format!(
                    "select max({}\n) as max_loaded_at from {}{filter}",
                    field.value,
                    source.relation.quoted()
                );
                let planned = self.context.engine.plan(&sql).await;
                Clock::Rows(Box::new(planned.map_err(|error| {
                    vec![complaint(&error, Some("`loaded_at_field`"), field.span.clone())]
                })?))
            }
            (None, None) => {
                let Some(files) = self.compiled.sources.get(&source.id) else {
                    let message =
                        format!("can't determine the age of the source `{}.{}`", source.source, source.name);
                    let found = Diagnostic::error("no-clock", message)
                        .at(freshness.span.clone(), "its freshness is asked for")
                        .hint("set `loaded_at_field` to the column with the load time of rows");
                    return Err(vec![found]);
                };
                Clock::Files(Box::new(files.clone()))
            }
        };
        let check = FreshnessCheck { clock, limits: freshness.clone() };
        self.compiled.freshness_checks.insert(source.id.clone(), check);
        Ok(())
    }

    /// Compiles the user's query, in which `this` is the source's table.
    async fn written(&self, source: &SourceTable, query: &Spanned<String>) -> Result<Query, Vec<Diagnostic>> {
        let template = Source::new(query.span.source.path(), query.value.as_str());
        let node = NodeContext {
            name: source.name.clone(),
            unique_id: source.id.to_string(),
            this: Some(source.relation.clone()),
            executing: true,
            ..NodeContext::default()
        };
        let at_yaml = |mut found: Diagnostic| {
            for label in found.labels.iter_mut().filter(|label| label.span.source == template) {
                label.span = query.span.clone();
            }
            vec![found]
        };
        let rendered = self
            .context
            .jinja
            .render(&template, &node, self.context.manifest.lookup.clone())
            .map_err(at_yaml)?;
        let origin = Origin { id: &source.id, file: &template, manifest: self.context.manifest };
        let planned = self.context.engine.plan(&rendered.text).await;
        planned.map_err(|error| at_yaml(origin.sql_error(&error, &rendered.map)))
    }
}
