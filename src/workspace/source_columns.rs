//! Columns of sources: infers them from files, for people to declare or for the lake to record.

use std::path::Path;

use super::{error::WorkspaceError, found_columns, load::Workspace, options::LoadOptions, target::cores};
use crate::{
    compile::{self, FoundColumns},
    diag::near,
    engine::{Engine, EngineSettings},
    manifest::{Node, SourceTable},
    project::SourceFormatName,
    source::{self, InferenceDepth, InferredColumn, InferredColumns, SourceSpec, is_supplied},
};

/// The columns of a source or of files.
pub struct SourceColumns {
    /// The location of the files.
    pub location: String,
    /// Whether the format has no types, so that values were examined.
    pub is_text: bool,
    /// The columns.
    pub found: InferredColumns,
}

impl Workspace {
    /// Returns the source table with this name: `shop.orders`.
    ///
    /// # Errors
    /// The names of all source tables, if there is none with this name.
    pub fn source_table(&self, name: &str) -> Result<&SourceTable, Vec<String>> {
        let tables = || {
            self.manifest.nodes.values().filter_map(|node| match node {
                Node::Source(table) => Some((format!("{}.{}", table.source, table.name), table.as_ref())),
                _ => None,
            })
        };
        let found = tables().find(|(known, _)| known == name);
        found.map(|(_, table)| table).ok_or_else(|| tables().map(|(known, _)| known).collect())
    }

    /// Infers the columns of a source, and records them if `record` is set.
    pub async fn source_columns(
        &self,
        engine: &Engine,
        name: &str,
        record: bool,
    ) -> Result<SourceColumns, WorkspaceError> {
        let table = self.source_table(name).map_err(|names| {
            let message = format!("there is no file and no source `{name}`");
            match near::question(name, names.iter().map(String::as_str)) {
                Some(question) => WorkspaceError::hinted(message, question),
                None => WorkspaceError::message(message),
            }
        })?;
        let Some(external) = table.external.as_ref().filter(|_| !table.is_delta()) else {
            let message = format!("{name} is a Delta table, which has its own columns");
            return Err(WorkspaceError::message(message));
        };
        let mut spec = compile::source::spec(table, external, &self.project.root)?;
        spec.columns.retain(|(name, _)| is_supplied(name));
        let columns = columns(engine, &spec).await?;
        if record {
            if !table.may_be_undeclared() {
                let message = format!("{name} declares its columns, so there is nothing to record");
                return Err(WorkspaceError::hinted(message, "correct its `columns:`, or leave them out"));
            }
            let found = FoundColumns::new(&spec, &columns.found);
            let writer = self.lake(engine)?.writer(&self.invocation_id);
            found_columns::record(&writer, &table.id, &found).await?;
        }
        Ok(columns)
    }
}

/// Infers the columns of files in a folder that needs no project.
pub async fn columns_of_files(
    engine: &Engine,
    root: &Path,
    name: &str,
    format: Option<&str>,
) -> Result<SourceColumns, WorkspaceError> {
    columns(engine, &compile::source::of_files(name, format_of(name, format)?, root)).await
}

impl LoadOptions {
    /// Creates an engine that belongs to no project.
    pub fn engine(&self) -> Result<Engine, WorkspaceError> {
        Ok(Engine::new(&EngineSettings {
            threads: self.threads.map_or_else(cores, usize::from),
            memory_limit: None,
            dialect: "duckdb".to_owned(),
            database: "headwater".to_owned(),
            temp_dir: None,
        })?)
    }
}

fn format_of(name: &str, given: Option<&str>) -> Result<SourceFormatName, WorkspaceError> {
    let names = || SourceFormatName::ALL.map(SourceFormatName::as_str);
    let found = match given {
        Some(given) => SourceFormatName::ALL.into_iter().find(|format| format.as_str() == given),
        None => SourceFormatName::of_file(name.rsplit('/').next().unwrap_or(name)),
    };
    match found {
        Some(SourceFormatName::Delta | SourceFormatName::Sqlite) => {
            let message = format!("declare {name} as a source: its columns are those of a table");
            Err(WorkspaceError::message(message))
        }
        Some(format) => Ok(format),
        None => {
            let message = format!("can't infer the format of {name}");
            Err(WorkspaceError::hinted(message, format!("give one with --format: {}", names().join(", "))))
        }
    }
}

async fn columns(engine: &Engine, spec: &SourceSpec) -> Result<SourceColumns, WorkspaceError> {
    let is_text = spec.format.is_text();
    let found = if is_text {
        let files = source::list(engine, spec).await?.files;
        if files.is_empty() {
            let message = format!("no file matches `{}` under {}", spec.location, spec.base.display());
            return Err(WorkspaceError::message(message));
        }
        source::infer_columns(engine, spec, files, InferenceDepth::Detailed).await?
    } else {
        let schema = source::open(engine, spec, None).await?.schema();
        let columns =
            schema.fields().iter().filter(|field| !is_supplied(field.name())).map(|field| InferredColumn {
                name: field.name().clone(),
                data_type: field.data_type().clone(),
                nulls: 0,
                distinct: 0,
                examples: Vec::new(),
            });
        InferredColumns { columns: columns.collect(), ..InferredColumns::default() }
    };
    Ok(SourceColumns { location: spec.location.clone(), is_text, found })
}
