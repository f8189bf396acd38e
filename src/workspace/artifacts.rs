//! Artifacts that every command writes in addition to its results: compiled SQL, `manifest.json` and
//! `graph_summary.json`.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{clock::generated_at, error::WorkspaceError, load::Workspace};
use crate::{
    artifact::{ArtifactOrigin, graph_summary::graph_summary, manifest::Contents},
    compile::Compiled,
    docs::Page,
    manifest::{Manifest, Model, Node, Snapshot},
    report::TargetPath,
    secret::scrubbed_artifact,
};

/// Writes the compiled SQL, the manifest and the graph summary. Returns the paths of the SQL files, relative
/// to the target path.
pub(super) fn write(
    workspace: &Workspace,
    target: &TargetPath,
    compiled: &Compiled,
) -> Result<Vec<PathBuf>, WorkspaceError> {
    let written = || {
        target.create()?;
        let written = write_compiled(target, &workspace.manifest, compiled)?;
        write_manifest(workspace, target, compiled)?;
        Ok(written)
    };
    written().map_err(|error| failed(target, &error))
}

/// Atomically writes an artifact.
pub(super) fn write_json(
    workspace: &Workspace,
    target: &TargetPath,
    name: &str,
    artifact: &Value,
) -> Result<(), WorkspaceError> {
    put(workspace, target, name, artifact).map_err(|error| failed(target, &error))
}

/// Writes the documentation site to this folder of the target path. Removes parts of an older site that the
/// new one lacks.
pub(super) fn write_page(
    workspace: &Workspace,
    target: &TargetPath,
    folder: &Path,
    page: &Page,
) -> Result<(), WorkspaceError> {
    let written = || {
        // Write the page last, when all its parts exist.
        for (name, bytes) in page.files.iter().rev() {
            target.replace(&folder.join(name), &workspace.invocation_id, bytes)?;
        }
        page.remove_older(&target.path().join(folder))
    };
    written().map_err(|error| failed(target, &error))
}

/// Returns the origin of artifacts written now.
pub(super) fn origin<'a>(workspace: &'a Workspace, env: &'a BTreeMap<String, String>) -> ArtifactOrigin<'a> {
    ArtifactOrigin {
        invocation_id: &workspace.invocation_id,
        started: workspace.started,
        generated: generated_at(),
        env,
    }
}

impl Workspace {
    /// Returns `manifest.json` without compiled SQL.
    pub(super) fn uncompiled_manifest(&self) -> Value {
        let compiled = Compiled::default();
        with_contents(self, &compiled, |contents: &Contents<'_>| contents.manifest())
    }

    /// Returns the entries of nodes in `manifest.json`, without compiled SQL.
    pub fn manifest_entries<'n>(&self, nodes: impl IntoIterator<Item = &'n Node>) -> Vec<Value> {
        let compiled = Compiled::default();
        with_contents(self, &compiled, |contents| {
            nodes.into_iter().map(|node| contents.entry(node)).collect()
        })
    }
}

/// Calls `of` with the inputs of a manifest.
fn with_contents<T>(workspace: &Workspace, compiled: &Compiled, of: impl FnOnce(&Contents<'_>) -> T) -> T {
    let env = BTreeMap::new();
    let shown = workspace.shown_target_path();
    of(&Contents {
        project: &workspace.project,
        manifest: &workspace.manifest,
        compiled,
        target_path: &shown,
        database: &workspace.target_name,
        origin: origin(workspace, &env),
    })
}

fn write_manifest(workspace: &Workspace, target: &TargetPath, compiled: &Compiled) -> io::Result<()> {
    let manifest = with_contents(workspace, compiled, |contents: &Contents<'_>| contents.manifest());
    put(workspace, target, "manifest.json", &manifest)?;
    let summary = graph_summary(&workspace.manifest, &workspace.invocation_id);
    put(workspace, target, "graph_summary.json", &summary)
}

fn put(workspace: &Workspace, target: &TargetPath, name: &str, artifact: &Value) -> io::Result<()> {
    target.replace(
        Path::new(name),
        &workspace.invocation_id,
        scrubbed_artifact(&artifact.to_string()).as_bytes(),
    )
}

/// Writes the SQL of compiled nodes. Returns its paths, relative to the folder for artifacts.
pub(super) fn write_compiled(
    target: &TargetPath,
    manifest: &Manifest,
    compiled: &Compiled,
) -> io::Result<Vec<PathBuf>> {
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

fn failed(target: &TargetPath, error: &io::Error) -> WorkspaceError {
    WorkspaceError::hinted(
        format!("can't write artifacts to {}: {error}", target.path().display()),
        "give another folder with --target-path",
    )
}
