//! Staleness: compares recorded provenance with the current state, for tables and for test results. Pure.

use std::collections::BTreeMap;

use crate::{
    compile::{CompiledModel, Strategy, TimeBatches},
    interval::Intervals,
    lake::{CurrentVersion, InputVersion, Provenance},
    manifest::fingerprint::digest,
    name::NodeId,
    plan::Reason,
};

/// The states of a node's inputs by their IDs.
pub(super) type Inputs = BTreeMap<NodeId, InputVersion>;

/// The fingerprint of each test with the states of its other inputs. Volatile tests have none.
pub(super) type Questions = BTreeMap<NodeId, String>;

/// Returns why a model's table has to be built; `None` if it is up to date. An input missing from `inputs`
/// doesn't exist.
pub(super) fn why(compiled: &CompiledModel, own: Option<&CurrentVersion>, inputs: &Inputs) -> Option<Reason> {
    let Some(own) = own else { return Some(Reason::FirstBuild) };
    let Some(made) = &own.provenance else {
        return Some(Reason::ModifiedOutside { version: own.data_version });
    };
    let fingerprint = &compiled.fingerprint;
    if made.fingerprint.statement != fingerprint.statement {
        // A template that reads the time renders to different SQL each time.
        return Some(if compiled.volatile { Reason::Volatile } else { Reason::SqlChanged });
    }
    if let Some(key) = made.fingerprint.differing_setting(fingerprint) {
        return Some(Reason::ConfigChanged { key });
    }
    // With `--empty`, no file is loaded, so none counts as seen.
    let loads_nothing = fingerprint.is_empty_build() && matches!(compiled.strategy, Strategy::LoadFiles(..));
    if let Some(reason) = other_inputs(made, inputs).filter(|_| !loads_nothing) {
        return Some(reason);
    }
    let due = compiled.strategy.time_batches().and_then(|batches| due(batches, made));
    due.or_else(|| compiled.volatile.then_some(Reason::Volatile))
}

/// Returns the reason for the first input that changed since a table was built.
pub(super) fn other_inputs(made: &Provenance, inputs: &Inputs) -> Option<Reason> {
    let mut ids = made.inputs.keys().chain(inputs.keys());
    let id = ids.find(|id| made.inputs.get(*id) != inputs.get(*id))?;
    let node = id.clone();
    Some(match (made.inputs.get(id), inputs.get(id)) {
        // Only a seed has itself as an input.
        _ if made.node == node.as_str() => Reason::FileChanged,
        (Some(InputVersion::Source { files: was, .. }), Some(InputVersion::Source { files, .. })) => {
            Reason::SourceAdvanced { node, was: *was, files: *files }
        }
        _ => Reason::UpstreamChanged { node },
    })
}

/// Returns a reason if there are batches due.
fn due(batches: &TimeBatches, made: &Provenance) -> Option<Reason> {
    let size = batches.settings.batch_size;
    let due = not_done(batches, Some(made)).batches(size);
    let first = size.label(due.first()?.start);
    Some(Reason::BatchesDue { batches: due.len(), first })
}

/// Returns the time of the batches that a table lacks.
pub(super) fn not_done(batches: &TimeBatches, made: Option<&Provenance>) -> Intervals {
    match made.and_then(|made| made.batches.as_ref()) {
        Some(done) => batches.all.without(done),
        None => batches.all.clone(),
    }
}

/// Returns the fingerprint of a test together with the states of its other inputs.
pub(super) fn question(fingerprint: &str, others: &Inputs) -> String {
    if others.is_empty() { fingerprint.to_owned() } else { digest(&format!("{fingerprint}\n{others:?}")) }
}

/// Returns the number of failures that a test found in the current rows, if it ran on them and didn't fail.
pub(super) fn found_before(own: &CurrentVersion, test: &NodeId, question: &str) -> Option<u64> {
    let judged = own.provenance.as_ref()?.tests.get(test)?;
    (judged.asked == question).then_some(judged.failures)
}
