//! Inferred columns: records the columns of sources that declare none in the lake.

use super::error::WorkspaceError;
use crate::{
    compile::{Compiled, FOUND_COLUMNS, FoundColumns},
    engine::Engine,
    lake::LakeWriter,
    name::NodeId,
    source::{self, InferenceDepth, SourceSpec},
};

/// Records the columns that were inferred from all files of their sources.
pub(super) async fn record_exact(writer: &LakeWriter, compiled: &Compiled) -> Result<(), WorkspaceError> {
    for (id, spec, found) in newly_found(compiled) {
        if !spec.drift.sample.is_taken() {
            record(writer, id, found).await?;
        }
    }
    Ok(())
}

/// Records columns that were inferred from a sample and confirmed by the run. If the run contradicted the
/// sample, infers them again from all files. Returns the names of such sources; nodes that read them failed.
pub(super) async fn record_samples(
    writer: &LakeWriter,
    engine: &Engine,
    compiled: &Compiled,
) -> Result<Vec<String>, WorkspaceError> {
    let mut contradicted = Vec::new();
    for (id, spec, found) in newly_found(compiled) {
        let sample = &spec.drift.sample;
        if sample.is_confirmed() {
            record(writer, id, found).await?;
        } else if sample.is_contradicted() {
            let files = source::list_files(engine, spec).await?;
            let all = source::infer_columns(engine, spec, files, InferenceDepth::All).await?;
            record(writer, id, &FoundColumns::new(spec, &all)).await?;
            contradicted.push(spec.name.clone());
        }
    }
    Ok(contradicted)
}

fn newly_found(compiled: &Compiled) -> impl Iterator<Item = (&NodeId, &SourceSpec, &FoundColumns)> {
    compiled.found.iter().filter_map(|(id, found)| Some((id, compiled.sources.get(id)?, found)))
}

/// Records the columns of a source.
pub(super) async fn record(
    writer: &LakeWriter,
    id: &NodeId,
    found: &FoundColumns,
) -> Result<(), WorkspaceError> {
    let text = found.to_text().map_err(|error| WorkspaceError::message(error.to_string()))?;
    Ok(writer.record(FOUND_COLUMNS, id.as_str(), text).await?)
}
