//! Access: what can be asked of a source, with the engine that reads it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    InferenceDepth, InferredColumns, Listing, RejectSink, SourceFile, SourceSpec, SourceState, files,
    provider, state,
};
use crate::engine::{Engine, EngineError, Table};

/// Returns a source's table. Rejected rows go to `rejects`, or are discarded if it is `None`.
pub async fn open(
    engine: &Engine,
    spec: &SourceSpec,
    rejects: Option<&Arc<RejectSink>>,
) -> Result<Table, EngineError> {
    provider::provider(spec, engine.session().as_ref(), rejects.cloned()).await
}

/// Returns the table of some of a source's files. Rejected rows go to `rejects`.
pub async fn open_files(
    engine: &Engine,
    spec: &SourceSpec,
    files: Vec<SourceFile>,
    rejects: Option<&Arc<RejectSink>>,
) -> Result<Table, EngineError> {
    provider::of_files(spec, engine.session().as_ref(), files, rejects.cloned()).await
}

/// Returns the files of a source, sorted by name. Not for databases.
pub async fn list_files(engine: &Engine, spec: &SourceSpec) -> Result<Vec<SourceFile>, EngineError> {
    files::list(spec, engine.session().as_ref()).await
}

/// Returns the files at a source's location, and those that are ignored. Not for databases.
pub async fn list(engine: &Engine, spec: &SourceSpec) -> Result<Listing, EngineError> {
    files::listing(spec, engine.session().as_ref()).await
}

/// Looks for damaged files of a source, which the next read rejects. Returns whether there are any.
pub async fn find_damage(engine: &Engine, spec: &SourceSpec) -> Result<bool, EngineError> {
    provider::find_damage(spec, engine.session().as_ref()).await
}

/// Returns the columns of some of a source's text files, regardless of the declared ones.
pub async fn infer_columns(
    engine: &Engine,
    spec: &SourceSpec,
    files: Vec<SourceFile>,
    depth: InferenceDepth,
) -> Result<InferredColumns, EngineError> {
    provider::columns(spec, engine.session().as_ref(), files, depth).await
}

/// Returns the undeclared columns of a source's text files.
pub async fn new_columns(engine: &Engine, spec: &SourceSpec) -> Result<Vec<String>, EngineError> {
    let files = list_files(engine, spec).await?;
    provider::new_columns(spec, engine.session().as_ref(), files).await
}

/// Returns the state of a source's data.
pub async fn read_state(engine: &Engine, spec: &SourceSpec) -> Result<SourceState, EngineError> {
    state::state(spec, engine.session().as_ref()).await
}

/// Returns when a source's files or database were last modified; `None` if the store doesn't report it.
pub async fn modified(engine: &Engine, spec: &SourceSpec) -> Result<Option<DateTime<Utc>>, EngineError> {
    state::modified(spec, engine.session().as_ref()).await
}
