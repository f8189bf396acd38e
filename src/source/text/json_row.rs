//! JSON rows: arrays in header order, and objects with keys.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use super::{
    format::{RowLayout, TextFormat},
    header::TextHeader,
    refusal::Refusal,
};
use crate::source::{
    cell::unescape,
    column::token,
    drift::Deviation,
    json::{Cursor, JsonStop},
    names::{self, ColumnPlace},
    rows::SourceRows,
};

/// Reads a row that is an array, with its values in header order.
pub(super) fn array(
    header: &TextHeader,
    cursor: &mut Cursor<'_>,
    rows: &mut SourceRows,
) -> Result<Option<Refusal>, JsonStop> {
    if cursor.peek()? != b'[' {
        cursor.skip()?;
        rows.end_row(false);
        return Ok(Some(Refusal::NotAnArray));
    }
    cursor.at += 1;
    let mut found = 0;
    let mut refusal = None;
    while cursor.element(found == 0, b']')? {
        match header.places.get(found) {
            Some(ColumnPlace::Column(column)) if refusal.is_none() => refusal = cell(*column, cursor, rows)?,
            Some(ColumnPlace::New) if !header.keys.is_empty() => rescue(&header.keys[found], cursor, rows)?,
            _ => {
                cursor.skip()?;
            }
        }
        found += 1;
    }
    if found != header.places.len() {
        refusal = Some(Refusal::Width { found, wanted: header.places.len() });
    }
    rows.end_row(refusal.is_none());
    Ok(refusal)
}

/// Keeps the value at the cursor, of an undeclared column, unless it is null.
fn rescue(key: &str, cursor: &mut Cursor<'_>, rows: &mut SourceRows) -> Result<(), JsonStop> {
    let text = cursor.skip()?;
    if text == "null" {
        return Ok(());
    }
    // Some programs write invalid JSON, such as `NaN`.
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => rows.rescue(key, text),
        Err(_) => rows.rescue(key, &serde_json::Value::from(text).to_string()),
    }
    Ok(())
}

/// Reads rows that are objects, and collects their keys.
pub(crate) struct Objects {
    names: Arc<[String]>,
    supplied: Vec<bool>,
    /// The number of declared columns that must be in the file.
    required: usize,
    rescues: bool,
    /// Whether each object is a line of its own.
    lines: bool,
    /// The meaning of each key, by its text in the file.
    keys: HashMap<Box<str>, ObjectKey>,
    /// For each column, whether any row has it.
    seen: Vec<bool>,
    /// The undeclared keys, in order of appearance.
    new: Vec<String>,
    /// For each column, the number (from 1) of the last row that has it.
    given: Vec<u64>,
    /// For each column, the last row with its exact name, among rows that also have it in another case.
    exact: Vec<u64>,
    /// The last row checked for exact names.
    looked: u64,
    row: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectKey {
    Exact(usize),
    /// The same name in another case.
    Alike(usize),
    New,
    Supplied,
}

/// The maximum number of keys to cache, because some files use values as keys.
const KEYS: usize = 4096;
/// The maximum number of undeclared keys to report.
const NEW: usize = 100;

impl Objects {
    pub(super) fn new(format: &TextFormat, supplied: Vec<bool>) -> Self {
        let columns = format.names.len();
        Self {
            names: Arc::clone(&format.names),
            supplied,
            required: format.required(),
            rescues: format.drift.is_rescuing(),
            lines: matches!(format.layout, RowLayout::Lines | RowLayout::AnyJson),
            keys: HashMap::new(),
            seen: vec![false; columns],
            new: Vec::new(),
            given: vec![0; columns],
            exact: vec![0; columns],
            looked: 0,
            row: 0,
        }
    }

    /// Returns whether each object is a line of its own.
    pub(super) fn are_lines(&self) -> bool {
        self.lines
    }

    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'_>,
        rows: &mut SourceRows,
    ) -> Result<Option<Refusal>, JsonStop> {
        self.row += 1;
        if cursor.peek()? != b'{' {
            cursor.skip()?;
            rows.end_row(false);
            return Ok(Some(Refusal::NotAnObject));
        }
        let start = cursor.at;
        cursor.at += 1;
        let mut refusal = None;
        // Objects mostly have the declared order, so the next name is tried first.
        let (mut first, mut next, mut count) = (true, 0, 0);
        while cursor.element(first, b'}')? {
            first = false;
            let key = cursor.key()?;
            let column = match self.key(key, next) {
                ObjectKey::Alike(column) if self.has_exactly(column, cursor.text, start) => {
                    self.note_new(key);
                    None
                }
                ObjectKey::Exact(column) | ObjectKey::Alike(column) => Some(column),
                ObjectKey::Supplied => {
                    cursor.skip()?;
                    continue;
                }
                ObjectKey::New => None,
            };
            match column {
                Some(column) if refusal.is_none() => {
                    next = column + 1;
                    count += 1;
                    if self.given[column] == self.row {
                        refusal = Some(Refusal::Twice { column });
                        cursor.skip()?;
                    } else {
                        self.given[column] = self.row;
                        refusal = cell(column, cursor, rows)?;
                    }
                }
                None if self.rescues => rescue(&format!("\"{}\"", key.0), cursor, rows)?,
                _ => {
                    cursor.skip()?;
                }
            }
        }
        rows.end_row(refusal.is_none());
        if count < self.names.len() {
            rows.level();
        }
        Ok(refusal)
    }

    /// Skips a row, and looks only at its keys.
    pub(super) fn skip(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop> {
        if cursor.peek()? != b'{' {
            return cursor.skip().map(drop);
        }
        cursor.at += 1;
        let (mut first, mut next) = (true, 0);
        while cursor.element(first, b'}')? {
            first = false;
            if let ObjectKey::Exact(column) = self.key(cursor.key()?, next) {
                next = column + 1;
            }
            cursor.skip()?;
        }
        Ok(())
    }

    /// Returns whether any row has a declared key. True if the path supplies all declared columns.
    pub(super) fn knows(&self) -> bool {
        self.seen.contains(&true) || self.supplied.iter().all(|supplied| *supplied)
    }

    /// Returns the rows' columns, and how they differ from the declared ones.
    pub(super) fn columns(&self) -> (Vec<String>, Deviation) {
        let there = |column: usize| self.seen[column] || self.supplied[column];
        let names = || self.names.iter().enumerate();
        let own = names().filter(|(at, _)| self.seen[*at]).map(|(_, name)| name).chain(&self.new);
        let missing = names().take(self.required).filter(|(at, _)| !there(*at)).map(|(_, name)| name.clone());
        (own.cloned().collect(), Deviation { missing: missing.collect(), new: self.new.clone() })
    }

    /// Returns the meaning of a key.
    fn key(&mut self, (inside, escaped): (&str, bool), next: usize) -> ObjectKey {
        if let Some(name) = self.names.get(next)
            && !escaped
            && name == inside
            && !self.supplied[next]
        {
            self.seen[next] = true;
            return ObjectKey::Exact(next);
        }
        if let Some(key) = self.keys.get(inside) {
            return *key;
        }
        let name = if escaped { unescape(inside).map(Cow::Owned) } else { Some(Cow::Borrowed(inside)) };
        let name = name.unwrap_or(Cow::Borrowed(inside));
        let exact = self.names.iter().position(|known| *known == name);
        let key = match exact.or_else(|| self.names.iter().position(|known| names::same(known, &name))) {
            Some(column) if self.supplied[column] => ObjectKey::Supplied,
            Some(column) if exact.is_some() => ObjectKey::Exact(column),
            Some(column) => ObjectKey::Alike(column),
            None => ObjectKey::New,
        };
        match key {
            ObjectKey::Exact(column) | ObjectKey::Alike(column) => self.seen[column] = true,
            ObjectKey::New if self.new.len() < NEW => self.new.push(name.into_owned()),
            ObjectKey::New | ObjectKey::Supplied => {}
        }
        if self.keys.len() < KEYS {
            self.keys.insert(inside.into(), key);
        }
        key
    }

    /// Records a key as undeclared because the row also has the column's exact name.
    fn note_new(&mut self, (inside, escaped): (&str, bool)) {
        let name = if escaped { unescape(inside) } else { None };
        let name = name.unwrap_or_else(|| inside.to_owned());
        if self.new.len() < NEW && !self.new.contains(&name) {
            self.new.push(name);
        }
    }

    /// Returns whether the row at `start` has the exact name of a column, in addition to one in another case.
    fn has_exactly(&mut self, column: usize, text: &str, start: usize) -> bool {
        if self.looked != self.row {
            self.looked = self.row;
            let mut cursor = Cursor::new(text, true);
            cursor.at = start + 1;
            let mut first = true;
            // Errors in the row surface when it is read.
            while let Ok(true) = cursor.element(first, b'}') {
                first = false;
                let Ok(key) = cursor.key() else { break };
                if let ObjectKey::Exact(column) = self.key(key, usize::MAX) {
                    self.exact[column] = self.row;
                }
                if cursor.skip().is_err() {
                    break;
                }
            }
        }
        self.exact[column] == self.row
    }
}

/// Reads the value at the cursor into a column.
fn cell(column: usize, cursor: &mut Cursor<'_>, rows: &mut SourceRows) -> Result<Option<Refusal>, JsonStop> {
    cursor.space();
    let start = cursor.at;
    let token = token(cursor, rows.kind(column))?;
    let fits = rows.append(column, token);
    Ok((!fits).then_some(Refusal::Cell { column, value: start..cursor.at }))
}
