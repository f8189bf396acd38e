//! `compile`: checks the selected models, seeds and snapshots, and writes their SQL (except seeds') under the
//! target path.

use std::{collections::BTreeSet, io::Write, path::Path, process::ExitCode};

use clap::Args;

use super::{
    args::{Global, SelectArgs},
    deferral::DeferralArgs,
    failure::Failure,
    loading::{exit_code, load, prepare},
    streams::stdout,
};
use crate::{
    compile::Compiled,
    engine::types::type_name,
    manifest::{Manifest, Model},
    name::{NodeId, NodeKind},
    workspace::{Prepared, Request},
};

/// `compile`.
#[derive(Debug, Args)]
pub(super) struct CompileArgs {
    /// Node selection.
    #[command(flatten)]
    pub(super) select: SelectArgs,
    /// Tables to read elsewhere.
    #[command(flatten)]
    pub(super) deferral: DeferralArgs,
}

pub(super) async fn run(global: &Global, args: &CompileArgs) -> Result<ExitCode, Failure> {
    let workspace = load(global)?;
    let request = args.deferral.apply(Request::compile(args.select.selection()))?;
    let Prepared { chosen, compiled, .. } = prepare(&workspace, &request, global.quiet).await?;
    workspace.write_artifacts(&compiled)?;
    let differing = compiled.other_columns();
    if !differing.is_empty() {
        return Err(differing.into());
    }
    if !global.quiet {
        report(&chosen, &workspace.manifest, &compiled, &workspace.target_path)?;
    }
    Ok(exit_code(&compiled))
}

/// Reports success: the SQL of a single model, the columns of a single seed, or the number of nodes.
fn report(
    chosen: &BTreeSet<NodeId>,
    manifest: &Manifest,
    compiled: &Compiled,
    artifacts: &Path,
) -> Result<(), Failure> {
    let mut out = stdout();
    let all: Vec<&Model> = manifest
        .refables()
        .filter(|model| chosen.contains(&model.id) && !compiled.later.contains_key(&model.id))
        .filter(|model| !compiled.unreadable.contains_key(&model.id))
        .collect();
    if let [one] = all[..]
        && let Some(done) = compiled.models.get(&one.id)
    {
        if one.kind() == NodeKind::Seed {
            for field in done.schema.fields() {
                writeln!(out, "{}: {}", field.name(), type_name(field.data_type()))?;
            }
        } else {
            writeln!(out, "{}", done.sql.trim())?;
        }
        return Ok(());
    }
    let of = |kind: NodeKind| all.iter().filter(|model| model.kind() == kind).count();
    let (models, seeds, snapshots) = (of(NodeKind::Model), of(NodeKind::Seed), of(NodeKind::Snapshot));
    let folder = artifacts.join("compiled").join(&manifest.project);
    match seeds {
        0 => {}
        1 => writeln!(out, "1 seed is well")?,
        seeds => writeln!(out, "{seeds} seeds are well")?,
    }
    match snapshots {
        0 => {}
        1 => writeln!(out, "1 snapshot is well; its SQL is in {}", folder.display())?,
        snapshots => writeln!(out, "{snapshots} snapshots are well; their SQL is in {}", folder.display())?,
    }
    if models > 0 || seeds + snapshots == 0 {
        writeln!(out, "{models} models are well; their SQL is in {}", folder.display())?;
    }
    Ok(())
}
