//! Microbatch models: built batch by batch of time. Each batch is the model's query over the rows in its time
//! range, for the inputs that declare an event time; its rows replace the table's rows of that time range.

use crate::{
    compile::Work,
    diag::Diagnostic,
    engine::{Query, SchemaRef, analyze::event_time, types::type_name},
    interval::{Interval, Intervals},
    manifest::{Microbatch, Model, Node},
    name::Relation,
};

/// A table built in batches of time.
#[derive(Debug)]
pub struct TimeBatches {
    /// The model's own settings.
    pub settings: Microbatch,
    /// The inputs filtered by event time, with their event-time columns.
    pub timed: Vec<event_time::TimedRelation>,
    /// The batches that the command requests, or `None` for those that are due.
    pub asked: Option<Intervals>,
    /// The start of the current batch.
    pub current: chrono::DateTime<chrono::Utc>,
    /// The time range from the first batch to the end of the current one.
    pub all: Intervals,
    /// Whether one query can build many batches with the same rows as separate queries: for a full refresh,
    /// and for an existing table.
    pub separable: (bool, bool),
}

impl TimeBatches {
    /// Returns the newest batches, which may have late-arriving rows.
    #[must_use]
    pub fn lookback(&self) -> Intervals {
        let Microbatch { batch_size, lookback, .. } = self.settings;
        let start = batch_size.back(self.current, lookback);
        Intervals::from(Interval { start, end: batch_size.next(self.current) }).and(&self.all)
    }
}

impl Work<'_> {
    /// Compiles the batches of a model with the columns `table`. `whole` is its query for a full refresh,
    /// `more` the one for an existing table.
    pub(super) fn time_batches(
        &self,
        model: &Model,
        settings: &Microbatch,
        (whole, more): (&Query, &Query),
        table: &SchemaRef,
    ) -> Result<TimeBatches, Vec<Diagnostic>> {
        let here = || model.file.span(0..0);
        let mut findings = Vec::new();
        check_time(&settings.event_time, table, &model.name, &mut findings);
        let mut timed = Vec::new();
        for id in self.context.manifest.graph.parents(&model.id) {
            let Some(node) = self.context.manifest.nodes.get(id) else { continue };
            let (Some(column), Some(schema)) = (node.event_time(), self.compiled.schemas.get(id)) else {
                continue;
            };
            check_time(column, schema, &node.display_name(), &mut findings);
            if let Some(relation) = self.reads_as(node) {
                timed.push((relation, column.to_owned()));
            }
        }
        if timed.is_empty() {
            let message = format!(
                "nothing that `{}` reads has an `event_time`: each batch would read everything",
                model.name
            );
            findings.push(
                Diagnostic::error("no-event-time", message)
                    .hint("set `event_time` in the `config:` of one of its inputs, to the column with the time of a row's event"),
            );
        }
        if more.relations().contains(&model.relation) || whole.relations().contains(&model.relation) {
            let message = format!("a batch of `{}` can't read the model's own table", model.name);
            findings
                .push(Diagnostic::error("batch-reads-this", message).hint(
                    "batches are built concurrently; read the model's inputs, or use another strategy",
                ));
        }
        if !findings.is_empty() {
            return Err(findings.into_iter().map(|found| found.at(here(), "this model")).collect());
        }
        let size = settings.batch_size;
        let current = size.floor(self.context.now);
        let all = Interval { start: size.floor(settings.begin), end: size.next(current) };
        let wanted = self.context.wanted;
        let whole_batches =
            |time: Interval| Interval { start: size.floor(time.start), end: size.ceil(time.end) };
        let again = wanted.again.get(&model.id).cloned();
        let asked = again.or_else(|| wanted.time.map(|time| whole_batches(time).into()));
        let separable = |query: &Query| query.is_separable(&timed, &settings.event_time, size);
        let separable = (separable(whole), separable(more));
        Ok(TimeBatches { settings: settings.clone(), timed, asked, current, all: all.into(), separable })
    }

    /// Returns the relation of a node's rows in queries.
    fn reads_as(&self, node: &Node) -> Option<Relation> {
        self.context
            .manifest
            .read_from(node.id())
            .filter(|_| !matches!(node, Node::Seed(_)))
            .or(node.relation())
            .cloned()
    }
}

/// Checks that an event-time column exists and is a date or timestamp.
fn check_time(column: &str, schema: &SchemaRef, of: &str, findings: &mut Vec<Diagnostic>) {
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    match schema.field_with_name(column) {
        Ok(field) if event_time::is_time(field.data_type()) => {}
        Ok(field) => findings.push(Diagnostic::error(
            "no-event-time",
            format!(
                "the `event_time` of `{of}`, `{column}`, is {} and no date or timestamp",
                type_name(field.data_type())
            ),
        )),
        Err(_) => findings.push(
            Diagnostic::error(
                "unknown-column",
                format!("`event_time` names `{column}`, which `{of}` does not have"),
            )
            .near(column, names())
            .note(format!("its columns: {}", names().collect::<Vec<_>>().join(", "))),
        ),
    }
}
