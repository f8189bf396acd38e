//! Loading for commands: shows diagnostics, and continues only if none of them is an error.

use std::{collections::BTreeSet, process::ExitCode, sync::Arc};

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
        let is_alone = prepared.plan.jobs.is_empty();
        let findings = prepared.diagnostics;
        return Err(if is_alone { findings.into() } else { Failure::NodeErrors(findings) });
    }
    failure::show(&prepared.diagnostics, quiet);
    failure::show_of_nodes(&prepared.compiled);
    Ok(prepared)
}

/// Returns the exit code of a command that only looks: a failure if any node can't be compiled.
pub(super) fn exit_code(compiled: &Compiled) -> ExitCode {
    match compiled.errors_by_node().next() {
        Some(_) => ExitCode::from(failure::NODE_FAILED),
        None => ExitCode::SUCCESS,
    }
}

/// The compiled nodes of a command that only looks.
pub(super) struct Looked {
    pub(super) engine: Engine,
    pub(super) tables: Arc<Tables>,
    pub(super) compiled: Compiled,
    pub(super) observed: ObservedState,
}

/// Compiles nodes against the lake. Shows warnings and the errors of nodes that fail alone, and fails if any
/// other node has an error or if a source can't be read.
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
    failure::show_of_nodes(&compiled);
    Ok(Looked { engine, tables, compiled: compiled.readable()?, observed })
}
