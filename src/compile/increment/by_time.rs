//! Models that are built batch by batch of time. Each batch is the model's query over the rows of its time alone, as far as
//! inputs say when a row's event was; its rows take the place of those that the table has of that time.

use crate::{
    compile::Work,
    diag::Diagnostic,
    engine::{Query, SchemaRef, batch, source::type_name},
    interval::{Interval, Intervals},
    manifest::{Microbatch, Model, Node},
    name::Relation,
};

/// How a table is built batch by batch.
#[derive(Debug)]
pub struct ByTime {
    /// The model's own settings.
    pub settings: Microbatch,
    /// The inputs that are read by their time, and their columns for it.
    pub timed: Vec<batch::Timed>,
    /// What the command asks for; none if it asks for what is due.
    pub asked: Option<Intervals>,
    /// When the batch that is under way began.
    pub current: chrono::DateTime<chrono::Utc>,
    /// From the first batch to the end of the one that is under way.
    pub all: Intervals,
    /// Whether one query makes the rows of several batches as each batch's own would; of a table made from nothing, and of
    /// one that is there.
    pub separable: (bool, bool),
}

impl ByTime {
    /// The newest batches, of which there may have been rows that nobody heard of.
    #[must_use]
    pub fn lookback(&self) -> Intervals {
        let Microbatch { batch_size, lookback, .. } = self.settings;
        let start = batch_size.back(self.current, lookback);
        Intervals::from(Interval { start, end: batch_size.next(self.current) }).and(&self.all)
    }
}

impl Work<'_> {
    /// How a model of these columns is built by time, whose queries are `whole` for a table made from nothing and `more` for one
    /// that is there.
    pub(super) fn by_time(
        &self,
        model: &Model,
        settings: &Microbatch,
        (whole, more): (&Query, &Query),
        table: &SchemaRef,
    ) -> Result<ByTime, Vec<Diagnostic>> {
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
                    .hint("set `event_time` in the `config:` of a model or source that it reads, to the column that tells when a row's event was"),
            );
        }
        if more.relations().contains(&model.relation) || whole.relations().contains(&model.relation) {
            let message = format!("a batch of `{}` can't read the table that it becomes part of", model.name);
            findings.push(
                Diagnostic::error("batch-reads-this", message).hint(
                    "batches are made side by side; read what the model reads, or use another strategy",
                ),
            );
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
        Ok(ByTime { settings: settings.clone(), timed, asked, current, all: all.into(), separable })
    }

    /// What queries call a node's rows.
    fn reads_as(&self, node: &Node) -> Option<Relation> {
        self.context
            .manifest
            .read_from(node.id())
            .filter(|_| !matches!(node, Node::Seed(_)))
            .or(node.relation())
            .cloned()
    }
}

/// A column that is to tell a time is there, and does.
fn check_time(column: &str, schema: &SchemaRef, of: &str, findings: &mut Vec<Diagnostic>) {
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    match schema.field_with_name(column) {
        Ok(field) if batch::is_time(field.data_type()) => {}
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
