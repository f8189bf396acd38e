//! Rows of JSON: arrays by the header's order, objects by their keys.

use std::{borrow::Cow, sync::Arc};

use super::{
    json::{Cursor, Stop},
    refusal::Refusal,
};
use crate::engine::source::{cell::unescape, nested, rows::Rows};

/// Reads a row that is an array, its values in the order of `places`.
pub(super) fn array(
    places: &[Option<usize>],
    cursor: &mut Cursor<'_>,
    rows: &mut Rows,
) -> Result<Option<Refusal>, Stop> {
    if cursor.peek()? != b'[' {
        cursor.skip()?;
        rows.end_row(false);
        return Ok(Some(Refusal::NotAnArray));
    }
    cursor.at += 1;
    let mut found = 0;
    let mut refusal = None;
    while cursor.element(found == 0, b']')? {
        match places.get(found) {
            Some(Some(column)) if refusal.is_none() => refusal = cell(*column, cursor, rows)?,
            _ => {
                cursor.skip()?;
            }
        }
        found += 1;
    }
    if found != places.len() {
        refusal = Some(Refusal::Width { found, wanted: places.len() });
    }
    rows.end_row(refusal.is_none());
    Ok(refusal)
}

/// Reads rows that are objects.
pub(crate) struct Objects {
    names: Arc<[String]>,
    /// For each column, the last row that gave it; rows are counted from 1.
    given: Vec<u64>,
    row: u64,
    /// Whether any row gave any declared column.
    pub(super) any: bool,
}

impl Objects {
    pub(super) fn new(names: &Arc<[String]>) -> Self {
        Self { names: Arc::clone(names), given: vec![0; names.len()], row: 0, any: false }
    }

    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>, rows: &mut Rows) -> Result<Option<Refusal>, Stop> {
        self.row += 1;
        if cursor.peek()? != b'{' {
            cursor.skip()?;
            rows.end_row(false);
            return Ok(Some(Refusal::NotAnObject));
        }
        cursor.at += 1;
        let mut refusal = None;
        // Objects of a file mostly have the declared order: the next name is tried first.
        let (mut first, mut next, mut count) = (true, 0, 0);
        while cursor.element(first, b'}')? {
            first = false;
            let column = self.column(cursor.key()?, next);
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
                _ => {
                    cursor.skip()?;
                }
            }
        }
        self.any |= count > 0;
        rows.end_row(refusal.is_none());
        if count < self.names.len() {
            rows.level();
        }
        Ok(refusal)
    }

    /// Whether the object that `text` is has a key that is declared.
    pub(super) fn knows(&self, text: &str) -> bool {
        let mut cursor = Cursor::new(text, true);
        let mut scan = || -> Result<bool, Stop> {
            cursor.expect(b'{', "`{`")?;
            let mut first = true;
            while cursor.element(first, b'}')? {
                first = false;
                if self.column(cursor.key()?, 0).is_some() {
                    return Ok(true);
                }
                cursor.skip()?;
            }
            Ok(false)
        };
        scan().unwrap_or(false)
    }

    fn column(&self, (inside, escaped): (&str, bool), next: usize) -> Option<usize> {
        let key = if escaped { Cow::Owned(unescape(inside)?) } else { Cow::Borrowed(inside) };
        match self.names.get(next) {
            Some(name) if *name == key => Some(next),
            _ => self.names.iter().position(|name| *name == key),
        }
    }
}

/// Gives the value that begins here to a column.
fn cell(column: usize, cursor: &mut Cursor<'_>, rows: &mut Rows) -> Result<Option<Refusal>, Stop> {
    cursor.space();
    let start = cursor.at;
    let token = nested::token(cursor, rows.kind(column))?;
    let fits = rows.append(column, token);
    Ok((!fits).then_some(Refusal::Cell { column, value: start..cursor.at }))
}
