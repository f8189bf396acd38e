//! A command's flags under dbt's names, as artifacts record them, and back, so that `retry` can run the last
//! command again.

use serde_json::{Map, Value, json};

use super::{
    args::{BuildArgs, Global, RebuildArgs, RunArgs, SelectArgs, TestArgs},
    request::{CommandRequest, FreshnessChecks},
};
use crate::{interval::instant, run::planning::Rebuild};

/// Returns `args` for `run_results.json`. `vars` are those of the command line.
pub(super) fn record(
    global: &Global,
    request: &CommandRequest<'_>,
    vars: &Map<String, Value>,
) -> Map<String, Value> {
    let select = request.select;
    let flags = json!({
        "which": request.command,
        "invocation_command": command_line(),
        "select": select.select,
        "exclude": select.exclude,
        "indirect_selection": select.indirect_selection.as_str(),
        "fail_fast": request.fail_fast,
        "force": request.rebuild == Rebuild::All,
        "full_refresh": request.rebuild == Rebuild::FullRefresh,
        "event_time_start": request.event_time.map(|time| time.start),
        "event_time_end": request.event_time.map(|time| time.end),
        "store_failures": request.keep.failures,
        "keep_staged": request.keep.withheld,
        "fresh_sources": request.freshness == FreshnessChecks::Upstream,
        "project_dir": global.project_dir,
        "target": global.target,
        "threads": global.threads,
        "vars": vars,
        "quiet": global.quiet,
    });
    match flags {
        Value::Object(flags) => flags,
        _ => Map::new(),
    }
}

/// Returns the recorded command's flags. Missing or invalid entries count as unset.
pub(super) fn recorded(args: &Map<String, Value>) -> BuildArgs {
    let list = |key: &str| -> Vec<String> {
        let listed = args.get(key).and_then(Value::as_array).into_iter().flatten();
        listed.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let is_set = |key: &str| args.get(key).and_then(Value::as_bool).unwrap_or_default();
    let time = |key: &str| instant(args.get(key)?.as_str()?).ok();
    let mode = args.get("indirect_selection").and_then(Value::as_str).unwrap_or_default();
    BuildArgs {
        test: TestArgs {
            run: RunArgs {
                select: SelectArgs {
                    select: list("select"),
                    exclude: list("exclude"),
                    indirect_selection: clap::ValueEnum::from_str(mode, true).unwrap_or_default(),
                },
                fail_fast: is_set("fail_fast"),
                rebuild: RebuildArgs {
                    force: is_set("force"),
                    full_refresh: is_set("full_refresh"),
                    event_time_start: time("event_time_start"),
                    event_time_end: time("event_time_end"),
                },
            },
            store_failures: is_set("store_failures"),
        },
        keep_staged: is_set("keep_staged"),
        fresh_sources: is_set("fresh_sources"),
    }
}

/// Returns the global options, with recorded values for those not given now.
pub(super) fn recorded_global(given: &Global, args: &Map<String, Value>) -> Global {
    let mut global = given.clone();
    let text = |key: &str| args.get(key).and_then(Value::as_str).map(str::to_owned);
    global.target = global.target.or_else(|| text("target"));
    let threads = args.get("threads").and_then(Value::as_u64);
    global.threads = global.threads.or_else(|| threads.and_then(|threads| threads.try_into().ok()));
    let vars = args.get("vars").and_then(Value::as_object).filter(|vars| !vars.is_empty());
    // JSON is valid YAML.
    global.vars = global.vars.or_else(|| vars.and_then(|vars| serde_json::to_string(vars).ok()));
    global
}

fn command_line() -> String {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Args, Command};

    #[test]
    fn what_is_recorded_is_run_again() {
        let words = [
            "headwater",
            "build",
            "-s",
            "a+",
            "tag:b",
            "--exclude",
            "c",
            "--indirect-selection",
            "cautious",
            "-x",
            "--force",
            "--event-time-start",
            "2021-01-02",
            "--event-time-end",
            "2021-01-04T12:00",
            "--store-failures",
            "--keep-staged",
            "--fresh-sources",
            "-t",
            "prod",
            "--threads",
            "3",
        ];
        let Args { global, command: Command::Build(build) } = Args::parse_from(words) else {
            panic!("no build")
        };
        let vars = Map::from_iter([("day".to_owned(), json!("2021-01-02"))]);
        let args = record(&global, &CommandRequest::build(&build), &vars);
        let again = recorded(&args);
        assert_eq!(format!("{again:?}"), format!("{build:?}"));
        let plain = Args::parse_from(["headwater", "retry"]).global;
        let global = recorded_global(&plain, &args);
        assert_eq!((global.target.as_deref(), global.threads), (Some("prod"), Some(3)));
        assert_eq!(global.vars.as_deref(), Some(r#"{"day":"2021-01-02"}"#));
        let given = Args::parse_from(["headwater", "retry", "-t", "dev"]).global;
        assert_eq!(recorded_global(&given, &args).target.as_deref(), Some("dev"));
    }
}
