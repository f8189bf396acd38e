//! Drafts: the rows that a build will write. [`produce`] applies the model's rules to them and writes them
//! together with the companion tables.

use std::sync::Arc;

use super::{Build, Candidate, candidate::Effect};
use crate::{
    compile::ModelRule,
    engine::{
        Query, SendableRecordBatchStream, Streams,
        exec::streams::chained,
        rows::quarantine::{EnforcedRule, OnBroken, RemovedRows, SplitStreams},
    },
    lake::{Provenance, Replaces, Staged},
    manifest::OnViolation,
    run::{
        companion_tables::{CompanionTable, stage_with},
        step_error::StepError,
    },
    source::RejectSink,
};

/// The rows that a build will write, and the companion tables with them.
pub(super) struct Draft {
    /// The new rows, before the model's rules remove any.
    pub(super) rows: Streams,
    /// The rejects of the sources that the rows come from; `None` if no source can reject any.
    pub(super) rejects: Option<Rejects>,
    /// The treatment of the rows that the quarantine table has.
    pub(super) quarantine: Quarantine,
    /// The provenance of the companion tables.
    pub(super) provenance: Provenance,
    /// A warning to report with the rejects.
    pub(super) note: Option<String>,
}

/// The rejects of a build's sources.
pub(super) struct Rejects {
    /// The sink to which readers report them.
    pub(super) sink: Arc<RejectSink>,
    /// The table that they are written to.
    pub(super) companion: CompanionTable,
}

impl Rejects {
    /// Creates the rejects of a query's sources; `None` if it reads neither files nor databases.
    pub(super) fn of(build: &Build<'_>, query: &Query) -> Option<Self> {
        let manifest = &build.worker.manifest;
        let reads_files = query.relations().iter().any(|relation| manifest.is_file_source(relation));
        reads_files.then(|| Self::new(build))
    }

    /// Creates the rejects of a build.
    pub(super) fn new(build: &Build<'_>) -> Self {
        let (companion, sink) = CompanionTable::rejects(&build.model.relation, build.model.id.as_str());
        Self { sink, companion }
    }

    /// Returns the sink to which readers report them.
    pub(super) fn sink(&self) -> &Arc<RejectSink> {
        &self.sink
    }
}

/// The treatment of the rows that a quarantine table has.
pub(super) struct Quarantine {
    /// The rows that newly quarantined ones replace.
    pub(super) replaces: Replaces,
    /// Replaced rows to write again.
    pub(super) retained: Option<SendableRecordBatchStream>,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { replaces: Replaces::Everything, retained: None }
    }
}

/// The rows of a draft, staged.
pub(super) struct Written {
    pub(super) own: Staged,
    pub(super) effect: Effect,
}

/// Writes a draft: removes the rows that break the model's rules, lets `write` stage the others, and stages
/// the companion tables meanwhile. If any of it fails, all is aborted.
pub(super) async fn produce<Writing: Future<Output = Result<Written, StepError>>>(
    build: &Build<'_>,
    draft: Draft,
    write: impl FnOnce(Streams) -> Writing,
) -> Result<Candidate, StepError> {
    let Draft { rows, rejects, quarantine, provenance, note } = draft;
    let RuledRows { rows, removed, quarantined } = apply_rules(build, rows, quarantine)?;
    let (sink, companion) = rejects.map(|Rejects { sink, companion }| (sink, companion)).unzip();
    let writing = async {
        let written = write(rows).await;
        if let Some(sink) = &sink {
            sink.note_all(note);
            sink.close();
        }
        written.map(|Written { own, effect }| (own, effect))
    };
    let companions = companion.into_iter().chain(quarantined).collect();
    let ((own, mut effect), mut companions) =
        Box::pin(stage_with(companions, build.writer(), &provenance, &build.worker.cancel, writing)).await?;
    companions.extend(effect.companion.take());
    Ok(Candidate {
        relation: build.model.relation.clone(),
        own,
        companions,
        rejects: sink,
        note: None,
        removed,
        quarantines: build.quarantines(),
        effect,
    })
}

/// The rows of a draft without those that break the model's rules.
struct RuledRows {
    rows: Streams,
    /// The counts of removed rows.
    removed: Option<Arc<RemovedRows>>,
    /// The companion table of quarantined rows.
    quarantined: Option<CompanionTable>,
}

/// Removes rows that break the model's rules from its streams.
fn apply_rules(build: &Build<'_>, rows: Streams, quarantine: Quarantine) -> Result<RuledRows, StepError> {
    let Build { worker, model, compiled, .. } = *build;
    if compiled.rules.is_empty() {
        return Ok(RuledRows { rows, removed: None, quarantined: None });
    }
    let rules: Vec<EnforcedRule> = compiled.rules.iter().map(enforced).collect();
    let SplitStreams { kept, quarantined, counts } =
        worker.engine.split(rows, &rules, &compiled.schema, &worker.invocation_id)?;
    let quarantined = build.quarantines().then(|| {
        let schema = quarantined.schema();
        CompanionTable {
            relation: model.relation.quarantine(),
            schema,
            rows: match quarantine.retained {
                Some(retained) => chained(retained, quarantined),
                None => quarantined,
            },
            description: format!("Rows of {} that break its rules", model.id),
            replaces: quarantine.replaces,
        }
    });
    Ok(RuledRows { rows: kept, removed: Some(counts), quarantined })
}

fn enforced(rule: &ModelRule) -> EnforcedRule {
    let then = match rule.then {
        OnViolation::Quarantine => OnBroken::Quarantine,
        OnViolation::Drop => OnBroken::Drop,
    };
    EnforcedRule { name: rule.name.clone(), rule: rule.rule.clone(), then }
}
