//! A command's flags under dbt's names, as artifacts record them, and back, so that `retry` can run the last
//! command again.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{
    deferral::Deferral,
    options::LoadOptions,
    request::{FreshnessChecks, NodeSelection, Request},
};
use crate::{
    interval::{Interval, instant},
    name::NodeKind,
    project::StaticAnalysis,
    run::planning::Rebuild,
    select::Indirect,
};

/// Returns `args` for `run_results.json`. `command_line` is the command as the user entered it.
#[must_use]
pub fn record(options: &LoadOptions, request: &Request, command_line: &str) -> Map<String, Value> {
    let selection = &request.selection;
    let flags = json!({
        "which": request.command,
        "invocation_command": command_line,
        "select": selection.select,
        "selector": selection.selector,
        "exclude": selection.exclude,
        "resource_types": names(&selection.kinds),
        "exclude_resource_types": names(&selection.without),
        "indirect_selection": selection.indirect.as_str(),
        "fail_fast": request.fail_fast,
        "force": request.rebuild == Rebuild::All,
        "full_refresh": request.rebuild == Rebuild::FullRefresh,
        "empty": request.empty,
        "defer": request.deferral.is_some(),
        "state": selection.state.as_ref().map(|folder| folder.to_string_lossy()),
        "defer_state": request.deferral.as_ref().map(|deferral| deferral.state.to_string_lossy()),
        "favor_state": request.deferral.as_ref().is_some_and(|deferral| deferral.favors_state),
        "event_time_start": request.event_time.map(|time| time.start),
        "event_time_end": request.event_time.map(|time| time.end),
        "store_failures": request.retain.failures,
        "keep_staged": request.retain.withheld,
        "fresh_sources": request.freshness == FreshnessChecks::Upstream,
        "project_dir": options.project_dir.to_string_lossy(),
        "target": options.target,
        "threads": options.threads,
        "static_analysis": options.static_analysis.map(StaticAnalysis::as_str),
        "vars": options.vars.clone().unwrap_or_default(),
        "quiet": options.quiet,
    });
    match flags {
        Value::Object(flags) => flags,
        _ => Map::new(),
    }
}

fn names(kinds: &[NodeKind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.as_str()).collect()
}

fn kinds(names: &[String]) -> Vec<NodeKind> {
    names.iter().map(|name| NodeKind::of(name)).collect()
}

/// Returns the name of the recorded command.
#[must_use]
pub fn command(args: &Map<String, Value>) -> &str {
    args.get("which").and_then(Value::as_str).unwrap_or_default()
}

/// Returns the recorded request, or `None` if the command can't be run again. Missing or invalid entries
/// count as unset.
#[must_use]
pub fn request(args: &Map<String, Value>) -> Option<Request> {
    let list = |key: &str| -> Vec<String> {
        let listed = args.get(key).and_then(Value::as_array).into_iter().flatten();
        listed.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let is_set = |key: &str| args.get(key).and_then(Value::as_bool).unwrap_or_default();
    let time = |key: &str| instant(args.get(key)?.as_str()?).ok();
    let mode = args.get("indirect_selection").and_then(Value::as_str).unwrap_or_default();
    let selection = NodeSelection {
        select: list("select"),
        selector: args.get("selector").and_then(Value::as_str).map(str::to_owned),
        exclude: list("exclude"),
        indirect: Indirect::of(mode).unwrap_or_default(),
        state: args.get("state").and_then(Value::as_str).map(PathBuf::from),
        kinds: kinds(&list("resource_types")),
        without: kinds(&list("exclude_resource_types")),
    };
    let request = match command(args) {
        "build" => Request::build(selection),
        "run" => Request::run(selection),
        "seed" => Request::seed(selection),
        "snapshot" => Request::snapshot(selection),
        "test" => Request::test(selection),
        _ => return None,
    };
    let mut request = request.rebuilding(is_set("full_refresh"), is_set("force"));
    request.fail_fast = is_set("fail_fast");
    request.empty = is_set("empty");
    let state = args.get("defer_state").and_then(Value::as_str).filter(|_| is_set("defer"));
    request.deferral =
        state.map(|state| Deferral { state: state.into(), favors_state: is_set("favor_state") });
    request.event_time =
        time("event_time_start").zip(time("event_time_end")).map(|(start, end)| Interval { start, end });
    request.retain.failures = is_set("store_failures");
    request.retain.withheld = is_set("keep_staged");
    if is_set("fresh_sources") {
        request.freshness = FreshnessChecks::Upstream;
    }
    Some(request)
}

/// Returns the options, with recorded values for those not given now.
#[must_use]
pub fn options(given: LoadOptions, args: &Map<String, Value>) -> LoadOptions {
    let target = args.get("target").and_then(Value::as_str).map(str::to_owned);
    let threads = args.get("threads").and_then(Value::as_u64);
    let mode = args.get("static_analysis").and_then(Value::as_str).and_then(StaticAnalysis::of);
    let vars = args.get("vars").and_then(Value::as_object).filter(|vars| !vars.is_empty());
    LoadOptions {
        target: given.target.or(target),
        threads: given.threads.or_else(|| threads.and_then(|threads| threads.try_into().ok())),
        static_analysis: given.static_analysis.or(mode),
        vars: given.vars.or_else(|| vars.cloned()),
        ..given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_run_again() {
        let selection = NodeSelection {
            select: vec!["a+".into(), "tag:b".into()],
            selector: Some("nightly".into()),
            exclude: vec!["c".into()],
            state: Some("last".into()),
            indirect: Indirect::Cautious,
            kinds: vec![NodeKind::Model, NodeKind::UnitTest],
            without: vec![NodeKind::Other],
        };
        let mut build = Request::build(selection).rebuilding(false, true);
        build.fail_fast = true;
        build.empty = true;
        build.deferral = Some(Deferral { state: "prod".into(), favors_state: true });
        let time = |text: &str| instant(text).unwrap();
        build.event_time = Some(Interval { start: time("2021-01-02"), end: time("2021-01-04T12:00") });
        build.retain.failures = true;
        build.retain.withheld = true;
        build.freshness = FreshnessChecks::Upstream;
        let vars = Map::from_iter([("day".to_owned(), json!("2021-01-02"))]);
        let given = LoadOptions {
            target: Some("prod".into()),
            threads: Some(3),
            static_analysis: Some(StaticAnalysis::Baseline),
            vars: Some(vars.clone()),
            ..LoadOptions::default()
        };
        let args = record(&given, &build, "headwater build");
        assert_eq!(format!("{:?}", request(&args).unwrap()), format!("{build:?}"));
        let again = options(LoadOptions::default(), &args);
        assert_eq!((again.target.as_deref(), again.threads, again.vars), (Some("prod"), Some(3), Some(vars)));
        assert_eq!(again.static_analysis, Some(StaticAnalysis::Baseline));
        let dev = LoadOptions { target: Some("dev".into()), ..LoadOptions::default() };
        assert_eq!(options(dev, &args).target.as_deref(), Some("dev"));
    }

    #[test]
    fn what_only_looks_is_not_run_again() {
        let args = record(&LoadOptions::default(), &Request::freshness(NodeSelection::default()), "");
        assert!(request(&args).is_none());
    }
}
