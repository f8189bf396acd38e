//! What can be asked on the command line. The doc comments are the help.

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
  headwater build                       everything, in order, tested before it is published
  headwater build -s stg_readings+      a model and all that depends on it
  headwater plan -s tag:daily           what would run, and why
  headwater test -s stg_readings        the tests of a model, on the table as it is
  headwater show -s stg_readings        the first rows of a model

Every option can be set by an environment variable too: HEADWATER_TARGET=prod is --target prod."
)]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The folder that holds project.yml
    #[arg(long, global = true, env = "HEADWATER_PROJECT_DIR", default_value = ".", value_name = "DIR")]
    pub project_dir: PathBuf,
    /// Which of the project's targets to use
    #[arg(long, short = 't', global = true, env = "HEADWATER_TARGET", value_name = "NAME")]
    pub target: Option<String>,
    /// Where artifacts go, instead of the project's `target-path`
    #[arg(long, global = true, env = "HEADWATER_TARGET_PATH", value_name = "DIR")]
    pub target_path: Option<PathBuf>,
    /// Variables for the project, as YAML or JSON: '{as_of_date: 2021-01-02}'
    #[arg(long, global = true, env = "HEADWATER_VARS", value_name = "YAML")]
    pub vars: Option<String>,
    /// How many models run side by side, and how many cores one of them may use
    #[arg(long, global = true, env = "HEADWATER_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Say only what went wrong
    #[arg(long, short = 'q', global = true, env = "HEADWATER_QUIET", value_parser = clap::builder::BoolishValueParser::new())]
    pub quiet: bool,
    /// How the run's lines are written
    #[arg(long, global = true, env = "HEADWATER_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// How much of the engine's own log to show on stderr
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
    /// No colours (they are also off in a pipe and with NO_COLOR)
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

/// How the run's lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line, in dbt's structure
    Json,
}

/// How much of the log to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Only what went wrong
    Error,
    /// And what looks wrong
    Warn,
    /// And what is done
    Info,
    /// And how
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

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load the selected seeds, build the selected models and take the selected snapshots in order, and test
    /// them; each becomes visible by one commit, if its tests pass
    Build(BuildArgs),
    /// Build the selected models without testing them
    Run(RunArgs),
    /// Load the selected seeds, CSV files of the project, into their tables
    Seed(SeedArgs),
    /// Take the selected snapshots: keep every version of a row
    Snapshot(SnapshotArgs),
    /// Test the selected nodes as they are published, and run unit tests; builds nothing
    Test(TestArgs),
    /// Run the last build, run, seed, snapshot or test again, for what failed in it or never came to its turn
    Retry,
    /// What is known of sources
    #[command(subcommand)]
    Source(SourceCommand),
    /// Check the selected models and write their SQL under the target path, without running it
    Compile(SelectArgs),
    /// List the project's nodes
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show the first rows of a model, or of any query
    Show(ShowArgs),
    /// Show what `build` would do, and why, without doing it
    Plan(PlanArgs),
    /// Tell of a model: what it is, its columns, its tests and how they ended, and its last versions with why
    /// each was made
    Describe(DescribeArgs),
    /// What the project and its tables are, for people and other tools
    #[command(subcommand)]
    Docs(DocsCommand),
    /// Show which columns a column is made of and which are made of it, or what a change of it would touch
    Lineage(LineageArgs),
    /// Remove the artifacts that Headwater wrote to the target path, and nothing else
    Clean(CleanArgs),
    /// Check the installation, the project and the lake
    Debug,
    /// Make a small project that builds at once
    Init(InitArgs),
}

/// Which nodes.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct SelectArgs {
    /// Nodes to take: names, +upstream, downstream+, 2+near+1, @both, tag:x, path:models/staging,
    /// source:files, config.materialized:view; a space is "or", a comma "and"
    #[arg(long, short = 's', env = "HEADWATER_SELECT", num_args = 1.., value_name = "SELECTION")]
    pub select: Vec<String>,
    /// Nodes to leave out, in the same language
    #[arg(long, env = "HEADWATER_EXCLUDE", num_args = 1.., value_name = "SELECTION")]
    pub exclude: Vec<String>,
    /// Which tests come along with the nodes they test
    #[arg(long, env = "HEADWATER_INDIRECT_SELECTION", default_value = "eager", value_name = "MODE")]
    pub indirect_selection: IndirectSelection,
}

/// Which tests come along with the nodes they test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum IndirectSelection {
    /// Those of which any node is selected
    #[default]
    Eager,
    /// Those of which all nodes are selected
    Cautious,
    /// Those of which all nodes are selected or above what is
    Buildable,
    /// None: only tests that are selected themselves
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
    /// Which nodes.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Start nothing more once a step failed
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub fail_fast: bool,
    /// What is built of them.
    #[command(flatten)]
    pub rebuild: RebuildArgs,
}

/// Which of what is selected is built.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct RebuildArgs {
    /// Build what is selected even if it is up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub force: bool,
    /// Build the selected incremental models from nothing
    #[arg(long, short = 'f', env = "HEADWATER_FULL_REFRESH", value_parser = clap::builder::BoolishValueParser::new())]
    pub full_refresh: bool,
    /// Build the batches from this time on, whether they are done or not: 2021-01-01, or 2021-01-01T13:00; in
    /// UTC
    #[arg(long, env = "HEADWATER_EVENT_TIME_START", requires = "event_time_end", value_name = "TIME", value_parser = crate::interval::instant)]
    pub event_time_start: Option<DateTime<Utc>>,
    /// Up to this time, which is not in it
    #[arg(long, env = "HEADWATER_EVENT_TIME_END", requires = "event_time_start", value_name = "TIME", value_parser = crate::interval::instant)]
    pub event_time_end: Option<DateTime<Utc>>,
}

impl RebuildArgs {
    /// The time whose batches are asked for.
    pub(super) fn event_time(&self) -> Option<Interval> {
        Some(Interval { start: self.event_time_start?, end: self.event_time_end? })
    }
}

/// `seed`.
#[derive(Debug, ClapArgs)]
pub struct SeedArgs {
    /// Which nodes.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Start nothing more once a step failed
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub fail_fast: bool,
    /// Load the selected seeds even if they are up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub force: bool,
    /// The same as --force: a seed that is loaded is always loaded whole
    #[arg(long, short = 'f', env = "HEADWATER_FULL_REFRESH", value_parser = clap::builder::BoolishValueParser::new())]
    pub full_refresh: bool,
}

/// `snapshot`.
#[derive(Debug, ClapArgs)]
pub struct SnapshotArgs {
    /// Which nodes.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Start nothing more once a step failed
    #[arg(long, short = 'x', env = "HEADWATER_FAIL_FAST", value_parser = clap::builder::BoolishValueParser::new())]
    pub fail_fast: bool,
    /// Take the selected snapshots even if they are up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub force: bool,
}

/// `test`.
#[derive(Debug, ClapArgs)]
pub struct TestArgs {
    /// What is run.
    #[command(flatten)]
    pub run: RunArgs,
    /// Keep the rows that tests find as tables, in <schema>_audit
    #[arg(long, env = "HEADWATER_STORE_FAILURES", value_parser = clap::builder::BoolishValueParser::new())]
    pub store_failures: bool,
}

/// `build`.
#[derive(Debug, ClapArgs)]
pub struct BuildArgs {
    /// What is run, and what is kept of failures.
    #[command(flatten)]
    pub test: TestArgs,
    /// Keep the rows of versions that fail their tests, in <schema>_staged; `show --staged` shows them
    #[arg(long, env = "HEADWATER_KEEP_STAGED", value_parser = clap::builder::BoolishValueParser::new())]
    pub keep_staged: bool,
    /// Build from a source only if it is as fresh as its `freshness:` demands
    #[arg(long, env = "HEADWATER_FRESH_SOURCES", value_parser = clap::builder::BoolishValueParser::new())]
    pub fresh_sources: bool,
}

/// `source`.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Ask the selected sources when they were last loaded; writes sources.json
    Freshness(SelectArgs),
    /// Find the columns of files, or of sources, and print them as YAML to paste into sources.yml
    Columns(SourceColumnsArgs),
    /// List the options that sources of each format take, with their values and defaults
    Options(SourceOptionsArgs),
    /// Acknowledge the rows and files that a source has set aside, so that runs stop warning of them
    Accept(AcceptArgs),
}

/// `source accept`.
#[derive(Debug, ClapArgs)]
pub struct AcceptArgs {
    /// The source, as SOURCE.TABLE
    #[arg(value_name = "SOURCE.TABLE")]
    pub source: String,
    /// Who acknowledges it
    #[arg(long, env = "USER", hide_env = true, value_name = "NAME")]
    pub by: Option<String>,
}

/// `clean`.
#[derive(Debug, ClapArgs)]
pub struct CleanArgs {
    /// List what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `init`.
#[derive(Debug, ClapArgs)]
pub struct InitArgs {
    /// The project's name, and the folder to make for it
    pub name: String,
}
