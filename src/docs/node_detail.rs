//! Node details, shown only on a node's own page.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::DateTime;

use super::{
    assembly::{Assembly, moment},
    site::{SiteDetail, SiteFile, SiteLedger, SiteRejects, SiteVersion},
};
use crate::{
    compile::CompiledModel,
    ingest::{FileStatus, Ledger, LedgerEntry},
    lake::PastVersion,
    manifest::Node,
    run::version_history::VersionCause,
};

/// The maximum number of a ledger's files to list; any others are only counted.
const FILES: usize = 500;

pub(super) fn detail(assembly: &Assembly<'_>, node: &Node) -> SiteDetail {
    let inputs = assembly.inputs;
    let id = node.id();
    let model = inputs.compiled.models.get(id);
    let (raw, compiled) = match node {
        Node::Model(model) => (Some(model.file.text()), sql(assembly, node)),
        Node::Snapshot(snapshot) => (Some(snapshot.model.file.text()), sql(assembly, node)),
        Node::Test(test) => (
            test.generic.is_none().then(|| test.template.text()),
            inputs.compiled.tests.get(id).map(|test| test.probe.sql.as_str()),
        ),
        Node::Seed(_) | Node::Source(_) | Node::UnitTest(_) | Node::Exposure(_) => (None, None),
    };
    SiteDetail {
        raw: raw.map(|text| text.trim().to_owned()),
        compiled: compiled.map(|text| text.trim().to_owned()),
        history: inputs.history.get(id).into_iter().flatten().map(version).collect(),
        ledger: inputs.ledgers.get(id).map(|ledger| SiteLedger {
            source: model.and_then(source).and_then(|id| assembly.place(id)),
            ..site_ledger(ledger)
        }),
        rejected: rejected(assembly, node),
    }
}

fn sql<'a>(assembly: &Assembly<'a>, node: &Node) -> Option<&'a str> {
    assembly.inputs.compiled.models.get(node.id()).map(|model| model.sql.as_str())
}

/// Returns the source whose files a model loads individually.
fn source(model: &CompiledModel) -> Option<&crate::name::NodeId> {
    model.strategy.file_load().map(|load| &load.source)
}

fn version((past, cause): &(PastVersion, VersionCause)) -> SiteVersion {
    let made = past.provenance.as_ref();
    SiteVersion {
        version: past.version,
        at: past.at.map(moment),
        run: made.map(|made| made.run_id.clone()),
        rows: made.map(|made| made.rows),
        millis: made.filter(|made| made.stands_for.is_none()).and_then(|made| made.millis),
        why: cause.to_string(),
    }
}

/// Returns the rejected rows and quarantined files recorded by the newest version.
fn rejected(assembly: &Assembly<'_>, node: &Node) -> Option<SiteRejects> {
    let (newest, _) = assembly.inputs.history.get(node.id())?.first()?;
    let rejects = newest.provenance.as_ref()?.rejected.clone()?;
    Some(SiteRejects {
        table: node.relation()?.rejected().to_string(),
        sources: rejects.sources.into_iter().collect(),
        rows: rejects.rows,
        files: rejects.files,
        accepted_rows: rejects.accepted_rows,
        accepted_files: rejects.accepted_files,
        accepted_by: rejects.accepted_by,
        accepted_at: rejects.accepted_at.map(moment),
        sample: rejects.sample,
    })
}

fn site_ledger(ledger: &Ledger) -> SiteLedger {
    let mut counts = BTreeMap::new();
    for entry in ledger.files.values() {
        *counts.entry(entry.status.name()).or_default() += 1;
    }
    let mut files: Vec<(&String, &LedgerEntry)> = ledger.files.iter().collect();
    files.sort_by_key(|(name, entry)| {
        let is_quiet = entry.status == FileStatus::Loaded && entry.rejected_rows == 0;
        (is_quiet, Reverse(entry.loaded_at), *name)
    });
    let sum = |of: fn(&LedgerEntry) -> u64| ledger.files.values().map(of).sum();
    SiteLedger {
        source: None,
        counts,
        rows: sum(|entry| entry.rows),
        rejected_rows: sum(|entry| entry.rejected_rows),
        files: files
            .into_iter()
            .take(FILES)
            .map(|(name, entry)| SiteFile {
                file: name.clone(),
                status: entry.status.name(),
                rows: entry.rows,
                rejected: entry.rejected_rows,
                size: entry.state.size,
                at: DateTime::from_timestamp_micros(entry.loaded_at).map(moment),
                reason: entry.reason.clone(),
            })
            .collect(),
    }
}
