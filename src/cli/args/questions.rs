//! Arguments of read-only commands. The doc comments are the help.

use std::net::IpAddr;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{RebuildArgs, SelectArgs};
use crate::name::NodeKind;

/// `describe`.
#[derive(Debug, ClapArgs)]
pub struct DescribeArgs {
    /// Model, seed, snapshot or source: stg_readings, files.readings
    #[arg(value_name = "MODEL")]
    pub name: String,
    /// Number of versions to list
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub versions: usize,
    /// Output format
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
    /// Write the documentation to target/docs/index.html, a self-contained page, and manifest.json,
    /// catalog.json and graph_summary.json for tools that read dbt's artifacts. The project needn't be built
    Generate(GenerateArgs),
    /// Serve the generated documentation
    Serve(ServeArgs),
}

/// `docs generate`.
#[derive(Debug, ClapArgs)]
pub struct GenerateArgs {
    /// Put SQL, versions and files into separate parts that the page loads on demand, for very large projects
    #[arg(long)]
    pub split: bool,
}

/// `docs serve`.
#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// Address to listen on; any but a loopback address is reachable from other machines
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub host: IpAddr,
    /// Port to listen on, or a free one if it is taken
    #[arg(long, default_value_t = 8080, value_name = "PORT")]
    pub port: u16,
    /// Host names that requests may use in addition to addresses and localhost, such as a proxy's
    #[arg(long, value_name = "NAME")]
    pub allowed_host: Vec<String>,
    /// Open the page in a browser
    #[arg(long)]
    pub open: bool,
}

/// `source columns`.
#[derive(Debug, ClapArgs)]
pub struct SourceColumnsArgs {
    /// Files, folders or patterns (data/orders/*.csv), or sources (shop.orders)
    #[arg(value_name = "FILE|SOURCE", required = true)]
    pub names: Vec<String>,
    /// Format of the files, if it can't be inferred from their extension
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Record the columns for a source that declares none, replacing those of its first load
    #[arg(long, value_parser = clap::builder::BoolishValueParser::new())]
    pub record: bool,
}

/// `source options`.
#[derive(Debug, ClapArgs)]
pub struct SourceOptionsArgs {
    /// Format to list the options of: csv, json, ndjson, parquet, avro, sqlite
    #[arg(value_name = "FORMAT")]
    pub format: Option<String>,
}

/// `list`.
#[derive(Debug, ClapArgs)]
pub struct ListArgs {
    /// Node selection.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Output for each node
    #[arg(long, default_value = "selector", value_name = "FORMAT")]
    pub output: ListOutput,
    /// Resource types to list
    #[arg(long, num_args = 1.., value_name = "TYPE")]
    pub resource_type: Vec<ResourceType>,
}

/// The output of `list` for each node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListOutput {
    /// Selector: smart_meters.staging.stg_readings
    Selector,
    /// Name
    Name,
    /// Path of the file
    Path,
    /// One JSON object per line
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
    pub(in crate::cli) fn kind(self) -> NodeKind {
        match self {
            Self::Model => NodeKind::Model,
            Self::Seed => NodeKind::Seed,
            Self::Snapshot => NodeKind::Snapshot,
            Self::Source => NodeKind::Source,
            Self::Test => NodeKind::Test,
            Self::UnitTest => NodeKind::UnitTest,
            Self::Exposure => NodeKind::Exposure,
        }
    }
}

/// `show`.
#[derive(Debug, ClapArgs)]
pub struct ShowArgs {
    /// Model or snapshot whose SQL to run over the published tables, or seed whose file to read
    #[arg(
        long,
        short = 's',
        value_name = "MODEL",
        required_unless_present = "inline",
        conflicts_with = "inline"
    )]
    pub select: Option<String>,
    /// Show the model's last version that failed its tests, kept by `build --keep-staged`
    #[arg(long, requires = "select", value_parser = clap::builder::BoolishValueParser::new())]
    pub staged: bool,
    /// Query to run, with ref() and source() or table names: "select * from raw.raw_readings"
    #[arg(long, value_name = "SQL")]
    pub inline: Option<String>,
    /// Maximum number of rows, or -1 for all
    #[arg(long, default_value_t = 5, allow_negative_numbers = true, value_name = "N")]
    pub limit: i64,
    /// Output format
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    pub output: ShowOutput,
}

/// The output format of `show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowOutput {
    /// An aligned table
    Table,
    /// One JSON object per row
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// `plan`.
#[derive(Debug, ClapArgs)]
pub struct PlanArgs {
    /// Node selection.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Which of them to build.
    #[command(flatten)]
    pub rebuild: RebuildArgs,
    /// Output format
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
    /// Model, seed, snapshot or source, or a column of one: stg_readings, stg_readings.meterpoint_id,
    /// files.readings
    #[arg(value_name = "MODEL[.COLUMN]")]
    pub subject: String,
    /// Show only upstream columns, and all upstream levels of a model
    #[arg(long)]
    pub upstream: bool,
    /// Show only downstream columns, and all downstream levels of a model
    #[arg(long, conflicts_with = "upstream")]
    pub downstream: bool,
    /// Show every column and test that a change would affect
    #[arg(long, conflicts_with_all = ["upstream", "downstream"])]
    pub impact: bool,
    /// Output format
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
