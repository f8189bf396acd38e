//! Generates the data set: files of half-hourly readings and a database.
//!
//! Deliberately self-contained, so that tests can include it by `#[path]`: it uses std, chrono and rusqlite,
//! and nothing from Headwater, whose results are checked against this data. Every random choice comes from
//! [`random::Random`], seeded by the options and the meter point and computed with integers only, so the same
//! options give the same bytes everywhere. Start at [`generate`]; [`dirt::Dirt`] documents every kind of
//! dirt.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use chrono::{Days, NaiveDate};

use clock::Clock;
use dirt::Dirt;
use document::{Column, Document, clean_rows, write_cell};
use random::Random;

// The paths are explicit because this file is also included from elsewhere.
#[path = "clock.rs"]
mod clock;
#[path = "database.rs"]
mod database;
#[path = "dirt.rs"]
mod dirt;
#[path = "document.rs"]
mod document;
#[path = "random.rs"]
mod random;

/// The shape of the data set.
pub(crate) struct Options {
    /// The number of meter points. Ignored with `one_file_bytes`, which uses as many as fill the file.
    pub(crate) meters: usize,
    /// The number of days, with 48 readings each.
    pub(crate) days: usize,
    /// The first day.
    pub(crate) start: NaiveDate,
    /// The seed, which selects one of all data sets of this shape.
    pub(crate) seed: u64,
    /// The share of dirty meter points, from 0 to 1. Above 0, each kind of dirt occurs at least once if there
    /// are enough meter points.
    pub(crate) dirt: f64,
    /// The number of days per file, instead of one file per meter point.
    pub(crate) days_per_file: Option<usize>,
    /// The approximate size of a single clean file, instead of one file per meter point.
    pub(crate) one_file_bytes: Option<u64>,
}

/// Counts of the generated data.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// The number of meter points.
    pub(crate) meters: usize,
    /// The number of files of readings.
    pub(crate) files: usize,
    /// The number of rows in complete files, including bad rows.
    pub(crate) rows: usize,
    /// The total size of the files of readings.
    pub(crate) bytes: u64,
    /// The number of rows in complete files that don't fit the declared types or columns.
    pub(crate) bad_rows: usize,
    /// The number of files that are cut off.
    pub(crate) bad_files: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { meters, files, rows, bytes, bad_rows, bad_files } = self;
        write!(f, "{meters} meter points, {files} files, {rows} rows, {bytes} bytes; ")?;
        write!(f, "bad on purpose: {bad_rows} rows, {bad_files} files")
    }
}

/// Fills `dir/readings/` and `dir/case_study.db`, which must not contain anything yet.
pub(crate) fn generate(dir: &Path, options: &Options) -> io::Result<Summary> {
    let readings = dir.join("readings");
    let database_file = dir.join("case_study.db");
    fs::create_dir_all(&readings)?;
    if fs::read_dir(&readings)?.next().is_some() || database_file.exists() {
        let message = format!("{} already holds readings or a database", dir.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    let clock = Clock::new(options);
    let dirty = match options.one_file_bytes {
        Some(_) => BTreeMap::new(),
        None => dirt::scatter(options),
    };
    let summary = match options.one_file_bytes {
        Some(bytes) => write_one_file(&readings.join("all.json"), bytes, &clock, options.seed)?,
        None => write_files(&readings, &clock, &dirty, options)?,
    };
    database::write_database(&database_file, summary.meters, &dirty, options).map_err(io::Error::other)?;
    Ok(summary)
}

fn meterpoint_id(meter: usize) -> String {
    (1_200_000_000_000 + meter as u64).to_string()
}

fn write_files(
    readings: &Path,
    clock: &Clock,
    dirty: &BTreeMap<usize, BTreeSet<Dirt>>,
    options: &Options,
) -> io::Result<Summary> {
    let mut summary = Summary { meters: options.meters, ..Summary::default() };
    let mut put = |name: String, document: &Document, text: &[u8], whole: bool| {
        summary.files += 1;
        summary.bytes += text.len() as u64;
        if whole {
            summary.rows += document.rows.len();
            summary.bad_rows += document.rows.iter().filter(|row| row.is_bad()).count();
        } else {
            summary.bad_files += 1;
        }
        fs::write(readings.join(name), text)
    };
    let nothing = BTreeSet::new();
    for meter in 0..options.meters {
        let random = &mut Random::of(options.seed, meter as u64);
        let (id, dirt) = (meterpoint_id(meter), dirty.get(&meter).unwrap_or(&nothing));
        let mut document = Document::clean(random, clock.slots());
        for kind in dirt {
            document.soil(*kind, random);
        }
        if let Some(days) = options.days_per_file {
            for (first, piece) in document.pieces(days) {
                let day = options.start + Days::new(first as u64);
                put(format!("{id}_{day}.json"), &piece, &piece.write(clock, &id), true)?;
            }
            continue;
        }
        let mut text = document.write(clock, &id);
        let whole = text.len();
        if dirt.contains(&Dirt::Truncated) {
            text.truncate(whole * 3 / 5);
        }
        if dirt.contains(&Dirt::Empty) {
            text.clear();
        }
        put(format!("{id}.json"), &document, &text, text.len() == whole)?;
        if dirt.contains(&Dirt::LateFile) {
            let late = document.late(random, clock.slots());
            put(format!("{id}_late.json"), &late, &late.write(clock, &id), true)?;
        }
    }
    Ok(summary)
}

/// Writes one file with as many meter points as fill it, without holding it in memory.
fn write_one_file(path: &Path, wanted: u64, clock: &Clock, seed: u64) -> io::Result<Summary> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut summary = Summary { files: 1, ..Summary::default() };
    let mut text =
        String::from(r#"{"columns":["interval_start","consumption_delta","meterpoint_id"],"data":["#);
    while summary.bytes < wanted {
        let id = meterpoint_id(summary.meters);
        for row in clean_rows(&mut Random::of(seed, summary.meters as u64), clock.slots()) {
            text.push_str(if summary.rows == 0 { "[" } else { ",[" });
            for (column, end) in [(Column::Start, ','), (Column::Consumption, ','), (Column::Meterpoint, ']')]
            {
                write_cell(&mut text, column, &row, clock, &id);
                text.push(end);
            }
            summary.rows += 1;
        }
        summary.meters += 1;
        summary.bytes += text.len() as u64;
        file.write_all(text.as_bytes())?;
        text.clear();
    }
    file.write_all(b"]}")?;
    summary.bytes += 2;
    file.flush()?;
    Ok(summary)
}
