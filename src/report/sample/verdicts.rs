//! A run that contains every outcome of tests and freshness checks, and a plan with tests.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use serde_json::json;

use super::{
    Event, Outcome, Plan, Relation, Script, Skipped, TestStatus, Verdict, found, freshness, quarantined,
    table, test, unit_test, verdict,
};
use crate::{
    name::NodeId,
    outcome::{
        AgeStatus, Cells, DifferenceCounts, RowDifference, RowSample, SampleColumn, SampleRow, SourceAge,
        Withheld,
    },
    plan::{Action, Job, Reason, Step},
};

fn aged(status: AgeStatus, hours: i64) -> Outcome {
    let snapshotted_at = DateTime::UNIX_EPOCH + TimeDelta::hours(1000);
    let criteria = json!({
        "warn_after": { "count": 12, "period": "hour" },
        "error_after": { "count": 2, "period": "day" },
        "filter": null,
    });
    let max_loaded_at = snapshotted_at - TimeDelta::hours(hours);
    Outcome::Aged(SourceAge { status, max_loaded_at, snapshotted_at, criteria })
}

/// Columns of samples: numbers end with `#`.
fn columns(names: &[&str]) -> Vec<SampleColumn> {
    let column = |name: &&str| SampleColumn {
        name: name.trim_end_matches('#').to_owned(),
        is_number: name.ends_with('#'),
    };
    names.iter().map(column).collect()
}

fn cells(cells: &[&str]) -> Cells {
    cells.iter().map(|cell| (*cell != "NULL").then(|| (*cell).to_owned())).collect()
}

fn rows(names: &[&str], rows: &[&[&str]]) -> RowSample {
    let rows = rows.iter().map(|row| SampleRow { cells: cells(row), ..SampleRow::default() });
    RowSample { columns: columns(names), rows: rows.collect(), differences: None }
}

fn compiled(name: &str) -> String {
    format!("target/compiled/meters/models/schema.yml/{name}.sql")
}

fn failed(message: &str, step: &Step) -> Outcome {
    Outcome::Failed { message: message.to_owned(), compiled: Some(compiled(&step.name)) }
}

/// A run with freshness checks and unit tests, one model published with quarantined rows, and two withheld
/// models.
pub(in crate::report) fn every_verdict() -> Vec<Event> {
    let mut script = Script::new(19);
    sources(&mut script);
    unit_tests(&mut script);
    warned(&mut script);
    withheld(&mut script);
    first_build(&mut script);
    let orphans = test("no_agreements_without_a_meterpoint", None);
    script.ran(&orphans, found(TestStatus::Fail, 1));
    script.end()
}

fn sources(script: &mut Script) {
    script.ran(&freshness("readings"), aged(AgeStatus::Pass, 2));
    script.ran(&freshness("agreements"), aged(AgeStatus::Warn, 30));
    script.ran(&freshness("products"), aged(AgeStatus::Error, 75));
    let message = "cannot list data/tariffs: permission denied".to_owned();
    script.ran(&freshness("tariffs"), Outcome::Failed { message, compiled: None });
}

fn unit_tests(script: &mut Script) {
    script.ran(&unit_test("stg_readings", "keeps_the_last"), Outcome::Tested(Verdict::pass()));
    let fills = unit_test("tariffs", "fills_gaps");
    let row = |difference, row: [&str; 3], expected: Option<[&str; 3]>| SampleRow {
        difference: Some(difference),
        cells: cells(&row),
        expected: expected.map(|row| cells(&row)),
    };
    let sample = Some(Box::new(RowSample {
        columns: columns(&["id#", "valid_from", "price"]),
        rows: vec![
            row(RowDifference::Changed, ["1", "2021-01-01", "2.0"], Some(["1", "2021-01-01", "2.5"])),
            row(RowDifference::Missing, ["2", "2021-02-01", "\u{1b}[2J3.0"], None),
            row(RowDifference::Surplus, ["3", "NULL", "3.0"], None),
        ],
        differences: Some(DifferenceCounts { changed: 1, missing: 1, surplus: 1, equal: 3 }),
    }));
    let compiled = Some(compiled("fills_gaps"));
    script.ran(&fills, Outcome::Tested(Verdict { sample, compiled, ..verdict(TestStatus::Fail, 3) }));
    script.skip(&table("staging", "tariffs"), Skipped::Upstream { failed: fills.node.clone() });
}

fn warned(script: &mut Script) {
    let model = table("raw", "raw_agreements");
    script.start(&model);
    script.ran(&test("not_null_raw_agreements_id", Some("raw_agreements")), Outcome::Tested(Verdict::pass()));
    let accepted =
        test("accepted_values_raw_agreements_status__active__ended__announced", Some("raw_agreements"));
    let sample = rows(&["id#", "status"], &[&["1021", "?"], &["1022", "NULL"]]);
    let sample = Some(Box::new(sample));
    let stored = Some(Relation::new("raw", "raw_agreements").quarantine());
    script.ran(&accepted, Outcome::Tested(Verdict { sample, stored, ..verdict(TestStatus::Warn, 15) }));
    script.end_step(&model, quarantined());
}

fn withheld(script: &mut Script) {
    let model = table("staging", "stg_readings");
    let [pass, null, least] =
        ["unique_stg_readings_id", "not_null_stg_readings_meterpoint_id", "at_least_0_stg_readings_rate"]
            .map(|name| test(name, Some("stg_readings")));
    script.start(&model);
    script.ran(&pass, Outcome::Tested(Verdict::pass()));
    let sample = rows(
        &["meterpoint_id", "interval_start", "consumption_kwh#"],
        &[
            &["NULL", "2021-01-01T00:00:00Z", "1.5"],
            &["NULL", "2021-01-01T00:15:00Z", "0.25"],
            &["NULL", "2021-01-01T00:30:00Z", "12.125"],
        ],
    );
    let sample = Some(Box::new(sample));
    let stored = Some(Relation::new("staging", "stg_readings").audit(&null.name));
    let compiled = Some(compiled(&null.name));
    let verdict = Verdict { sample, compiled, stored, ..verdict(TestStatus::Fail, 3) };
    script.ran(&null, Outcome::Tested(verdict));
    script.ran(&least, failed("Divide by zero error\nwhile filtering rows", &least));
    let withheld = Withheld {
        rows: 1440,
        tests: vec![null.node.clone(), least.node.clone()],
        standing: Some(3),
        kept: Some(Relation::new("staging", "stg_readings").kept()),
    };
    script.end_step(&model, Outcome::Withheld(withheld));
    let upstream = Skipped::Upstream { failed: model.node.clone() };
    script.skip(&table("presentation", "consumption"), upstream.clone());
    script.skip(&test("not_null_consumption_kwh", Some("consumption")), upstream);
}

fn first_build(script: &mut Script) {
    let model = table("staging", "stg_products");
    let unique = test("unique_stg_products_id", Some("stg_products"));
    script.start(&model);
    script.ran(&unique, found(TestStatus::Fail, 1));
    let withheld = Withheld { rows: 7, tests: vec![unique.node.clone()], standing: None, kept: None };
    script.end_step(&model, Outcome::Withheld(withheld));
}

/// A plan with a model that has a unit test and more tests than its line names, a view with one test, and a
/// source test.
pub(in crate::report) fn gated() -> Plan {
    let columns = ["id", "meterpoint_id", "interval_start_in_local_time", "interval_end", "kwh"];
    let gates = columns.map(|column| test(&format!("not_null_stg_readings_{column}"), Some("stg_readings")));
    let view = super::step("presentation", "current", Action::View, Reason::SqlChanged);
    let of_view = test("unique_current_id", None);
    let unit = unit_test("stg_readings", "keeps_the_last");
    let source = test("source_not_null_files_readings_id", None);
    let build = table("staging", "stg_readings");
    let readings = NodeId::source("meters", "files", "readings");
    let jobs = vec![
        job(readings, vec![source]),
        job(unit.node.clone(), vec![unit]),
        job(build.node.clone(), [build].into_iter().chain(gates).collect()),
        job(view.node.clone(), vec![view, of_view]),
    ];
    Plan { jobs }
}

fn job(node: NodeId, steps: Vec<Arc<Step>>) -> Job {
    Job { node, steps, after: Arc::new([]), behind: Arc::new([]) }
}
