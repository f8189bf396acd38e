//! Artifacts that every command writes in addition to its results: compiled SQL, `manifest.json` and
//! `graph_summary.json`.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use chrono::Utc;
use serde_json::Value;

use super::{context::CommandContext, failure::Failure};
use crate::{
    artifact::{ArtifactOrigin, graph_summary::graph_summary, manifest::Contents},
    compile::Compiled,
    docs::Page,
    manifest::{Manifest, Model, Snapshot},
    report::TargetPath,
    secret::scrubbed_artifact,
};

/// Writes the compiled SQL, the manifest and the graph summary. Returns the paths of the SQL files, relative
/// to the target path.
pub(super) fn write(
    context: &CommandContext,
    target: &TargetPath,
    compiled: &Compiled,
) -> Result<Vec<PathBuf>, Failure> {
    let written = || {
        target.create()?;
        let written = write_compiled(target, &context.manifest, compiled)?;
        write_manifest(context, target, compiled)?;
        Ok(written)
    };
    written().map_err(|error| failed(target, &error))
}

/// Atomically writes an artifact.
pub(super) fn write_json(
    context: &CommandContext,
    target: &TargetPath,
    name: &str,
    artifact: &Value,
) -> Result<(), Failure> {
    put(context, target, name, artifact).map_err(|error| failed(target, &error))
}

/// Writes the documentation site to this folder of the target path. Removes parts of an older site that the
/// new one lacks.
pub(super) fn write_page(
    context: &CommandContext,
    target: &TargetPath,
    folder: &Path,
    page: &Page,
) -> Result<(), Failure> {
    let written = || {
        // Write the page last, when all its parts exist.
        for (name, bytes) in page.files.iter().rev() {
            target.replace(&folder.join(name), &context.invocation_id, bytes)?;
        }
        page.remove_older(&target.path().join(folder))
    };
    written().map_err(|error| failed(target, &error))
}

/// Returns the origin of artifacts written now.
pub(super) fn origin<'a>(
    context: &'a CommandContext,
    env: &'a BTreeMap<String, String>,
) -> ArtifactOrigin<'a> {
    ArtifactOrigin {
        invocation_id: &context.invocation_id,
        started: context.started,
        generated: Utc::now(),
        env,
    }
}

fn write_manifest(context: &CommandContext, target: &TargetPath, compiled: &Compiled) -> io::Result<()> {
    let env = BTreeMap::new();
    let shown = context.target_path.strip_prefix(&context.project.root).unwrap_or(&context.target_path);
    let contents = Contents {
        settings: &context.project.settings,
        root: &context.project.root,
        manifest: &context.manifest,
        compiled,
        target_path: shown,
        database: &context.target_name,
        origin: origin(context, &env),
    };
    put(context, target, "manifest.json", &contents.manifest())?;
    let summary = graph_summary(&context.manifest, &context.invocation_id);
    put(context, target, "graph_summary.json", &summary)
}

fn put(context: &CommandContext, target: &TargetPath, name: &str, artifact: &Value) -> io::Result<()> {
    target.replace(
        Path::new(name),
        &context.invocation_id,
        scrubbed_artifact(&artifact.to_string()).as_bytes(),
    )
}

fn write_compiled(target: &TargetPath, manifest: &Manifest, compiled: &Compiled) -> io::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (id, compiled) in &compiled.models {
        let model = manifest.model(id).map(Model::compiled_path);
        if let Some(path) = model.or_else(|| manifest.snapshot(id).map(Snapshot::compiled_path)) {
            target.write(Path::new(&path), &compiled.sql)?;
            written.push(path);
        }
    }
    for (id, compiled) in &compiled.tests {
        if let Some(test) = manifest.test(id) {
            let path = test.compiled_path();
            target.write(&path, &compiled.probe.sql)?;
            written.push(path);
        }
    }
    Ok(written)
}

fn failed(target: &TargetPath, error: &io::Error) -> Failure {
    Failure::hinted(
        format!("can't write artifacts to {}: {error}", target.path().display()),
        "give another folder with --target-path",
    )
}
