//! Value summary of a column: the type that holds all values, and statistics for people.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use datafusion::arrow::datatypes::{DataType, Field};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    engine::types::JSON,
    source::{
        cell::unescape,
        excerpt::excerpt,
        guess::{CandidateTypes, Guess},
        json::{Cursor, JsonStop, Scalar},
        names,
    },
};

/// The number of nesting levels that become types. Deeper values are JSON text.
const LEVELS: usize = 8;
/// The maximum number of fields of a struct. An object with more is a map in disguise, and becomes JSON text.
const FIELDS: usize = 200;
/// The number of example values of a column, and the maximum number of bytes of each.
const EXAMPLES: usize = 3;
const EXAMPLE: usize = 40;

/// A summary of a column's values so far.
#[derive(Debug, Clone)]
pub(super) struct ColumnShape {
    /// True if values are CSV cells, whose text may be of any type, rather than JSON values, which carry
    /// their types.
    is_text: bool,
    pub(super) values: u64,
    pub(super) nulls: u64,
    booleans: u64,
    numbers: (u64, Guess),
    texts: (u64, Guess),
    items: Option<Box<Self>>,
    fields: Option<Vec<(String, Self)>>,
    /// True if a value is nested too deeply.
    opaque: bool,
    detail: Option<Box<ShapeDetail>>,
}

/// Statistics that are only shown to people.
#[derive(Debug, Clone, Default)]
struct ShapeDetail {
    few: HashSet<u64>,
    /// For many values: each register's longest run of zeros among hashes (Flajolet's `HyperLogLog`).
    registers: Vec<u8>,
    examples: Vec<String>,
}

impl ColumnShape {
    /// Starts a column of text cells, or of JSON values.
    pub(super) fn new(is_text: bool, is_detailed: bool) -> Self {
        Self {
            is_text,
            values: 0,
            nulls: 0,
            booleans: 0,
            numbers: (0, Guess::new(CandidateTypes::NUMBERS)),
            texts: (0, Guess::new(if is_text { CandidateTypes::ALL } else { CandidateTypes::TIMES })),
            items: None,
            fields: None,
            opaque: false,
            detail: is_detailed.then(Box::default),
        }
    }

    /// Adds a NULL.
    pub(super) fn see_null(&mut self) {
        self.nulls += 1;
    }

    /// Adds a cell.
    pub(super) fn see_text(&mut self, text: &str) {
        self.values += 1;
        self.texts.0 += 1;
        self.texts.1.see(text);
        if let Some(detail) = &mut self.detail {
            detail.see(text);
        }
    }

    /// Adds a text that `rows` rows have.
    pub(super) fn see_texts(&mut self, text: &str, rows: u64) {
        if rows > 0 {
            self.see_text(text);
            self.values += rows - 1;
            self.texts.0 += rows - 1;
        }
    }

    /// Adds the JSON value at the cursor, which is inside `level` arrays and objects.
    pub(super) fn see_json(&mut self, cursor: &mut Cursor<'_>, level: usize) -> Result<(), JsonStop> {
        cursor.space();
        let start = cursor.at;
        match cursor.scalar()? {
            Some(Scalar::Null) => {
                self.nulls += 1;
                return Ok(());
            }
            Some(Scalar::Bool(_)) => self.booleans += 1,
            // Rows with such a value are rejected, whatever the column's type.
            Some(Scalar::Word(_)) => return Ok(()),
            Some(Scalar::Number(text)) => {
                self.numbers.0 += 1;
                self.numbers.1.see(text);
            }
            Some(Scalar::String(inside, escaped)) => {
                self.texts.0 += 1;
                self.texts.1.see(if escaped { "" } else { inside });
            }
            None if level == LEVELS || self.opaque => {
                cursor.skip()?;
                self.opaque = true;
            }
            None if cursor.byte() == Some(b'[') => self.see_array(cursor, level)?,
            None => self.see_object(cursor, level)?,
        }
        self.values += 1;
        if let Some(detail) = &mut self.detail {
            let raw = &cursor.text[start..cursor.at];
            detail.see(raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw));
        }
        Ok(())
    }

    fn see_array(&mut self, cursor: &mut Cursor<'_>, level: usize) -> Result<(), JsonStop> {
        let items = self.items.get_or_insert_with(|| Box::new(Self::new(false, false)));
        cursor.at += 1;
        let mut first = true;
        while cursor.element(first, b']')? {
            first = false;
            items.see_json(cursor, level + 1)?;
        }
        Ok(())
    }

    fn see_object(&mut self, cursor: &mut Cursor<'_>, level: usize) -> Result<(), JsonStop> {
        let fields = self.fields.get_or_insert_default();
        cursor.at += 1;
        let (mut first, mut next) = (true, 0);
        while cursor.element(first, b'}')? {
            first = false;
            let (inside, escaped) = cursor.key()?;
            let name = if escaped { unescape(inside).map(Cow::Owned) } else { Some(Cow::Borrowed(inside)) };
            let Some(name) = name.filter(|_| fields.len() <= FIELDS) else {
                cursor.skip()?;
                continue;
            };
            let at = place(fields, &name, next, || Self::new(false, false));
            next = at + 1;
            fields[at].1.see_json(cursor, level + 1)?;
        }
        Ok(())
    }

    /// Adds the values of another summary.
    pub(super) fn merge(&mut self, other: Self) {
        self.values += other.values;
        self.nulls += other.nulls;
        self.booleans += other.booleans;
        self.numbers.0 += other.numbers.0;
        self.numbers.1.merge(&other.numbers.1);
        self.texts.0 += other.texts.0;
        self.texts.1.merge(&other.texts.1);
        self.opaque |= other.opaque;
        match (&mut self.items, other.items) {
            (Some(items), Some(more)) => items.merge(*more),
            (items, Some(more)) => *items = Some(more),
            (_, None) => {}
        }
        match (&mut self.fields, other.fields) {
            (Some(fields), Some(more)) => {
                for (name, shape) in more {
                    let at = place(fields, &name, 0, || Self::new(false, false));
                    fields[at].1.merge(shape);
                }
            }
            (fields, Some(more)) => *fields = Some(more),
            (_, None) => {}
        }
        match (&mut self.detail, other.detail) {
            (Some(detail), Some(more)) => detail.merge(*more),
            (detail, more) => *detail = more,
        }
    }

    /// Returns the type that holds every value. Without values it is text.
    pub(super) fn data_type(&self) -> DataType {
        let kinds = [
            self.booleans > 0,
            self.numbers.0 > 0,
            self.texts.0 > 0,
            self.items.is_some(),
            self.fields.is_some(),
        ];
        let nested = self.opaque || self.items.is_some() || self.fields.is_some();
        match kinds {
            _ if self.is_text => self.texts.1.data_type(),
            _ if self.opaque => JSON,
            [true, false, false, false, false] => DataType::Boolean,
            [false, true, false, false, false] => self.numbers.1.data_type(),
            [false, false, true, false, false] => self.texts.1.data_type(),
            [false, false, false, true, false] => self.list(),
            [false, false, false, false, true] => self.object(),
            _ if nested => JSON,
            _ => DataType::Utf8View,
        }
    }

    fn list(&self) -> DataType {
        match &self.items {
            Some(items) if items.values > 0 => DataType::new_list(items.data_type(), true),
            // The item type of empty arrays is unknown.
            _ => JSON,
        }
    }

    fn object(&self) -> DataType {
        match &self.fields {
            Some(fields) if (1..=FIELDS).contains(&fields.len()) => {
                let fields =
                    fields.iter().map(|(name, shape)| Arc::new(Field::new(name, shape.data_type(), true)));
                DataType::Struct(fields.collect())
            }
            _ => JSON,
        }
    }

    /// Returns the approximate number of distinct values.
    pub(super) fn distinct(&self) -> u64 {
        self.detail.as_ref().map_or(0, |detail| detail.distinct())
    }

    /// Returns a few example values.
    pub(super) fn examples(self) -> Vec<String> {
        self.detail.map(|detail| detail.examples).unwrap_or_default()
    }
}

/// Returns the index of a column by name, and adds the column if it is new. Tries `next` first. Names are
/// compared with SQL's rules.
pub(super) fn place(
    columns: &mut Vec<(String, ColumnShape)>,
    name: &str,
    next: usize,
    make: impl Fn() -> ColumnShape,
) -> usize {
    if columns.get(next).is_some_and(|(known, _)| known == name) {
        return next;
    }
    let found = columns.iter().position(|(known, _)| names::same(known, name));
    found.unwrap_or_else(|| {
        columns.push((name.to_owned(), make()));
        columns.len() - 1
    })
}

impl ShapeDetail {
    /// The number of distinct values up to which they are counted exactly.
    const FEW: usize = 1024;
    /// The number of registers, as a power of two.
    const BITS: u32 = 12;

    fn see(&mut self, text: &str) {
        let hash = xxh3_64(text.as_bytes());
        if self.registers.is_empty() {
            if self.few.insert(hash) && self.examples.len() < EXAMPLES {
                self.examples.push(excerpt(text.as_bytes(), EXAMPLE));
            }
            self.spill();
        } else {
            self.register(hash);
        }
    }

    fn spill(&mut self) {
        if self.few.len() > Self::FEW {
            self.registers = vec![0; 1 << Self::BITS];
            for hash in std::mem::take(&mut self.few) {
                self.register(hash);
            }
        }
    }

    fn register(&mut self, hash: u64) {
        let at = usize::try_from(hash >> (u64::BITS - Self::BITS)).unwrap_or_default();
        let zeros = u8::try_from((hash << Self::BITS | 1 << (Self::BITS - 1)).leading_zeros() + 1);
        if let (Some(register), Ok(zeros)) = (self.registers.get_mut(at), zeros) {
            *register = (*register).max(zeros);
        }
    }

    fn merge(&mut self, other: Self) {
        for example in other.examples {
            if self.examples.len() < EXAMPLES && !self.examples.contains(&example) {
                self.examples.push(example);
            }
        }
        if self.registers.is_empty() {
            self.registers = other.registers;
            if !self.registers.is_empty() {
                for hash in std::mem::take(&mut self.few) {
                    self.register(hash);
                }
            }
        } else {
            for (register, more) in self.registers.iter_mut().zip(other.registers) {
                *register = (*register).max(more);
            }
        }
        for hash in other.few {
            if self.registers.is_empty() {
                self.few.insert(hash);
            } else {
                self.register(hash);
            }
        }
        self.spill();
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, and never negative"
    )]
    fn distinct(&self) -> u64 {
        if self.registers.is_empty() {
            return self.few.len() as u64;
        }
        let count = self.registers.len() as f64;
        let sum: f64 = self.registers.iter().map(|zeros| 0.5_f64.powi(i32::from(*zeros))).sum();
        let empty = self.registers.iter().map(|zeros| usize::from(*zeros == 0)).sum::<usize>();
        let estimate = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
        // For few values, the count of empty registers is more accurate.
        if estimate <= 2.5 * count && empty > 0 {
            (count * (count / empty as f64).ln()).round() as u64
        } else {
            estimate.round() as u64
        }
    }
}
