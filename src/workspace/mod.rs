//! Workspaces: load, prepare and run a project without a command line, for editors, daemons and library
//! users.
//!
//! ```text
//! LoadOptions ──load──▶ Workspace ──prepare(Request)──▶ Prepared ──begin──▶ Run ──execute──▶ Event*
//!  folder,               project,                        compiled,           worker,
//!  buffers, vars         jinja, manifest                 plan                artifacts written
//! ```
//!
//! Loading and preparing return partial results together with diagnostics, so a broken model doesn't hide its
//! siblings. Only running requires a project without errors.
//!
//! - [`LoadOptions`], [`Workspace`]: from a folder and buffers to a resolved project; start here
//! - [`Request`], [`Prepared`]: a command's request, and its compiled nodes and plan
//! - [`Deferral`]: tables that are read where another target has built them
//! - [`execution::Run`]: the execution of a plan
//! - [`Operation`]: hooks of a run, and `run-operation`
//! - [`RowSource`]: ad-hoc queries over the published tables
//! - [`DocsSummary`]: the documentation site
//! - [`NodeHistory`]: facts about existing tables
//! - `artifacts`: artifacts under the target path
//! - [`RecordedRequest`], [`Replay`]: no-op runs, answered from the record of the last run
//! - [`recorded_args`], [`last_run`]: a command as its artifacts record it, for `retry`
//! - `found_columns`, `source_columns`: inferred columns of sources
//! - `hook_results`: the results of steps, for `on-run-end`
//! - `template_flags`, `graph_context`: the values of `flags`, `graph` and `selected_resources` in templates
//! - [`install_packages`]: packages of other projects
//! - `target`, `clock`: the target of an invocation, and its time
//! - [`create_project`]: a new project
//! - [`WorkspaceError`]: failures that aren't errors in the project's files
//!
//! Must not print, read the environment, or know a command line.

mod artifacts;
mod clock;
mod deferral;
mod docs;
mod earlier_state;
mod error;
mod execution;
mod found_columns;
mod graph_context;
mod hook_results;
mod load;
mod new_project;
mod operations;
mod options;
mod packages;
mod prepare;
pub mod recorded_args;
mod request;
mod retry;
mod rows;
mod source_columns;
mod table_facts;
mod target;
mod template_flags;
#[cfg(test)]
mod tests;
mod unchanged;

pub use self::{
    deferral::Deferral,
    docs::{DOCS_FOLDER, DocsSummary},
    error::WorkspaceError,
    execution::{Ending, Executed},
    load::Workspace,
    new_project::create_project,
    operations::Operation,
    options::LoadOptions,
    packages::install_packages,
    prepare::Prepared,
    request::{FreshnessChecks, NodeSelection, Request},
    retry::last_run,
    rows::{RowSource, Rows},
    source_columns::{SourceColumns, columns_of_files},
    table_facts::NodeHistory,
    target::target_path,
    unchanged::{RecordedRequest, Replay},
};
