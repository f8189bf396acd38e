//! The files of a Parquet or Avro source: each has its own schema, and files with equal schemas are scanned
//! together.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{Field, FieldRef, SchemaRef},
    common::ScalarValue,
};
use object_store::ObjectMeta;

use super::{
    look::{MatchedFile, Widths},
    reading::{ColumnReading, reading},
};
use crate::source::{
    names::{self, ColumnPlace},
    spec::SOURCE_FILE,
};

/// Files with one schema, whose columns are read in the same way.
#[derive(Debug, Clone)]
pub(super) struct Like {
    /// The files' own schema.
    pub(super) schema: SchemaRef,
    /// The origin of each column of the table, or `None` if these files lack it.
    sources: Vec<(String, Option<ColumnSource>)>,
    /// The undeclared columns.
    pub(super) new: Vec<String>,
    /// The partition columns from the files' paths.
    pub(super) folders: Vec<FieldRef>,
    /// The files, with their partition values.
    pub(super) files: Vec<(Arc<str>, ObjectMeta, Vec<ScalarValue>)>,
    /// True if some value may not fit, so that rows must be validated.
    pub(super) is_judged: bool,
    pub(super) widths: Widths,
}

/// The origin of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ColumnSource {
    /// The column's name in the scan.
    pub(super) from: String,
    pub(super) reading: ColumnReading,
}

impl Like {
    /// Returns the origin of a column of the table.
    pub(super) fn source(&self, column: &str) -> Option<&ColumnSource> {
        self.sources.iter().find(|(name, _)| name == column)?.1.as_ref()
    }

    /// Returns whether a column's values are validated.
    pub(super) fn judges(&self, column: &str) -> bool {
        self.source(column).is_some_and(|source| source.reading.is_judged())
    }

    /// Returns whether the files have an undeclared column of this name.
    pub(super) fn is_new(&self, column: &str) -> bool {
        self.new.iter().any(|name| name == column)
    }
}

/// Adds a file to the group with the same schema.
pub(super) fn add(
    groups: &mut Vec<Like>,
    look: &MatchedFile,
    fields: &[FieldRef],
    wanted: &[FieldRef],
) -> Result<(), String> {
    let mut sources = Vec::new();
    for field in fields {
        sources.push((field.name().clone(), source(look, field, wanted)?));
    }
    let (folders, values): (Vec<FieldRef>, Vec<ScalarValue>) = look
        .folders
        .values()
        .map(|(at, token)| {
            let value = crate::source::column::scalar(token, wanted[at].data_type());
            (Arc::clone(&wanted[at]), value)
        })
        .unzip();
    let file = (Arc::clone(&look.name), look.meta.clone(), values);
    let alike = |group: &&mut Like| {
        group.schema == look.schema && group.folders == folders && group.sources == sources
    };
    if let Some(group) = groups.iter_mut().find(alike) {
        group.files.push(file);
        for (name, bytes) in &look.widths {
            let most = group.widths.entry(name.clone()).or_default();
            *most = (*bytes).max(*most);
        }
        return Ok(());
    }
    let is_judged =
        sources.iter().filter_map(|(_, source)| source.as_ref()).any(|source| source.reading.is_judged());
    let new = look.columns.deviation.new.clone();
    groups.push(Like {
        schema: Arc::clone(&look.schema),
        sources,
        new,
        folders,
        files: vec![file],
        is_judged,
        widths: look.widths.clone(),
    });
    Ok(())
}

/// Returns the origin of a column of the table in a file.
fn source(look: &MatchedFile, field: &Field, wanted: &[FieldRef]) -> Result<Option<ColumnSource>, String> {
    if field.name() == SOURCE_FILE {
        return Ok(Some(ColumnSource { from: of_path(SOURCE_FILE), reading: ColumnReading::Same }));
    }
    let column = wanted.iter().position(|wanted| wanted.name() == field.name());
    if let Some(column) = column
        && look.folders.values().any(|(folder, _)| folder == column)
    {
        return Ok(Some(ColumnSource { from: of_path(field.name()), reading: ColumnReading::Same }));
    }
    let at = look.places.iter().enumerate().position(|(at, place)| match (place, column) {
        (ColumnPlace::Column(place), Some(column)) => *place == column,
        (ColumnPlace::New, None) => names::same(look.schema.field(at).name(), field.name()),
        _ => false,
    });
    let Some(at) = at else { return Ok(None) };
    let own = look.schema.field(at);
    let reading = reading(own, field.data_type(), look.bounded[at])
        .map_err(|reason| format!("{}: column `{}`: {reason}", look.name, own.name()))?;
    Ok(Some(ColumnSource { from: own.name().clone(), reading }))
}

/// Returns the scan's name for a partition column from the path. No column of a file has such a name.
pub(super) fn of_path(column: &str) -> String {
    format!("{SOURCE_FILE}/{column}")
}
