//! This repository's own project, compared with independently computed tables.

use chrono::NaiveDate;

use crate::{
    expected::{Expected, Table},
    generate::{Options, generate},
    project::Project,
    ran::assert_said,
};

const PRESENTATION: [&str; 5] = [
    "active_agreements",
    "total_consumption_half_hour",
    "gold_aggregate_per_half_hour",
    "consumption_per_product_per_day",
    "gold_avg_half_hour_by_product",
];

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2021, 1, 1).expect("a day")
}

fn generated(options: &Options) -> Project {
    let project = Project::smart_meters();
    std::fs::create_dir_all(project.path("data")).expect("a folder");
    generate(&project.path("data"), options).expect("data");
    project
}

fn dirty(seed: u64) -> Options {
    Options {
        meters: 40,
        days: 2,
        start: first_day(),
        seed,
        dirt: 0.7,
        days_per_file: None,
        one_file_bytes: None,
    }
}

/// Reads the published table, with its first `keys` columns as text.
fn table(project: &Project, columns: &str, name: &str, keys: usize) -> Table {
    let csv = project.rows(&format!("select {columns} from {{{{ ref('{name}') }}}}"));
    let mut table = Table::new();
    for line in csv.lines().skip(1) {
        let mut cells = line.split(',').map(str::to_owned);
        let key: Vec<String> = cells.by_ref().take(keys).collect();
        let numbers = cells.map(|cell| cell.parse().expect("a number")).collect();
        assert!(table.insert(key, numbers).is_none(), "{line} is there twice");
    }
    table
}

#[track_caller]
fn assert_same(name: &str, found: &Table, expected: &Table) {
    assert!(!expected.is_empty(), "{name}: nothing is expected, so nothing is tested");
    assert!(found.keys().eq(expected.keys()), "{name}: other rows: {found:#?}\nexpected {expected:#?}");
    for (key, expected) in expected {
        let found = &found[key];
        let close = found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(one, other)| (one - other).abs() < 1e-9 * other.abs().max(1.0));
        assert!(close, "{name} {key:?}: {found:?}, expected {expected:?}");
    }
}

#[track_caller]
fn assert_tables(project: &Project, expected: &Expected, day: NaiveDate) {
    let half_hours = expected.total_per_half_hour();
    let found = |columns, name, keys| table(project, columns, name, keys);
    let agreements = "agreement_id, meterpoint_id, display_name, is_variable";
    let totals = "interval_start, meterpoint_count, total_kwh";
    let per_day = "display_name, date, meterpoint_count, total_kwh";
    let average = "interval_start, display_name, avg_kwh";
    let [active, total, gold_total, product, gold_average] = PRESENTATION;
    assert_same(active, &found(agreements, active, 4), &expected.active_agreements(day));
    assert_same(total, &found(totals, total, 1), &half_hours);
    assert_same(gold_total, &found(totals, gold_total, 1), &half_hours);
    assert_same(product, &found(per_day, product, 2), &expected.per_product_per_day());
    assert_same(gold_average, &found(average, gold_average, 2), &expected.average_per_product());
}

fn count(project: &Project, query: &str) -> usize {
    let csv = project.rows(&format!("select count(*) as n from {query}"));
    csv.lines().nth(1).and_then(|line| line.parse().ok()).expect("a count")
}

#[test]
fn the_first_build_makes_every_table() {
    let project = Project::smart_meters().with_repository_data();
    assert_said!(project.run(["build", "--threads", "1"]).success());
    assert_tables(&project, &Expected::of(&project.path("data")), first_day());
}

#[test]
fn the_second_build_gives_the_same_tables() {
    let project = generated(&dirty(2));
    project.run(["build"]).success();
    project.run(["build", "--force"]).success().says("ERROR=0 SKIP=0 NO-OP=0 REUSED=0 TOTAL=55");
    assert_tables(&project, &Expected::of(&project.path("data")), first_day());
    assert!(project.exists("data_lake/presentation/active_agreements/_delta_log/00000000000000000001.json"));
}

#[test]
fn dirty_data_is_read_and_what_is_bad_is_set_aside() {
    let project = generated(&dirty(7));
    let expected = Expected::of(&project.path("data"));
    assert!(expected.bad_rows > 0 && expected.bad_files > 0, "the data is clean: {expected:?}");
    project.run(["build"]).success();
    assert_tables(&project, &expected, first_day());
    assert_eq!(count(&project, "{{ ref('raw_readings') }}"), expected.raw);
    assert_eq!(count(&project, "{{ ref('stg_readings') }}"), expected.measured());
    let rejected = "raw.raw_readings_rejected";
    assert_eq!(count(&project, &format!("{rejected} where \"row\" is not null")), expected.bad_rows);
    assert_eq!(count(&project, &format!("{rejected} where \"row\" is null")), expected.bad_files);
}

#[test]
fn another_day_is_a_var_away() {
    let project = generated(&dirty(3));
    project.run(["build", "--vars", "{as_of_date: 2020-06-01}"]).success();
    let day = NaiveDate::from_ymd_opt(2020, 6, 1).expect("a day");
    assert_tables(&project, &Expected::of(&project.path("data")), day);
}

#[test]
fn a_file_that_comes_later_is_in_the_next_build() {
    let project = generated(&dirty(5));
    project.run(["build"]).success();
    let late = r#"{"columns":["meterpoint_id","interval_start","consumption_delta"],
        "data":[["1200000000001","2021-01-01 00:00:00",7.5],["1200000000001","2021-01-02 00:00:00",8]]}"#;
    project.write("data/readings/1200000000001_late.json", late);
    project.run(["build"]).success().says("2 inserted; 1 file loaded");
    assert_tables(&project, &Expected::of(&project.path("data")), first_day());
    // A correction replaces the file's own rows and no others.
    project
        .write("data/readings/1200000000001_late.json", late.replace("7.5", "2.25").replace(",8]", ",9.5]"));
    project.run(["build"]).success().says("2 inserted, 2 deleted; 1 file reloaded");
    assert_tables(&project, &Expected::of(&project.path("data")), first_day());
    let expected = Expected::of(&project.path("data"));
    assert_eq!(count(&project, "{{ ref('raw_readings') }}"), expected.raw);
    let rejected = "raw.raw_readings_rejected where \"row\" is not null";
    assert_eq!(count(&project, rejected), expected.bad_rows, "what was set aside before stays");
    project.run(["build"]).success().says("ERROR=0").says_nothing_of("START sql table");
}

#[test]
fn meters_without_readings_give_no_rows() {
    let options = Options {
        meters: 2,
        days: 0,
        start: first_day(),
        seed: 1,
        dirt: 0.0,
        days_per_file: None,
        one_file_bytes: None,
    };
    let project = generated(&options);
    project.run(["build"]).success();
    for name in PRESENTATION.into_iter().skip(1) {
        assert_eq!(count(&project, &format!("{{{{ ref('{name}') }}}}")), 0, "{name}");
    }
}

#[test]
fn the_first_plan_and_the_next_say_why() {
    let project = generated(&Options { meters: 1, days: 1, dirt: 0.0, ..dirty(1) });
    assert_said!(project.run(["plan"]).success());
    assert!(!project.exists("data_lake") && !project.exists("target"), "a plan writes nothing");
    project.run(["build", "-q"]).success();
    project.write(
        "models/presentation/active_agreements.sql",
        "select agreement_id, meterpoint_id, display_name, is_variable from {{ ref('stg_agreements') }}",
    );
    assert_said!(project.run(["plan", "-s", "stg_agreements+"]).success());
}
