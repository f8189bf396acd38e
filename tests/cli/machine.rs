//! Output for programs: JSON lines and `run_results.json`.

use serde_json::Value;

use crate::project::Project;

fn project() -> Project {
    Project::new()
        .model("words.sql", "select unnest(['1', 'two']) as word")
        .model("numbers.sql", "select cast(word as int) as number from {{ ref('words') }}")
        .model("sum.sql", "select sum(number) as total from {{ ref('numbers') }}")
        .model("v.sql", "{{ config(materialized='view') }} select * from {{ ref('words') }}")
}

#[test]
fn every_line_of_a_json_log_is_an_event_with_a_name() {
    let ran = project().run(["build", "--log-format", "json", "--threads", "1"]).failure();
    let mut names = Vec::new();
    for line in ran.stdout.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["data"].is_object(), "{line}");
        names.push(event["info"]["name"].as_str().unwrap_or_else(|| panic!("no name: {line}")).to_owned());
    }
    insta::assert_snapshot!(names.join("\n"));
    assert_eq!(ran.stderr, "");
}

#[test]
fn run_results_have_one_result_a_step() {
    let project = project();
    project.run(["build"]).failure();
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("JSON");
    let mut found: Vec<(&str, &str)> = results["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| {
            (result["unique_id"].as_str().expect("an id"), result["status"].as_str().expect("a status"))
        })
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("model.shop.numbers", "error"),
            ("model.shop.sum", "skipped"),
            ("model.shop.v", "success"),
            ("model.shop.words", "success"),
        ]
    );
    assert_eq!(results["args"]["which"], "build");
}

#[test]
fn run_results_are_those_of_the_last_run() {
    let project = project();
    project.run(["build"]).failure();
    project.run(["run", "-s", "words"]).success();
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("JSON");
    assert_eq!(results["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(results["args"]["which"], "run");
}

#[test]
fn nothing_on_a_pipe_is_coloured() {
    let ran = project().run(["build"]).failure();
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran}");
}

#[test]
fn a_table_says_in_its_log_what_made_it() {
    let project = project();
    project.run(["build", "-s", "words"]).success();
    let log = project.read("lake/main/words/_delta_log/00000000000000000000.json");
    let info: Value = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|action| action["commitInfo"].is_object())
        .expect("commitInfo");
    let made = match &info["commitInfo"]["headwater"] {
        Value::String(text) => serde_json::from_str(text).expect("JSON"),
        value => value.clone(),
    };
    assert_eq!(made["node"], "model.shop.words");
    assert_eq!(made["rows"], 2);
}
