//! Loading for commands: shows diagnostics, and continues only if none of them is an error.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    args::Global,
    failure::{self, Failure},
};
use crate::{
    compile::Compiled,
    diag::Diagnostic,
    engine::Engine,
    name::NodeId,
    run::{observed::ObservedState, tables::Tables},
    workspace::{LoadOptions, NodeSelection, Prepared, Request, Workspace},
};

/// Loads and resolves the project. Shows warnings at once.
pub(super) fn load(global: &Global) -> Result<Workspace, Failure> {
    Ok(load_with(&global.load_options()?)?.0)
}

/// Loads and resolves the project. Shows warnings at once, and returns them too.
pub(super) fn load_with(options: &LoadOptions) -> Result<(Workspace, Vec<Diagnostic>), Failure> {
    let (workspace, findings) = Workspace::load(options)?;
    match workspace {
        Some(workspace) if !findings.iter().any(Diagnostic::is_error) => {
            failure::show(&findings, options.quiet);
            Ok((workspace, findings))
        }
        _ => Err(findings.into()),
    }
}

/// Returns the selected nodes. Shows warnings about criteria that match nothing.
pub(super) fn select(
    workspace: &Workspace,
    selection: &NodeSelection,
    quiet: bool,
) -> Result<BTreeSet<NodeId>, Failure> {
    let (chosen, warnings) = workspace.select(selection)?;
    failure::show(&warnings, quiet);
    Ok(chosen)
}

/// Prepares a request. Shows warnings, and fails if any node has an error.
pub(super) async fn prepare(
    workspace: &Workspace,
    request: &Request,
    quiet: bool,
) -> Result<Prepared, Failure> {
    let prepared = workspace.prepare(request).await?;
    for id in &prepared.gone {
        failure::warn(&format!("{id} is not in the project any more and is not retried"));
    }
    if prepared.has_errors() {
        return Err(prepared.diagnostics.into());
    }
    failure::show(&prepared.diagnostics, quiet);
    Ok(prepared)
}

/// The compiled nodes of a command that only looks.
pub(super) struct Looked {
    pub(super) engine: Engine,
    pub(super) tables: Arc<Tables>,
    pub(super) compiled: Compiled,
    pub(super) observed: ObservedState,
}

/// Compiles nodes against the lake. Shows warnings, and fails if any node has an error or if a source can't
/// be read.
pub(super) async fn look(
    workspace: &Workspace,
    chosen: &BTreeSet<NodeId>,
    quiet: bool,
) -> Result<Looked, Failure> {
    let engine = workspace.engine()?;
    let tables = workspace.tables(&engine)?;
    let (compiled, observed, findings) = workspace.compile(&engine, &tables, chosen, true).await?;
    if findings.iter().any(Diagnostic::is_error) {
        return Err(findings.into());
    }
    failure::show(&findings, quiet);
    Ok(Looked { engine, tables, compiled: compiled.whole()?, observed })
}
