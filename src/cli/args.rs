//! Arguments that commands share. The doc comments are the help.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

use serde_json::Map;

use super::{
    environment::{self, command_line},
    failure::Failure,
    log_format::{LogFormat, LogLevel},
    template_messages,
};
use crate::{
    diag::yaml,
    interval::Interval,
    project::{Buffers, StaticAnalysis},
    select::Indirect,
    workspace::{self, LoadOptions, NodeSelection, Request},
};

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Folder that contains project.yml
    #[arg(long, global = true, env = "HEADWATER_PROJECT_DIR", default_value = ".", value_name = "DIR")]
    pub(super) project_dir: PathBuf,
    /// Target to use, one of the project's `targets`
    #[arg(long, short = 't', global = true, env = "HEADWATER_TARGET", value_name = "NAME")]
    pub(super) target: Option<String>,
    /// Folder for artifacts, instead of the project's `target-path`
    #[arg(long, global = true, env = "HEADWATER_TARGET_PATH", value_name = "DIR")]
    pub(super) target_path: Option<PathBuf>,
    /// Variables for the project, as YAML or JSON: '{as_of_date: 2021-01-02}'
    #[arg(long, global = true, env = "HEADWATER_VARS", value_name = "YAML")]
    pub(super) vars: Option<String>,
    /// Number of models to build at once, and of cores that a model may use
    #[arg(long, global = true, env = "HEADWATER_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// Print only errors and warnings
    #[arg(long, short = 'q', global = true, env = "HEADWATER_QUIET", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) quiet: bool,
    /// Format of the run's log lines
    #[arg(long, global = true, env = "HEADWATER_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(super) log_format: LogFormat,
    /// Level of the engine's own log on stderr
    #[arg(long, global = true, env = "HEADWATER_LOG_LEVEL", default_value = "error", value_name = "LEVEL")]
    pub(super) log_level: LogLevel,
    /// Parse and plan everything, even if nothing changed since the last run
    #[arg(long, global = true)]
    pub(super) no_partial_parse: bool,
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
    pub(super) partial_parse: bool,
    /// Consequence of an error in a node: run nothing (strict), or run all that doesn't read the node
    /// (baseline; off is the same)
    #[arg(long, global = true, env = "HEADWATER_STATIC_ANALYSIS", value_name = "MODE")]
    pub(super) static_analysis: Option<Analysis>,
    /// Disable colors (they are also off in a pipe and with NO_COLOR)
    #[arg(long, global = true, env = "HEADWATER_NO_COLOR", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) no_color: bool,
    /// dbt's name of the command.
    #[arg(skip)]
    pub(super) command: &'static str,
}

impl Global {
    /// Returns the options for loading the project.
    pub(super) fn load_options(&self) -> Result<LoadOptions, Failure> {
        let vars = self.vars.as_deref().map(|text| {
            serde_saphyr::from_str(text).map_err(|error| {
                let message = format!("--vars is not a YAML mapping: {}", yaml::message(&error));
                Failure::hinted(message, "write it as --vars '{as_of_date: 2021-01-02}'")
            })
        });
        Ok(LoadOptions {
            project_dir: self.project_dir.clone(),
            buffers: Buffers::default(),
            target: self.target.clone(),
            target_path: self.target_path.as_ref().map(std::path::absolute).transpose()?,
            vars: vars.transpose()?,
            threads: self.threads,
            static_analysis: self.static_analysis()?,
            env: environment::variables(),
            quiet: self.quiet,
            flags: Map::from_iter([
                ("which".to_owned(), self.command.into()),
                ("invocation_command".to_owned(), command_line().into()),
            ]),
            messages: template_messages::listener(self.log_format, self.quiet),
            #[cfg(feature = "failpoints")]
            fault: environment::fault(),
        })
    }

    /// Returns the folder for artifacts, without resolving the project.
    pub(super) fn artifacts_path(&self) -> Result<PathBuf, Failure> {
        Ok(workspace::target_path(&self.project_dir, self.target_path.as_deref())?)
    }

    /// Returns whether a run may be answered by the record of the last one.
    pub(super) fn wants_partial_parse(&self) -> bool {
        let dbt = environment::variable("DBT_PARTIAL_PARSE").map(|text| text.to_lowercase());
        let is_off = dbt.is_some_and(|text| ["0", "f", "false", "n", "no", "off"].contains(&text.as_str()));
        self.partial_parse && !self.no_partial_parse && !is_off
    }

    /// Returns whether an error in a node stops the run, if this command line or dbt's variables say so.
    fn static_analysis(&self) -> Result<Option<StaticAnalysis>, Failure> {
        const DBTS: [&str; 2] = ["DBT_ENGINE_STATIC_ANALYSIS", "DBT_STATIC_ANALYSIS"];
        if let Some(mode) = self.static_analysis {
            return Ok(Some(mode.into()));
        }
        let set = DBTS.into_iter().find_map(|name| Some((name, environment::variable(name)?)));
        let Some((name, text)) = set.filter(|(_, text)| !text.is_empty()) else { return Ok(None) };
        StaticAnalysis::of(&text).map(Some).ok_or_else(|| {
            let names = StaticAnalysis::NAMES.join(", ");
            Failure::message(format!("the environment variable {name} is one of {names}, not `{text}`"))
        })
    }

    /// Applies `--no-color` to this process's streams.
    pub(super) fn colour(&self) {
        if self.no_color {
            anstream::ColorChoice::Never.write_global();
        }
    }
}

/// The consequence of an error in a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Analysis {
    /// Nothing runs
    #[value(alias = "on")]
    Strict,
    /// The node fails, and what reads it is skipped
    #[value(alias = "unsafe")]
    Baseline,
    /// Same as baseline
    Off,
}

impl From<Analysis> for StaticAnalysis {
    fn from(mode: Analysis) -> Self {
        match mode {
            Analysis::Strict => Self::Strict,
            Analysis::Baseline => Self::Baseline,
            Analysis::Off => Self::Off,
        }
    }
}

/// Node selection.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SelectArgs {
    /// Nodes to include: name, +upstream, downstream+, 2+near+1, @both, tag:x, path:models/staging,
    /// source:files, config.materialized:view. A space means "or", a comma "and"
    #[arg(long, short = 's', env = "HEADWATER_SELECT", num_args = 1.., value_name = "SELECTION")]
    pub(super) select: Vec<String>,
    /// Nodes to exclude, in the same syntax
    #[arg(long, env = "HEADWATER_EXCLUDE", num_args = 1.., value_name = "SELECTION")]
    pub(super) exclude: Vec<String>,
    /// Selector of selectors.yml to use instead of --select and --exclude
    #[arg(long, env = "HEADWATER_SELECTOR", value_name = "NAME")]
    pub(super) selector: Option<String>,
    /// Folder with the artifacts that state:modified, result:error and source_status:fresher compare with,
    /// and that --defer reads from
    #[arg(long, env = "HEADWATER_STATE", value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// Tests to select along with the nodes that they test
    #[arg(long, env = "HEADWATER_INDIRECT_SELECTION", default_value = "eager", value_name = "MODE")]
    pub(super) indirect_selection: IndirectSelection,
}

impl SelectArgs {
    /// Returns the selection.
    pub(super) fn selection(&self) -> NodeSelection {
        NodeSelection {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
            selector: self.selector.clone(),
            state: self.state.as_deref().and_then(|folder| std::path::absolute(folder).ok()),
            indirect: self.indirect_selection.into(),
            ..NodeSelection::default()
        }
    }
}

/// The tests that are selected along with the nodes that they test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum IndirectSelection {
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

impl From<IndirectSelection> for Indirect {
    fn from(mode: IndirectSelection) -> Self {
        match mode {
            IndirectSelection::Eager => Self::Eager,
            IndirectSelection::Cautious => Self::Cautious,
            IndirectSelection::Buildable => Self::Buildable,
            IndirectSelection::Empty => Self::Empty,
        }
    }
}

/// Options that decide which selected nodes are built.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct RebuildArgs {
    /// Build the selected nodes even if they are up to date
    #[arg(long, env = "HEADWATER_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) force: bool,
    /// Rebuild the selected nodes from scratch, up to date or not; snapshots keep their versions
    #[arg(long, short = 'f', env = "HEADWATER_FULL_REFRESH", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) full_refresh: bool,
    /// Build the selected nodes as if what they read had no rows, to check that they can be built
    #[arg(long, env = "HEADWATER_EMPTY", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) empty: bool,
    /// Start of the range of batches to rebuild, done or not (inclusive): 2021-01-01, or 2021-01-01T13:00 in
    /// UTC
    #[arg(long, env = "HEADWATER_EVENT_TIME_START", requires = "event_time_end", value_name = "TIME", value_parser = crate::interval::instant)]
    pub(super) event_time_start: Option<DateTime<Utc>>,
    /// End of the range of batches to rebuild (exclusive)
    #[arg(long, env = "HEADWATER_EVENT_TIME_END", requires = "event_time_start", value_name = "TIME", value_parser = crate::interval::instant)]
    pub(super) event_time_end: Option<DateTime<Utc>>,
}

impl RebuildArgs {
    /// Adds the options to a request.
    pub(super) fn apply(self, request: Request) -> Result<Request, Failure> {
        let time = self.event_time_start.zip(self.event_time_end);
        let event_time = time.map(|(start, end)| Interval { start, end });
        if event_time.is_some_and(|time| time.start >= time.end) {
            let message = "--event-time-start must be before --event-time-end, which is exclusive";
            return Err(Failure::hinted(
                message,
                "one day: --event-time-start 2021-01-02 --event-time-end 2021-01-03",
            ));
        }
        Ok(Request { event_time, empty: self.empty, ..request.rebuilding(self.full_refresh, self.force) })
    }
}
