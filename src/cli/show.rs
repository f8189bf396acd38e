//! `show`: prints the first rows of a model's or snapshot's SQL, of a seed's file, or of any query, over the
//! published tables.

use std::{
    io::{BufWriter, Write},
    process::ExitCode,
};

use clap::{Args, ValueEnum};

use super::{
    args::Global,
    failure::{self, Failure},
    loading::load,
    streams::stdout,
};
use crate::{
    engine::rows::output::{OutputFormat, print},
    source::RejectCounts,
    workspace::{RowSource, Rows},
};

/// `show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Model or snapshot whose SQL to run over the published tables, or seed whose file to read
    #[arg(
        long,
        short = 's',
        value_name = "MODEL",
        required_unless_present = "inline",
        conflicts_with = "inline"
    )]
    pub(super) select: Option<String>,
    /// Show the model's last version that failed its tests, kept by `build --keep-staged`
    #[arg(long, requires = "select", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) staged: bool,
    /// Query to run, with ref() and source() or table names: "select * from raw.raw_readings"
    #[arg(long, value_name = "SQL")]
    pub(super) inline: Option<String>,
    /// Maximum number of rows, or -1 for all
    #[arg(long, default_value_t = 5, allow_negative_numbers = true, value_name = "N")]
    pub(super) limit: i64,
    /// Output format
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    pub(super) output: ShowOutput,
}

/// The output format of `show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ShowOutput {
    /// An aligned table
    Table,
    /// One JSON object per row
    Json,
    /// Comma-separated values with a header
    Csv,
}

pub(super) async fn run(global: &Global, args: &ShowArgs) -> Result<ExitCode, Failure> {
    let workspace = load(global)?;
    let of = match (&args.select, &args.inline) {
        (Some(select), _) if args.staged => RowSource::Staged(select.clone()),
        (Some(select), _) => RowSource::Node(select.clone()),
        (None, Some(sql)) => RowSource::Sql(sql.clone()),
        (None, None) => {
            return Err(Failure::message("name a model with --select, or give a query with --inline"));
        }
    };
    let Rows { stream, rejects, warnings } = workspace.rows(&of, usize::try_from(args.limit).ok()).await?;
    failure::show(&warnings, global.quiet);
    let format = match args.output {
        ShowOutput::Table => OutputFormat::Table,
        ShowOutput::Json => OutputFormat::Json,
        ShowOutput::Csv => OutputFormat::Csv,
    };
    let mut out = BufWriter::new(stdout());
    print(stream, format, &mut out).await?;
    out.flush()?;
    drop(out);
    if !global.quiet {
        warn_of_rejects(&rejects.counts());
    }
    Ok(ExitCode::SUCCESS)
}

/// Warns about rejects in the files read, and about columns that differ from the declaration.
fn warn_of_rejects(counts: &RejectCounts) {
    for note in &counts.notes {
        failure::warn(note);
    }
    let counted = |count: u64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let parts = [counted(counts.rows, "row", "rows"), counted(counts.files, "file", "files")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if !parts.is_empty() {
        let sample: String = counts.sample.iter().flat_map(|line| ["\n  ", line]).collect();
        failure::warn(&format!("{} of what was read set aside{sample}", parts.join(" and ")));
    }
}
