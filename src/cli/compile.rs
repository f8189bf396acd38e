//! `compile`: check the selected models and seeds, and write the models' SQL under the target path.

use std::{
    collections::BTreeSet,
    io::{Write, stdout},
    process::ExitCode,
};

use super::{
    args::{Global, SelectArgs},
    asked::Asked,
    context::{Context, Prepared},
    failure::Failure,
};
use crate::{
    compile::Compiled,
    engine::source::type_name,
    manifest::{Manifest, Model},
    name::NodeId,
    report::TargetPath,
};

pub(super) async fn run(global: &Global, args: &SelectArgs) -> Result<ExitCode, Failure> {
    let context = Context::load(global)?;
    let Prepared { chosen, compiled, .. } = context.prepare(&Asked::compile(args)).await?;
    let target = TargetPath::new(context.target_path.clone());
    write_compiled(&target, &context.manifest, &compiled)?;
    if !global.quiet {
        tell(&chosen, &context.manifest, &compiled, &target)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says that all is well: of one model its SQL, of one seed its columns, of more how many they are.
fn tell(
    chosen: &BTreeSet<NodeId>,
    manifest: &Manifest,
    compiled: &Compiled,
    target: &TargetPath,
) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let (models, seeds): (Vec<&Model>, Vec<&Model>) = manifest
        .refables()
        .filter(|model| chosen.contains(&model.id))
        .partition(|model| manifest.model(&model.id).is_some());
    match (&models[..], &seeds[..]) {
        ([one], []) | ([], [one]) if let Some(done) = compiled.models.get(&one.id) => {
            if seeds.is_empty() {
                writeln!(out, "{}", done.sql.trim())?;
            } else {
                for field in done.schema.fields() {
                    writeln!(out, "{}: {}", field.name(), type_name(field.data_type()))?;
                }
            }
        }
        _ => {
            let folder = target.path().join("compiled").join(&manifest.project);
            match seeds.len() {
                0 => {}
                1 => writeln!(out, "1 seed is well")?,
                seeds => writeln!(out, "{seeds} seeds are well")?,
            }
            if !models.is_empty() || seeds.is_empty() {
                writeln!(out, "{} models are well; their SQL is in {}", models.len(), folder.display())?;
            }
        }
    }
    Ok(())
}

/// Writes the SQL of everything that was compiled.
pub(super) fn write_compiled(
    target: &TargetPath,
    manifest: &Manifest,
    compiled: &Compiled,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::hinted(
            format!("can't write artifacts to {}: {error}", target.path().display()),
            "give another folder with --target-path",
        )
    };
    target.create().map_err(failed)?;
    for (id, compiled) in &compiled.models {
        if let Some(model) = manifest.model(id) {
            target.write(&model.compiled_path(), &compiled.sql).map_err(failed)?;
        }
    }
    for (id, compiled) in &compiled.tests {
        if let Some(test) = manifest.test(id) {
            target.write(&test.compiled_path(), &compiled.probe.sql).map_err(failed)?;
        }
    }
    Ok(())
}
