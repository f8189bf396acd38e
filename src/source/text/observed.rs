//! Observed columns of text files, with a summary of each column's values.

use std::{borrow::Cow, ops::Range, sync::Arc};

use super::{
    format::{RowLayout, TextFormat},
    inferred::{InferredColumn, InferredColumns},
    shape::{ColumnShape, place},
    sink::DocumentSink,
};
use crate::source::{
    cell::unescape,
    json::{Cursor, JsonStop},
    names,
};

/// The columns found in some files.
#[derive(Default)]
pub(super) struct ObservedColumns {
    columns: Vec<(String, ColumnShape)>,
    rows: u64,
    files: u64,
    broken: Vec<(Arc<str>, String)>,
}

impl ObservedColumns {
    /// Creates the entry of a file that can't be read and has no columns.
    pub(super) fn broken(file: Arc<str>, reason: String) -> Self {
        Self { files: 1, broken: vec![(file, reason)], ..Self::default() }
    }

    pub(super) fn merge(&mut self, other: Self) {
        let mut next = 0;
        for (name, shape) in other.columns {
            let at = place(&mut self.columns, &name, next, || ColumnShape::new(true, false));
            next = at + 1;
            match &mut self.columns[at].1 {
                new if new.values == 0 && new.nulls == 0 => *new = shape,
                known => known.merge(shape),
            }
        }
        self.rows += other.rows;
        self.files += other.files;
        self.broken.extend(other.broken);
    }

    /// Replaces a file's own columns by those that its path supplies.
    pub(super) fn supply(&mut self, pairs: Vec<(String, Option<String>)>, is_detailed: bool) {
        for (name, value) in pairs {
            self.columns.retain(|(known, _)| !names::same(known, &name));
            let mut shape = ColumnShape::new(true, is_detailed);
            match value {
                Some(value) => shape.see_texts(&value, self.rows),
                None => shape.nulls = self.rows,
            }
            self.columns.push((name, shape));
        }
    }

    pub(super) fn found(self) -> InferredColumns {
        let Self { rows, files, broken, .. } = self;
        let columns = self.columns.into_iter().map(|(name, shape)| InferredColumn {
            name,
            data_type: shape.data_type(),
            nulls: rows.saturating_sub(shape.values),
            distinct: shape.distinct(),
            examples: shape.examples(),
        });
        InferredColumns { columns: columns.collect(), rows, files, broken, is_sample: false }
    }
}

/// The columns observed so far in one file.
pub(super) struct ObservedFile<'a> {
    format: &'a TextFormat,
    is_detailed: bool,
    names: Option<Vec<String>>,
    /// The columns by index in a row, or by name if rows are objects.
    columns: Vec<(String, ColumnShape)>,
    rows: u64,
    /// The fields of the current record: their byte ranges, and whether they are NULL.
    fields: Vec<(Range<usize>, bool)>,
}

impl<'a> ObservedFile<'a> {
    pub(super) fn new(format: &'a TextFormat, is_detailed: bool) -> Self {
        Self { format, is_detailed, names: None, columns: Vec::new(), rows: 0, fields: Vec::new() }
    }

    /// Returns whether column names and some values are known.
    pub(super) fn is_telling(&self) -> bool {
        self.rows > 0 && (self.names.is_some() || !matches!(self.format.layout, RowLayout::Split))
    }

    /// Adds columns until there are `width`, in row order.
    fn widen(&mut self, width: usize) {
        let (is_text, is_detailed) = (self.format.is_csv(), self.is_detailed);
        while self.columns.len() < width {
            let name = format!("column{}", self.columns.len());
            self.columns.push((name, ColumnShape::new(is_text, is_detailed)));
        }
    }

    pub(super) fn columns(mut self) -> ObservedColumns {
        if let Some(names) = self.names.take() {
            self.widen(names.len());
            self.columns.truncate(names.len());
            for ((name, _), heading) in self.columns.iter_mut().zip(names) {
                *name = heading;
            }
            // A column needs a name.
            self.columns.retain(|(name, _)| !name.is_empty());
        }
        ObservedColumns { columns: self.columns, rows: self.rows, files: 1, broken: Vec::new() }
    }

    fn record(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop> {
        let RowLayout::Csv(csv) = &self.format.layout else { return Ok(()) };
        self.fields.clear();
        let (fields, mut torn) = (&mut self.fields, false);
        csv.record(cursor, |_, field| {
            torn |= field.torn;
            let quotes = usize::from(field.quoted && !field.torn);
            fields.push((field.start + quotes..field.end - quotes, csv.is_null(field, false)));
        })?;
        let width = self.names.as_ref().map_or(self.columns.len(), Vec::len);
        // Such a row doesn't count, as when it is loaded.
        if torn || (self.fields.len() != width && width > 0) {
            return Ok(());
        }
        self.widen(self.fields.len());
        self.rows += 1;
        for ((at, is_null), (_, shape)) in self.fields.iter().zip(&mut self.columns) {
            if *is_null { shape.see_null() } else { shape.see_text(&cursor.text[at.clone()]) }
        }
        Ok(())
    }

    fn array(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop> {
        if cursor.peek()? != b'[' {
            cursor.skip()?;
            return Ok(());
        }
        cursor.at += 1;
        self.rows += 1;
        let mut at = 0;
        while cursor.element(at == 0, b']')? {
            self.widen(at + 1);
            self.columns[at].1.see_json(cursor, 0)?;
            at += 1;
        }
        Ok(())
    }

    fn object(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop> {
        if cursor.peek()? != b'{' {
            cursor.skip()?;
            return Ok(());
        }
        cursor.at += 1;
        self.rows += 1;
        let (mut first, mut next) = (true, 0);
        while cursor.element(first, b'}')? {
            first = false;
            let (inside, escaped) = cursor.key()?;
            let name = if escaped {
                Cow::Owned(unescape(inside).unwrap_or_default())
            } else {
                Cow::Borrowed(inside)
            };
            let is_detailed = self.is_detailed;
            let at = place(&mut self.columns, &name, next, || ColumnShape::new(false, is_detailed));
            next = at + 1;
            self.columns[at].1.see_json(cursor, 0)?;
        }
        Ok(())
    }
}

impl DocumentSink for ObservedFile<'_> {
    fn header(&mut self, names: Vec<String>) -> Result<(), String> {
        // A header with duplicate names is invalid, as when it is loaded.
        names::distinct(&names)?;
        self.names = Some(names);
        Ok(())
    }

    fn row(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop> {
        // A row that is cut off by the text's end will be walked again, and an invalid line is ignored.
        let is_line = matches!(self.format.layout, RowLayout::Lines | RowLayout::AnyJson);
        if (!cursor.last && !self.format.is_csv()) || is_line {
            cursor.clone().skip()?;
        }
        match self.format.layout {
            RowLayout::Split => self.array(cursor),
            RowLayout::Csv(_) | RowLayout::AnyCsv(_) => self.record(cursor),
            RowLayout::Records | RowLayout::Lines | RowLayout::AnyJson => self.object(cursor),
        }
    }

    /// Such a line isn't a row when the file is loaded, either.
    fn invalid(&mut self, _text: &str, _at: Range<usize>, _reason: String) {}
}
