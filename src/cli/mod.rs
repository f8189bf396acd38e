//! The command line: arguments in, exit code out.
//!
//! - [`args`]: arguments and their help
//! - `artifacts`: artifacts under the target path
//! - `request`: the request of each command that runs nodes
//! - `context`: from flags and files to a resolved project
//! - `target`, `vars`, `clock`: parts of that context
//! - `streams`: stdout and stderr
//! - `reporting`, `colour`: the sinks of a run's events, and whether they are coloured
//! - `recorded_args`: conversion between flags and artifacts
//! - `found_columns`: records inferred columns of sources
//! - `openlineage`: the destination of lineage events
//! - `unchanged`: no-op runs, answered from the record of the last run
//! - `failure`: failures that stop a command, with exit codes
//! - one file per command: `build` (also `run`, `seed`, `snapshot`, `test`, `source freshness`), `compile`,
//!   `list`, `show`, `plan`, `describe`, `docs`, `lineage`, `retry`, `clean`, `debug`, `init`, `accept`
//!   (`source accept`), `source_columns`, `source_options`
//!
//! The only code that knows the environment, the working directory and the standard streams. Contains no
//! logic of its own.

mod accept;
pub mod args;
mod artifacts;
mod build;
mod clean;
mod clock;
mod colour;
mod compile;
mod context;
mod debug;
mod describe;
mod docs;
mod failure;
mod found_columns;
mod init;
mod lineage;
mod list;
mod openlineage;
mod plan;
mod recorded_args;
mod reporting;
mod request;
mod retry;
mod show;
mod signal;
mod source_columns;
mod source_options;
mod streams;
mod target;
mod unchanged;
mod vars;

use std::{io::Write, process::ExitCode};

use clap::Parser;

use self::{
    args::{Args, Command, DocsCommand, SourceCommand},
    failure::Failure,
    request::CommandRequest,
};
use crate::parallel::STACK;

/// Runs the command given by this process's arguments.
///
/// Exit codes are dbt's: 0 for success, 1 if a node failed or was skipped because of a failure, 2 if nothing
/// could run. A reader that closes the pipe (`headwater list | head -1`) isn't a failure.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { failure::COULD_NOT_RUN } else { 0 };
            // Nothing can be done if the terminal is closed.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    args.global.colour();
    logging(&args);
    let quiet = args.global.quiet;
    install_panic_hook();
    let main = std::thread::Builder::new().name("headwater".into()).stack_size(STACK).spawn(|| run(args));
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
fn run(args: Args) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name(WORKER)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(|error| Failure::message(format!("can't start the async runtime: {error}")))?;
    let result = runtime.block_on(dispatch(args));
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
        if std::thread::current().name() == Some(WORKER) {
            tracing::debug!("{panic}");
        } else {
            let backtrace = std::backtrace::Backtrace::capture();
            let text = format!("error: a fault of Headwater ended this command: {panic}\n{backtrace}\n");
            // Nothing can be done if stderr is closed.
            let _ = streams::stderr().write_all(text.as_bytes());
        }
    }));
}

async fn dispatch(args: Args) -> Result<ExitCode, Failure> {
    let global = args.global;
    match args.command {
        Command::Build(command) => build::run(&global, &CommandRequest::build(&command)).await,
        Command::Run(command) => build::run(&global, &CommandRequest::run(&command)).await,
        Command::Seed(command) => build::run(&global, &CommandRequest::seed(&command)).await,
        Command::Snapshot(command) => build::run(&global, &CommandRequest::snapshot(&command)).await,
        Command::Test(command) => build::run(&global, &CommandRequest::test(&command)).await,
        Command::Source(SourceCommand::Freshness(select)) => {
            build::run(&global, &CommandRequest::freshness(&select)).await
        }
        Command::Source(SourceCommand::Columns(command)) => source_columns::run(&global, &command).await,
        Command::Source(SourceCommand::Options(command)) => source_options::run(&command),
        Command::Source(SourceCommand::Accept(command)) => accept::run(&global, &command).await,
        Command::Retry => retry::run(&global).await,
        Command::Compile(command) => compile::run(&global, &command).await,
        Command::List(command) => list::run(&global, &command),
        Command::Show(command) => show::run(&global, &command).await,
        Command::Plan(command) => plan::run(&global, &command).await,
        Command::Lineage(command) => lineage::run(&global, &command).await,
        Command::Describe(command) => describe::run(&global, &command).await,
        Command::Docs(DocsCommand::Generate(command)) => docs::generate(&global, &command).await,
        Command::Docs(DocsCommand::Serve(command)) => docs::serve(&global, &command).await,
        Command::Clean(args) => clean::run(&global, &args),
        Command::Debug => debug::run(&global).await,
        Command::Init(command) => init::run(&command),
    }
}

fn logging(args: &Args) {
    let level = args.global.log_level.as_str();
    let filter = tracing_subscriber::EnvFilter::new(format!("headwater={level}"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(streams::stderr);
    if args.global.log_format == args::LogFormat::Json {
        subscriber.json().init();
    } else {
        subscriber.without_time().with_target(false).init();
    }
}
