//! Inferred columns: records the columns of sources that declare none in the lake.

use super::{
    failure::{self, Failure},
    request::CommandRequest,
};
use crate::{
    compile::{Compiled, FOUND_COLUMNS, FoundColumns},
    engine::{
        Engine,
        source::{InferenceDepth, SourceSpec},
    },
    lake::Lake,
    name::NodeId,
};

/// Records the columns that were inferred from all files of their sources, if the command builds.
pub(super) async fn record_exact(
    lake: &Lake,
    request: &CommandRequest<'_>,
    compiled: &Compiled,
) -> Result<(), Failure> {
    if !request.builds() {
        return Ok(());
    }
    for (id, spec, found) in newly_found(compiled) {
        if !spec.drift.sample.is_taken() {
            record(lake, id, found).await?;
        }
    }
    Ok(())
}

/// Records columns that were inferred from a sample and confirmed by the run. If the run contradicted the
/// sample, infers them again from all files. Returns whether there were such sources; nodes that read them
/// failed.
pub(super) async fn record_samples(
    lake: &Lake,
    engine: &Engine,
    compiled: &Compiled,
) -> Result<bool, Failure> {
    let mut again = false;
    for (id, spec, found) in newly_found(compiled) {
        let sample = &spec.drift.sample;
        if sample.is_confirmed() {
            record(lake, id, found).await?;
        } else if sample.is_contradicted() {
            failure::warn(&format!(
                "the columns of {} were found in a sample of its files, and others have other values or columns; all files \
                 are looked at, and what reads it is built again",
                spec.name
            ));
            let files = engine.source_files(spec).await?;
            let all = engine.source_columns(spec, files, InferenceDepth::All).await?;
            record(lake, id, &FoundColumns::new(spec, &all)).await?;
            again = true;
        }
    }
    Ok(again)
}

fn newly_found(compiled: &Compiled) -> impl Iterator<Item = (&NodeId, &SourceSpec, &FoundColumns)> {
    compiled.found.iter().filter_map(|(id, found)| Some((id, compiled.sources.get(id)?, found)))
}

async fn record(lake: &Lake, id: &NodeId, found: &FoundColumns) -> Result<(), Failure> {
    let text = found.to_text().map_err(|error| Failure::message(error.to_string()))?;
    Ok(lake.record(FOUND_COLUMNS, id.as_str(), text).await?)
}
