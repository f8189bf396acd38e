//! What would make a table another one than it is, and a verdict another: pure comparisons of what was recorded with
//! what is there now.

use std::collections::BTreeMap;

use crate::{
    compile::CompiledModel,
    lake::{InputVersion, Observed},
    manifest::fingerprint::digest,
    name::NodeId,
    plan::Reason,
};

/// The states of a node's inputs, by their ids.
pub(super) type Inputs = BTreeMap<NodeId, InputVersion>;

/// Why a model's table has to be built; none if what stands there is what it would come to. An input that is not
/// among `inputs` is not there.
pub(super) fn why(compiled: &CompiledModel, own: Option<&Observed>, inputs: &Inputs) -> Option<Reason> {
    let Some(own) = own else { return Some(Reason::FirstBuild) };
    let Some(made) = &own.provenance else {
        return Some(Reason::ModifiedOutside { version: own.data_version });
    };
    let fingerprint = &compiled.fingerprint;
    if made.fingerprint.statement != fingerprint.statement {
        // A template that asks for the time renders to other SQL each time.
        return Some(if compiled.volatile { Reason::Volatile } else { Reason::SqlChanged });
    }
    if let Some(key) = made.fingerprint.differing_setting(fingerprint) {
        return Some(Reason::ConfigChanged { key });
    }
    let ids = made.inputs.keys().chain(inputs.keys());
    if let Some(id) = ids.into_iter().find(|id| made.inputs.get(*id) != inputs.get(*id)) {
        let node = id.clone();
        return Some(match (made.inputs.get(id), inputs.get(id)) {
            // Only a seed is made from what is its own.
            _ if made.node == node.as_str() => Reason::FileChanged,
            (Some(InputVersion::Source { files: was, .. }), Some(InputVersion::Source { files, .. })) => {
                Reason::SourceAdvanced { node, was: *was, files: *files }
            }
            _ => Reason::UpstreamChanged { node },
        });
    }
    compiled.volatile.then_some(Reason::Volatile)
}

/// What a test asks, of which rows of other tables than the one it judges.
pub(super) fn question(fingerprint: &str, others: &Inputs) -> String {
    if others.is_empty() { fingerprint.to_owned() } else { digest(&format!("{fingerprint}\n{others:?}")) }
}

/// What a test found in the rows that stand there, if it has judged just these and did not fail.
pub(super) fn found_before(own: &Observed, test: &NodeId, question: &str) -> Option<u64> {
    let judged = own.provenance.as_ref()?.tests.get(test)?;
    (judged.asked == question).then_some(judged.failures)
}
