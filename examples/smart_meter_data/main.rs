//! Generates smart-meter data of any size: half-hourly readings as JSON files, agreements and products in
//! `SQLite`.
//!
//! Example: `cargo run --release --example smart_meter_data -- --out DIR --meters 1000 --days 3 --dirt 0.05`.
//! The same options give the same bytes. See `generate` for the contents of the files and every kind of dirt.

use std::io::{self, Write};
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Parser;

mod generate;

/// Generate half-hourly meter readings (JSON) and the agreements they are billed under (a database file).
#[derive(Parser)]
struct Args {
    /// Directory to fill; its `readings/` and `case_study.db` must not exist yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of meter points, one file each
    #[arg(long, default_value_t = 60)]
    meters: usize,
    /// Number of days, 48 readings each
    #[arg(long, default_value_t = 3)]
    days: usize,
    /// First day
    #[arg(long, default_value = "2021-01-01", value_name = "DATE")]
    start: NaiveDate,
    /// Seed; the same seed gives the same data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Share of dirty meter points, 0 to 1; above 0, each kind of dirt occurs at least once
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    dirt: f64,
    /// Write files of this many days instead of one per meter point; none is late or cut off then
    #[arg(long, value_name = "DAYS")]
    days_per_file: Option<usize>,
    /// Write one clean file of about this size instead of one per meter point: bytes, or `500MB`, `2GB`
    #[arg(long, value_name = "SIZE", value_parser = size)]
    one_file: Option<u64>,
}

/// Parses `500MB` and the like; units are powers of ten.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let scale = match text[digits.len()..].trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        unit => return Err(format!("unknown unit `{unit}`: use B, KB, MB or GB")),
    };
    let count: u64 = digits.parse().map_err(|_| format!("`{text}` is not a size such as 500MB"))?;
    count.checked_mul(scale).ok_or_else(|| format!("`{text}` is too large"))
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let options = generate::Options {
        meters: args.meters,
        days: args.days,
        start: args.start,
        seed: args.seed,
        dirt: args.dirt,
        days_per_file: args.days_per_file,
        one_file_bytes: args.one_file,
    };
    let summary = generate::generate(&args.out, &options)?;
    writeln!(io::stdout(), "{summary}")
}
