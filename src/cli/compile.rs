//! `compile`: check the selected models and write their SQL under the target path.

use std::{
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
    manifest::{Manifest, Model},
    report::TargetPath,
};

pub(super) async fn run(global: &Global, args: &SelectArgs) -> Result<ExitCode, Failure> {
    let context = Context::load(global)?;
    let Prepared { chosen, compiled, .. } = context.prepare(&Asked::compile(args)).await?;
    let target = TargetPath::new(context.target_path.clone());
    write_compiled(&target, &context.manifest, &compiled)?;
    if !global.quiet {
        let mut out = stdout().lock();
        let models: Vec<&Model> =
            context.manifest.models().filter(|model| chosen.contains(&model.id)).collect();
        if let [model] = models.as_slice()
            && let Some(compiled) = compiled.models.get(&model.id)
        {
            writeln!(out, "{}", compiled.sql.trim())?;
        } else {
            let folder = target.path().join("compiled").join(&context.manifest.project);
            writeln!(out, "{} models are well; their SQL is in {}", models.len(), folder.display())?;
        }
    }
    Ok(ExitCode::SUCCESS)
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
