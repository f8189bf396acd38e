//! The command line: arguments in, exit code out.
//!
//! - `CommandLine`, `Command`: the arguments; each command's own are in its file
//! - `args`, `deferral`: arguments that commands share
//! - one file per command: `build`, `run`, `seed`, `snapshot`, `test`, `retry`, `parse`, `compile`, `list`,
//!   `show`, `plan`, `describe`, `lineage`, `deps`, `clean`, `debug`, `init`
//! - `source`, `docs`: folders of commands, one file each
//! - `pipeline`: runs the requests of commands that run nodes
//! - `loading`: loads and compiles the project for the others
//! - `reporting`, `colour`: the sinks of a run's events, and whether they are coloured
//! - `template_messages`: what templates print and log
//! - `openlineage`: the destination of lineage events
//! - `log_format`: the format and level of log lines
//! - `environment`: environment variables, the working directory
//! - `streams`: stdout and stderr
//! - `signal`: signals that stop a command
//! - `failure`: failures that stop a command, with exit codes
//!
//! The only code that knows the environment, the working directory and the standard streams. What a command
//! does is in `workspace`.

#![expect(clippy::doc_markdown, reason = "the doc comments of arguments are read in a terminal")]

mod args;
mod build;
mod clean;
mod colour;
mod compile;
mod debug;
mod deferral;
mod deps;
mod describe;
mod docs;
mod environment;
mod failure;
mod init;
mod lineage;
mod list;
mod loading;
mod log_format;
mod openlineage;
mod parse;
mod pipeline;
mod plan;
mod reporting;
mod resource_type;
mod retry;
mod run;
mod run_operation;
mod seed;
mod show;
mod signal;
mod snapshot;
mod source;
mod streams;
mod template_messages;
mod test;

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

use self::{
    args::Global, build::BuildArgs, clean::CleanArgs, compile::CompileArgs, deps::DepsArgs,
    describe::DescribeArgs, docs::DocsCommand, failure::Failure, init::InitArgs, lineage::LineageArgs,
    list::ListArgs, log_format::LogFormat, plan::PlanArgs, run::RunArgs, run_operation::RunOperationArgs,
    seed::SeedArgs, show::ShowArgs, snapshot::SnapshotArgs, source::SourceCommand, test::TestArgs,
};
use crate::{panics, parallel::STACK};

/// The version that `--version` prints. It mentions failpoints, so that crash tests recognize their binary.
const VERSION: &str = if cfg!(feature = "failpoints") {
    concat!(env!("CARGO_PKG_VERSION"), " (failpoints)")
} else {
    env!("CARGO_PKG_VERSION")
};

/// dbt's way of working on open Delta tables, in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "headwater",
    version = VERSION,
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
struct CommandLine {
    /// Options of every command.
    #[command(flatten)]
    global: Global,
    /// The command.
    #[command(subcommand)]
    command: Command,
}

/// A command.
#[derive(Debug, Subcommand)]
enum Command {
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
    /// Call a macro with arguments, or run SQL over the lake
    RunOperation(RunOperationArgs),
    /// Inspect sources: freshness, columns, options, and rejected rows
    #[command(subcommand)]
    Source(SourceCommand),
    /// Read the whole project and write manifest.json, without compiling SQL
    Parse,
    /// Type-check the selected models and write their SQL, without running it
    Compile(CompileArgs),
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
    /// Install the packages that packages.yml lists
    ///
    /// Versions are those of package-lock.yml, which is rewritten if the list has changed.
    Deps(DepsArgs),
    /// Remove the artifacts that Headwater wrote to the target path
    Clean(CleanArgs),
    /// Check the installation, the project and the lake
    Debug,
    /// Create a small project that builds at once
    Init(InitArgs),
}

impl Command {
    /// Returns dbt's name of the command, as `flags.WHICH` gives it.
    fn dbt_name(&self) -> &'static str {
        match self {
            Self::Build(_) => "build",
            Self::Run(_) => "run",
            Self::Seed(_) => "seed",
            Self::Snapshot(_) => "snapshot",
            Self::Test(_) => "test",
            Self::Retry => "retry",
            Self::RunOperation(_) => "run-operation",
            Self::Source(SourceCommand::Freshness(_)) => "freshness",
            Self::Source(_) => "source",
            Self::Parse => "parse",
            Self::Compile(_) => "compile",
            Self::List(_) => "list",
            Self::Show(_) => "show",
            Self::Plan(_) => "plan",
            Self::Describe(_) => "describe",
            Self::Docs(DocsCommand::Generate(_)) => "generate",
            Self::Docs(_) => "serve",
            Self::Lineage(_) => "lineage",
            Self::Deps(_) => "deps",
            Self::Clean(_) => "clean",
            Self::Debug => "debug",
            Self::Init(_) => "init",
        }
    }

    async fn run(&self, global: &Global) -> Result<ExitCode, Failure> {
        match self {
            Self::Build(args) => build::run(global, args).await,
            Self::Run(args) => Box::pin(run::run(global, args)).await,
            Self::Seed(args) => seed::run(global, args).await,
            Self::Snapshot(args) => snapshot::run(global, args).await,
            Self::Test(args) => Box::pin(test::run(global, args)).await,
            Self::Retry => retry::run(global).await,
            Self::RunOperation(args) => run_operation::run(global, args).await,
            Self::Source(command) => Box::pin(command.run(global)).await,
            Self::Parse => parse::run(global),
            Self::Compile(args) => compile::run(global, args).await,
            Self::List(args) => list::run(global, args),
            Self::Show(args) => show::run(global, args).await,
            Self::Plan(args) => plan::run(global, args).await,
            Self::Describe(args) => describe::run(global, args).await,
            Self::Docs(command) => command.run(global).await,
            Self::Lineage(args) => lineage::run(global, args).await,
            Self::Deps(args) => deps::run(global, args),
            Self::Clean(args) => clean::run(global, args),
            Self::Debug => debug::run(global).await,
            Self::Init(args) => init::run(args),
        }
    }
}

/// Runs the command given by this process's arguments.
///
/// Exit codes are dbt's: 0 for success, 1 if a node failed or was skipped because of a failure, 2 if nothing
/// could run. A reader that closes the pipe (`headwater list | head -1`) isn't a failure.
#[must_use]
pub fn main() -> ExitCode {
    let mut args = match CommandLine::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { failure::COULD_NOT_RUN } else { 0 };
            // Nothing can be done if the terminal is closed.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    args.global.command = args.command.dbt_name();
    args.global.colour();
    logging(&args);
    let quiet = args.global.quiet;
    install_panic_hook();
    let main =
        std::thread::Builder::new().name("headwater".into()).stack_size(STACK).spawn(move || run(&args));
    let result = match main.map(std::thread::JoinHandle::join) {
        Ok(Ok(result)) => result,
        // The panic hook has printed it.
        Ok(Err(_)) => return ExitCode::from(failure::COULD_NOT_RUN),
        Err(error) => Err(Failure::message(format!("can't start a thread: {error}"))),
    };
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(quiet),
    }
}

/// Runs a command to completion.
fn run(args: &CommandLine) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name(WORKER)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(|error| Failure::message(format!("can't start the async runtime: {error}")))?;
    let result = runtime.block_on(args.command.run(&args.global));
    // A blocking read must not keep the process alive once its result isn't needed.
    runtime.shutdown_background();
    result
}

/// The name of the runtime's threads.
const WORKER: &str = "headwater-worker";

/// Installs the panic hook. A panic in a task is returned to whoever awaits the task and reported there as
/// the failure of a step (delta-rs panics when a disk is full); its message goes to the log. A panic
/// elsewhere ends the command.
fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        if std::thread::current().name() == Some(WORKER) || panics::is_expected() {
            tracing::debug!("{panic}");
        } else {
            let backtrace = std::backtrace::Backtrace::capture();
            let text = format!("error: a bug in Headwater ended this command: {panic}\n{backtrace}\n");
            // Nothing can be done if stderr is closed.
            let _ = streams::stderr().write_all(text.as_bytes());
        }
    }));
}

fn logging(args: &CommandLine) {
    let level = args.global.log_level.as_str();
    let filter = tracing_subscriber::EnvFilter::new(format!("headwater={level}"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(streams::stderr);
    if args.global.log_format == LogFormat::Json {
        subscriber.json().init();
    } else {
        subscriber.without_time().with_target(false).init();
    }
}
