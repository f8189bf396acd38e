//! `compile`: checks the selected models, seeds and snapshots, and writes their SQL (except seeds') under the
//! target path.

use std::{collections::BTreeSet, io::Write, process::ExitCode};

use super::{
    args::{Global, SelectArgs},
    artifacts,
    context::{CommandContext, PreparedRequest},
    failure::Failure,
    request::CommandRequest,
    streams::stdout,
};
use crate::{
    compile::Compiled,
    engine::source::type_name,
    manifest::{Manifest, Model},
    name::{NodeId, NodeKind},
    report::TargetPath,
};

pub(super) async fn run(global: &Global, args: &SelectArgs) -> Result<ExitCode, Failure> {
    let context = CommandContext::load(global)?;
    let PreparedRequest { chosen, compiled, .. } =
        context.prepare(&CommandRequest::compile(args), false).await?;
    let target = TargetPath::new(context.target_path.clone());
    artifacts::write(&context, &target, &compiled)?;
    if !global.quiet {
        report(&chosen, &context.manifest, &compiled, &target)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reports success: the SQL of a single model, the columns of a single seed, or the number of nodes.
fn report(
    chosen: &BTreeSet<NodeId>,
    manifest: &Manifest,
    compiled: &Compiled,
    target: &TargetPath,
) -> Result<(), Failure> {
    let mut out = stdout();
    let all: Vec<&Model> = manifest.refables().filter(|model| chosen.contains(&model.id)).collect();
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
    let folder = target.path().join("compiled").join(&manifest.project);
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
