//! A file of readings: its rows, the effects of dirt on them, and their JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::clock::{Clock, Form};
use super::dirt::Dirt;
use super::random::Random;

/// A consumption value, in thousandths of a kWh.
#[derive(Clone, Copy)]
enum Value {
    Number(usize),
    Text(usize),
    Null,
    Misfit,
}

#[derive(Clone, Copy)]
pub(super) struct Row {
    slot: usize,
    form: Form,
    value: Value,
    short: bool,
}

impl Row {
    pub(super) fn is_bad(&self) -> bool {
        self.short || matches!(self.value, Value::Misfit) || matches!(self.form, Form::Nonsense)
    }
}

#[derive(Clone, Copy)]
pub(super) enum Column {
    Start,
    Consumption,
    Meterpoint,
    Quality,
    Note,
}

/// A file of readings before it is written.
pub(super) struct Document {
    columns: Vec<Column>,
    /// Whether to write row labels as pandas does.
    index: bool,
    pub(super) rows: Vec<Row>,
}

impl Document {
    pub(super) fn clean(random: &mut Random, slots: usize) -> Self {
        let columns = vec![Column::Start, Column::Consumption, Column::Meterpoint];
        Self { columns, index: false, rows: clean_rows(random, slots).collect() }
    }

    /// Splits the document into files of `days` days each, with the number of their first day.
    pub(super) fn pieces(&self, days: usize) -> Vec<(usize, Self)> {
        let mut pieces: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
        for row in &self.rows {
            pieces.entry(row.slot / 48 / days * days).or_default().push(*row);
        }
        let piece = |(first, rows)| (first, Self { columns: self.columns.clone(), index: self.index, rows });
        pieces.into_iter().map(piece).collect()
    }

    /// Picks some rows, in ascending order: one in twenty, and at least one.
    fn some(&self, random: &mut Random) -> BTreeSet<usize> {
        let count = self.rows.len();
        (0..count.div_ceil(20)).map(|_| random.below(count)).collect()
    }

    /// Inserts a changed copy of some rows further down.
    fn repeat(&mut self, random: &mut Random, change: impl Fn(&mut Row)) {
        // Go backwards, so that insertions don't move rows that are still to be copied.
        for at in self.some(random).into_iter().rev() {
            let mut copy = self.rows[at];
            change(&mut copy);
            let place = if at % 2 == 0 { at + 1 } else { self.rows.len() };
            self.rows.insert(place, copy);
        }
    }

    pub(super) fn soil(&mut self, dirt: Dirt, random: &mut Random) {
        match dirt {
            Dirt::Repeat => self.repeat(random, |_| {}),
            Dirt::Conflict => self.repeat(random, |row| row.value = corrected(row.value)),
            Dirt::NullRepeat => self.repeat(random, |row| row.value = Value::Null),
            Dirt::Null => self.some(random).into_iter().for_each(|at| self.rows[at].value = Value::Null),
            Dirt::ColumnOrder => self.columns.rotate_left(1 + random.below(2)),
            Dirt::ExtraColumns => {
                self.columns.insert(1, Column::Note);
                self.columns.push(Column::Quality);
                self.index = true;
            }
            Dirt::Zulu => self.rows.iter_mut().for_each(|row| row.form = Form::Zulu),
            Dirt::Offset => self.rows.iter_mut().for_each(|row| row.form = Form::Offset),
            Dirt::Epoch => self.rows.iter_mut().for_each(|row| row.form = Form::Epoch),
            Dirt::MixedClocks => {
                let forms = [Form::Plain, Form::Zulu, Form::Offset, Form::Epoch];
                self.rows.iter_mut().for_each(|row| row.form = forms[random.below(4)]);
            }
            Dirt::NumberAsText => self.rows.iter_mut().for_each(|row| {
                if let Value::Number(thousandths) = row.value {
                    row.value = Value::Text(thousandths);
                }
            }),
            Dirt::Misfit => {
                self.repeat(random, |row| row.value = Value::Misfit);
                for (nth, at) in self.some(random).into_iter().enumerate() {
                    let row = &mut self.rows[at];
                    if nth % 2 == 0 { row.form = Form::Nonsense } else { row.value = Value::Misfit }
                }
            }
            Dirt::ShortRow => self.some(random).into_iter().for_each(|at| self.rows[at].short = true),
            Dirt::NoRows => self.rows.clear(),
            // These affect the written text, other files or the database.
            Dirt::Truncated
            | Dirt::Empty
            | Dirt::LateFile
            | Dirt::NoAgreement
            | Dirt::AgreementEnds
            | Dirt::AgreementFollows => {}
        }
    }

    /// Returns the meter point's last day again, as a late file.
    pub(super) fn late(&self, random: &mut Random, slots: usize) -> Self {
        let mut rows: Vec<Row> = self.rows.iter().filter(|row| row.slot + 48 >= slots).copied().collect();
        for row in &mut rows {
            match random.below(4) {
                0 => row.value = corrected(row.value),
                1 => row.value = Value::Null,
                _ => {}
            }
        }
        Self { columns: self.columns.clone(), index: self.index, rows }
    }

    pub(super) fn write(&self, clock: &Clock, meterpoint: &str) -> Vec<u8> {
        let mut out = String::with_capacity(64 * (self.rows.len() + 2));
        out.push_str("{\"columns\":[");
        for (nth, column) in self.columns.iter().enumerate() {
            out.push_str(if nth == 0 { "\"" } else { ",\"" });
            out.push_str(match column {
                Column::Start => "interval_start",
                Column::Consumption => "consumption_delta",
                Column::Meterpoint => "meterpoint_id",
                Column::Quality => "quality",
                Column::Note => "note",
            });
            out.push('"');
        }
        if self.index {
            let index: Vec<String> = (0..self.rows.len()).map(|at| at.to_string()).collect();
            out.push_str("],\"index\":[");
            out.push_str(&index.join(","));
        }
        out.push_str("],\"data\":[");
        for (nth, row) in self.rows.iter().enumerate() {
            out.push_str(if nth == 0 { "[" } else { ",[" });
            let columns = if row.short { &self.columns[..self.columns.len() - 1] } else { &self.columns[..] };
            for (nth, column) in columns.iter().enumerate() {
                if nth > 0 {
                    out.push(',');
                }
                write_cell(&mut out, *column, row, clock, meterpoint);
            }
            out.push(']');
        }
        out.push_str("]}");
        out.into_bytes()
    }
}

/// Generates a meter point's clean readings with a household's daily profile: low at night, a peak in the
/// morning and a higher one in the evening.
pub(super) fn clean_rows(random: &mut Random, slots: usize) -> impl Iterator<Item = Row> {
    const PERCENT_BY_HOUR: [usize; 24] = [
        35, 30, 28, 27, 28, 35, 60, 95, 100, 80, 70, 75, 85, 75, 70, 75, 95, 140, 180, 170, 150, 120, 80, 50,
    ];
    let level = 60 + random.below(340);
    (0..slots).map(move |slot| {
        let noise = 70 + random.below(61);
        let thousandths = level * PERCENT_BY_HOUR[slot / 2 % 24] * noise / 10_000;
        Row { slot, form: Form::Plain, value: Value::Number(thousandths), short: false }
    })
}

fn corrected(value: Value) -> Value {
    match value {
        Value::Number(thousandths) => Value::Number(thousandths + 1_500),
        Value::Text(thousandths) => Value::Text(thousandths + 1_500),
        Value::Null | Value::Misfit => Value::Number(42),
    }
}

pub(super) fn write_cell(out: &mut String, column: Column, row: &Row, clock: &Clock, meterpoint: &str) {
    // Writing to a string can't fail.
    let _ = match (column, row.value) {
        (Column::Start, _) => out.write_str(clock.write(row.form, row.slot)),
        (Column::Consumption, Value::Number(n)) => write!(out, "{}.{:03}", n / 1_000, n % 1_000),
        (Column::Consumption, Value::Text(n)) => write!(out, "\"{}.{:03}\"", n / 1_000, n % 1_000),
        (Column::Consumption, Value::Null) => out.write_str("null"),
        (Column::Consumption, Value::Misfit) => out.write_str("\"n/a\""),
        (Column::Meterpoint, _) => write!(out, "\"{meterpoint}\""),
        (Column::Quality, _) => out.write_str(["\"measured\"", "true", "7.5e-1", "null"][row.slot % 4]),
        (Column::Note, _) => out.write_str(
            ["null", r#""r\u00e9sum\u00e9 \"]]}\" \\ ✓""#, r#"{"by":["hand",[1,{}]]}"#, "[]"][row.slot % 4],
        ),
    };
}
