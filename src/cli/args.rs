//! Command-line arguments. The doc comments are the help.

#![expect(clippy::doc_markdown, reason = "the doc comments are read in a terminal")]

mod questions;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub use self::questions::{
    DescribeArgs, DescribeOutput, DocsCommand, GenerateArgs, LineageArgs, LineageOutput, ListArgs,
    ListOutput, PlanArgs, PlanOutput, ResourceType, ServeArgs, ShowArgs, ShowOutput, SourceColumnsArgs,
    SourceOptionsArgs,
};
use crate::interval::Interval;

/// dbt's way of working on open Delta tables, in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "headwater",
    version,
    about,
    arg_required_else_help = true,
    after_help = "Examples:
  headwater build                      build everything in order, and test it before publishing
  headwater build -s stg_readings+     build a model and everything downstream of it
  headwater plan -s tag:daily          show what would run, and why
  headwater test -s stg_readings       test a model's published table
  headwater show -s stg_readings       show the first rows of a model

Every option can also be set by an environment variable: HEADWATER_TARGET=prod is --target prod."
)]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, ClapArgs)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Folder that contains project.yml
    #[arg(long, global = true, env = "HEADWATER_PROJECT_DIR", default_value = ".", value_name = "DIR")]
    pub project_dir: PathBuf,
    /// Target to use, one of the project's `targets`
    #[arg(long, short = 't', global = true, env = "HEADWATER_TARGET", value_name = "NAME")]
    pub target: Option<String>,
    /// Folder for artifacts, instead of the project's `target-path`
    #[arg(long, global = true, env = "HEADWATER_TARGET_PATH", value_name = "DIR")]
    pub target_path: Option<PathBuf>,
    /// Variables for the project, as YAML or JSON: '{as_of_date: 2021-01-02}'
    #[arg(long, global = true, env = "HEADWATER_VARS", value_name = "YAML")]
    pub vars: Option<String>,
    /// Number of models to build at once, and of cores that a model may use
    #[arg(long, global = true, env = "HEADWATER_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print only errors and warnings
    #[arg(long, short = 'q', global = true, env = "HEADWATER_QUIET", value_parser = clap::builder::BoolishValueParser::new())]
    pub quiet: bool,
    /// Format of the run's log lines
    #[arg(long, global = true, env = "HEADWATER_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Level of the engine's own log on stderr
    #[arg(long, global = true, env = "HEADWATER_LOG_LEVEL", default_value = "error", value_name = "LEVEL")]
    pub log_level: LogLevel,
    /// Parse and plan everything, even if nothing changed since the last run
    #[arg(long, global = true)]
    pub no_partial_parse: bool,
    /// dbt's flag for the default, and what the environment says
    #[arg(
        long,
        global = true,
        hide = true,
        env = "HEADWATER_PARTIAL_PARSE",
        num_args = 0..=1,
        require_equals = true,
        default_value = "true",
        default_missing_value = "true",
        action = clap::ArgAction::Set,
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub partial_parse: bool,
    /// Disable colors (they are also off in a pipe and with NO_COLOR)
    #[arg(long, global = true, env = "HEADWATER_NO_COLOR", value_parser = clap::builder::BoolishValueParser::new())]
    pub no_color: bool,
}

impl Global {
    /// Returns whether a run may be answered by the record of the last one.
    pub(super) fn wants_partial_parse(&self) -> bool {
        let dbt = std::env::var("DBT_PARTIAL_PARSE").map(|text| text.to_lowercase());
        let is_off = dbt.is_ok_and(|text| ["0", "f", "false", "n", "no", "off"].contains(&text.as_str()));
        self.partial_parse && !self.no_partial_parse && !is_off
    }

    /// Applies `--no-color` to this process's streams.
    pub(super) fn colour(&self) {
        if self.no_color {
            anstream::ColorChoice::Never.write_global();
        }
    }
}

/// The format of a run's log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line, in dbt's structure
    Json,
}

/// The engine's log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Errors
    Error,
    /// Errors and warnings
    Warn,
    /// Also the engine's main steps
    Info,
    /// Also their details
    Debug,
    /// Everything
    Trace,
}

impl LogLevel {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build, test and publish models, seeds and snapshots in dependency order
    ///
    /// Each table is published by one commit, and only if its tests pass.
    Build(BuildArgs),
    /// Build the selected models without testing them
    Run(RunArgs),
    /// Load the selected seeds (the project's CSV files) into their tables
    Seed(SeedArgs),
    /// Take the selected snapshots, which keep every version of a row
    Snapshot(SnapshotArgs),
    /// Test the selected nodes' published tables and run unit tests, without building anything
    Test(TestArgs),
    /// Rerun the nodes that failed or were skipped in the last command
    Retry,
    /// Inspect sources: freshness, columns, options, and rejected rows
    #[command(subcommand)]
    Source(SourceCommand),
    /// Type-check the selected models and write their SQL, without running it
    Compile(SelectArgs),
    /// List the project's nodes
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show the first rows of a model, or of any query
    Show(ShowArgs),
    /// Show what `build` would do, and why, without doing it
    Plan(PlanArgs),
    /// Describe a model: its columns, tests and results, and why each version was built
    Describe(DescribeArgs),
    /// Generate or serve the project's documentation
    #[command(subcommand)]
    Docs(DocsCommand),
    /// Show a column's upstream and downstream columns, or the impact of changing it
    Lineage(LineageArgs),
    /// Remove the artifacts that Headwater wrote to the target path
    Clean(CleanArgs),
    /// Check the installation, the project and the lake
    Debug,
    /// Create a small project that builds at once
    Init(InitArgs),
}

/// Node selection.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct SelectArgs {
    /// Nodes to include: name, +upstream, downstream+, 2+near+1, @both, tag:x, path:models/staging,
    /// source:files, config.materialized:view. A space means "or", a comma "and"
    #[arg(long, short = 's', env = "HEADWATER_SELECT", num_args = 1.., value_name = "SELECTION")]
    pub select: Vec<String>,
    /// Nodes to exclude, in the same syntax
    #[arg(long, env = "HEADWATER_EXCLUDE", num_args = 1.., value_name = "SELECTION")]
    pub exclude: Vec<String>,
    /// Tests to select along with the nodes that they test
    #[arg(long, env = "HEADWATER_INDIRECT_SELECTION", default_value = "eager", value_name = "MODE")]
    pub indirect_selection: IndirectSelection,
}

/// The tests that are selected along with the nodes that they test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum IndirectSelection {
    /// Tests with any selected parent
    #[default]
    Eager,
    /// Tests with only selected parents
    Cautious,
    /// Tests whose parents are all selected or upstream of a selected node
    Buildable,
    /// Only tests that are selected themselves
    Empty,
}

impl IndirectSelection {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Eager => "eager",
            Self::Cautious => "cautious",
            Self::Buildable => "buildable",
            Self::Empty => "empty",
        }
    }
}

impl From<IndirectSelection> for crate::select::Indirect {
    fn from(mode: IndirectSelection) -> Self {
        match mode {
            IndirectSelection::Eager => Self::Eager,
            IndirectSelection::Cautious => Self::Cautious,
            IndirectSelection::Buildable => Self::Buildable,
            IndirectSelection::Empty => Self::Empty,
        }
    }
}

/// `run`.
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// Node selection.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Stop starting new steps after the first failure
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub fail_fast: bool,
    /// Which of them to build.
    #[command(flatten)]
    pub rebuild: RebuildArgs,
}

/// Options that decide which selected nodes are built.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct RebuildArgs {
    /// Build the selected nodes even if they are up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub force: bool,
    /// Rebuild the selected nodes from scratch, up to date or not; snapshots keep their versions
    #[arg(long, short = 'f', env = "HEADWATER_FULL_REFRESH", value_parser = clap::builder::BoolishValueParser::new())]
    pub full_refresh: bool,
    /// Start of the range of batches to rebuild, done or not (inclusive): 2021-01-01, or 2021-01-01T13:00 in
    /// UTC
    #[arg(long, env = "HEADWATER_EVENT_TIME_START", requires = "event_time_end", value_name = "TIME", value_parser = crate::interval::instant)]
    pub event_time_start: Option<DateTime<Utc>>,
    /// End of the range of batches to rebuild (exclusive)
    #[arg(long, env = "HEADWATER_EVENT_TIME_END", requires = "event_time_start", value_name = "TIME", value_parser = crate::interval::instant)]
    pub event_time_end: Option<DateTime<Utc>>,
}

impl RebuildArgs {
    /// Returns the requested time range of batches.
    pub(super) fn event_time(&self) -> Option<Interval> {
        Some(Interval { start: self.event_time_start?, end: self.event_time_end? })
    }
}

/// `seed`.
#[derive(Debug, ClapArgs)]
pub struct SeedArgs {
    /// Node selection.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Stop starting new steps after the first failure
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub fail_fast: bool,
    /// Load the selected seeds even if they are up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub force: bool,
    /// Same as --force, and rebuild damaged tables
    #[arg(long, short = 'f', env = "HEADWATER_FULL_REFRESH", value_parser = clap::builder::BoolishValueParser::new())]
    pub full_refresh: bool,
}

/// `snapshot`.
#[derive(Debug, ClapArgs)]
pub struct SnapshotArgs {
    /// Node selection.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Stop starting new steps after the first failure
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub fail_fast: bool,
    /// Take the selected snapshots even if they are up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub force: bool,
}

/// `test`.
#[derive(Debug, ClapArgs)]
pub struct TestArgs {
    /// Options of `run`.
    #[command(flatten)]
    pub run: RunArgs,
    /// Store the rows that tests find in tables in <schema>_audit
    #[arg(long, env = "HEADWATER_STORE_FAILURES", value_parser = clap::builder::BoolishValueParser::new())]
    pub store_failures: bool,
}

/// `build`.
#[derive(Debug, ClapArgs)]
pub struct BuildArgs {
    /// Options of `test`.
    #[command(flatten)]
    pub test: TestArgs,
    /// Keep versions that fail their tests in <schema>_staged, where `show --staged` reads them
    #[arg(long, env = "HEADWATER_KEEP_STAGED", value_parser = clap::builder::BoolishValueParser::new())]
    pub keep_staged: bool,
    /// Build only from sources that meet their `freshness`
    #[arg(long, env = "HEADWATER_FRESH_SOURCES", value_parser = clap::builder::BoolishValueParser::new())]
    pub fresh_sources: bool,
}

/// `source`.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Check when the selected sources were last loaded, and write sources.json
    Freshness(SelectArgs),
    /// Infer the columns of files or sources, and print them as YAML for sources.yml
    Columns(SourceColumnsArgs),
    /// List the options of each source format, with their values and defaults
    Options(SourceOptionsArgs),
    /// Accept the rows and files that a source has rejected, so that runs stop warning about them
    Accept(AcceptArgs),
}

/// `source accept`.
#[derive(Debug, ClapArgs)]
pub struct AcceptArgs {
    /// Source, as SOURCE.TABLE
    #[arg(value_name = "SOURCE.TABLE")]
    pub source: String,
    /// Name to record with the acceptance
    #[arg(long, env = "USER", hide_env = true, value_name = "NAME")]
    pub by: Option<String>,
}

/// `clean`.
#[derive(Debug, ClapArgs)]
pub struct CleanArgs {
    /// List what would be removed without removing it
    #[arg(long)]
    pub dry_run: bool,
}

/// `init`.
#[derive(Debug, ClapArgs)]
pub struct InitArgs {
    /// Name of the project and of its new folder
    pub name: String,
}
