//! Arguments of read-only commands. The doc comments are the help.

use std::net::IpAddr;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{RebuildArgs, SelectArgs};

/// `describe`.
#[derive(Debug, ClapArgs)]
pub struct DescribeArgs {
    /// A model, seed, snapshot or source: stg_readings, files.readings
    #[arg(value_name = "MODEL")]
    pub name: String,
    /// How many of its versions to tell of
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub versions: usize,
    /// How to print it
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub output: DescribeOutput,
}

/// The output format of `describe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DescribeOutput {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

/// `docs`.
#[derive(Debug, Subcommand)]
pub enum DocsCommand {
    /// Write the documentation to target/docs/index.html, a page that needs nothing but itself; beside it
    /// manifest.json, catalog.json and graph_summary.json, which tools for dbt read. Nothing needs to have
    /// been built
    Generate(GenerateArgs),
    /// Serve what `docs generate` wrote
    Serve(ServeArgs),
}

/// `docs generate`.
#[derive(Debug, ClapArgs)]
pub struct GenerateArgs {
    /// Put SQL, versions and files into parts beside the page, which it fetches when somebody looks: for very
    /// large projects
    #[arg(long)]
    pub split: bool,
}

/// `docs serve`.
#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// Which address to listen at; others than this machine's own can be reached from other machines
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub host: IpAddr,
    /// Which port; if it is taken, any that is free
    #[arg(long, default_value_t = 8080, value_name = "PORT")]
    pub port: u16,
    /// Names beside addresses and localhost by which it may be asked, such as this machine's or a proxy's
    #[arg(long, value_name = "NAME")]
    pub allowed_host: Vec<String>,
    /// Open it in a browser
    #[arg(long)]
    pub open: bool,
}

/// `source columns`.
#[derive(Debug, ClapArgs)]
pub struct SourceColumnsArgs {
    /// Files, folders or patterns (data/orders/*.csv), or sources (shop.orders)
    #[arg(value_name = "FILE|SOURCE", required = true)]
    pub names: Vec<String>,
    /// Format of the files, if their extension doesn't say it
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Record them as the columns of a source that declares none, in the place of those of its first load
    #[arg(long, value_parser = clap::builder::BoolishValueParser::new())]
    pub record: bool,
}

/// `source options`.
#[derive(Debug, ClapArgs)]
pub struct SourceOptionsArgs {
    /// Only options of this format: csv, json, ndjson, parquet, avro, sqlite
    #[arg(value_name = "FORMAT")]
    pub format: Option<String>,
}

/// `list`.
#[derive(Debug, ClapArgs)]
pub struct ListArgs {
    /// Which nodes.
    #[command(flatten)]
    pub select: SelectArgs,
    /// What to print of each
    #[arg(long, default_value = "selector", value_name = "FORMAT")]
    pub output: ListOutput,
    /// Only nodes of these kinds
    #[arg(long, num_args = 1.., value_name = "TYPE")]
    pub resource_type: Vec<ResourceType>,
}

/// The output of `list` for each node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListOutput {
    /// What selects it: smart_meters.staging.stg_readings
    Selector,
    /// Its name
    Name,
    /// Its file
    Path,
    /// One JSON object a line
    Json,
}

/// A resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ResourceType {
    /// A model
    Model,
    /// A seed
    Seed,
    /// A snapshot
    Snapshot,
    /// A source
    Source,
    /// A data test
    Test,
    /// A unit test
    UnitTest,
    /// An exposure
    Exposure,
}

impl ResourceType {
    pub(in crate::cli) fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Seed => "seed",
            Self::Snapshot => "snapshot",
            Self::Source => "source",
            Self::Test => "test",
            Self::UnitTest => "unit_test",
            Self::Exposure => "exposure",
        }
    }
}

/// `show`.
#[derive(Debug, ClapArgs)]
pub struct ShowArgs {
    /// The model or snapshot to show: its SQL is run over the tables as they are; or the seed: its file is
    /// read
    #[arg(
        long,
        short = 's',
        value_name = "MODEL",
        required_unless_present = "inline",
        conflicts_with = "inline"
    )]
    pub select: Option<String>,
    /// Show the rows of the model's last version that failed its tests, kept by `build --keep-staged`
    #[arg(long, requires = "select", value_parser = clap::builder::BoolishValueParser::new())]
    pub staged: bool,
    /// A query to run; it may use ref() and source(), or tables by name: "select * from raw.raw_readings"
    #[arg(long, value_name = "SQL")]
    pub inline: Option<String>,
    /// How many rows; -1 for all
    #[arg(long, default_value_t = 5, allow_negative_numbers = true, value_name = "N")]
    pub limit: i64,
    /// How to print them
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    pub output: ShowOutput,
}

/// The output format of `show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowOutput {
    /// An aligned table
    Table,
    /// One JSON object a row
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// `plan`.
#[derive(Debug, ClapArgs)]
pub struct PlanArgs {
    /// Which nodes.
    #[command(flatten)]
    pub select: SelectArgs,
    /// What would be built of them.
    #[command(flatten)]
    pub rebuild: RebuildArgs,
    /// How to print it
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub output: PlanOutput,
}

/// The output format of `plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

/// `lineage`.
#[derive(Debug, ClapArgs)]
pub struct LineageArgs {
    /// A model, seed, snapshot or source, or a column of one: stg_readings, stg_readings.meterpoint_id,
    /// files.readings
    #[arg(value_name = "MODEL[.COLUMN]")]
    pub subject: String,
    /// Only what it is made of; of a model, all the way up
    #[arg(long)]
    pub upstream: bool,
    /// Only what is made of it; of a model, all the way down
    #[arg(long, conflicts_with = "upstream")]
    pub downstream: bool,
    /// Every column and test that a change of it would touch
    #[arg(long, conflicts_with_all = ["upstream", "downstream"])]
    pub impact: bool,
    /// How to print it
    #[arg(long, default_value = "tree", value_name = "FORMAT")]
    pub format: LineageOutput,
}

/// The output format of `lineage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LineageOutput {
    /// Trees and tables for people
    Tree,
    /// One JSON document
    Json,
    /// A Mermaid flowchart
    Mermaid,
    /// A Graphviz graph
    Dot,
}
