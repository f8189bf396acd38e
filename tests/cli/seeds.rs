//! Seeds: the project's CSV files as tables, reloaded only if their contents change.

use std::{
    fmt::Write as _,
    fs::File,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{project::Project, ran::assert_said};

const COUNTRIES: &str = "code,name,people,euro_since\nDE,Germany,83,1999-01-01\nFR,\"France\",68,1999-01-01\nNO,Norway,5.5,\nNA,null,,\n";

/// A seed with tests, and a model that reads it.
fn shop() -> Project {
    Project::new()
        .file("seeds/countries.csv", COUNTRIES)
        .file(
            "seeds/seeds.yml",
            "seeds:\n  - name: countries\n    description: Where we sell.\n    columns: [{ name: code, data_tests: [unique, not_null] }]\n",
        )
        .model("euro.sql", "select code, people from {{ ref('countries') }} where euro_since is not null")
}

/// Returns the reason why a table is built or kept.
#[track_caller]
fn because(project: &Project, name: &str) -> String {
    let json = project.run(["plan", "--output", "json"]).success().stdout;
    let plan: Value = serde_json::from_str(&json).expect("a plan");
    let mut steps = plan["steps"].as_array().expect("steps").iter();
    let step = steps.find(|step| step["name"] == name).expect("a step of that name");
    step["because"].as_str().expect("text").to_owned()
}

fn versions(project: &Project, table: &str) -> usize {
    project.files(&format!("lake/{table}/_delta_log")).iter().filter(|file| file.contains(".json")).count()
}

#[test]
fn a_seed_is_loaded_in_dbts_words() {
    let project = shop();
    assert_said!(project.run(["seed", "--threads", "1"]).success());
    assert_eq!(
        project.rows("select * from {{ ref('countries') }} order by code"),
        "code,name,people,euro_since\nDE,Germany,83.0,1999-01-01\nFR,France,68.0,1999-01-01\nNA,,,\nNO,Norway,5.5,\n"
    );
    assert_said!(project.run(["seed", "--threads", "1"]).success());
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("artifact");
    let result = &results["results"][0];
    assert_eq!((&result["unique_id"], &result["status"]), (&"seed.shop.countries".into(), &"reused".into()));
    assert_eq!(result["compiled_code"], Value::Null);
    for (option, reason) in [("--force", "forced"), ("--full-refresh", "full refresh")] {
        project.run(["seed", option]).success().says(reason).says("[INSERT 4 in");
    }
    // Seeds have no rejects.
    assert!(!project.exists("lake/main/countries_rejected"));
}

#[test]
fn build_loads_tests_and_reads_it() {
    let project = shop();
    assert_said!(project.run(["plan"]).success());
    assert_said!(project.run(["build", "--threads", "1"]).success());
    assert_said!(project.run(["build", "--threads", "1"]).success());
    assert_eq!(project.rows("select sum(people) as people from {{ ref('euro') }}"), "people\n151.0\n");
}

#[test]
fn a_failing_test_withholds_a_seed_and_the_last_good_version_stands() {
    let project = shop();
    project.run(["build"]).success();
    project.write("seeds/countries.csv", format!("{COUNTRIES}DE,Deutschland,84,1999-01-01\n"));
    assert_said!(project.run(["build", "--threads", "1"]).failure());
    assert_eq!(project.rows("select count(*) as n from {{ ref('countries') }}"), "n\n4\n");
    project.write("seeds/countries.csv", COUNTRIES);
    project.run(["build"]).success().says("REUSED=4");
}

#[test]
fn only_what_the_file_holds_counts() {
    let project = shop();
    project.run(["build"]).success();
    let file = File::options().append(true).open(project.path("seeds/countries.csv")).expect("the seed");
    file.set_modified(SystemTime::now() + Duration::from_hours(1)).expect("a time");
    assert_eq!(because(&project, "main.countries"), "up to date");
    std::fs::create_dir(project.path("seeds/deep")).expect("a folder");
    std::fs::rename(project.path("seeds/countries.csv"), project.path("seeds/deep/countries.csv"))
        .expect("moved");
    assert_eq!(because(&project, "main.countries"), "up to date");
    // The same rows in different bytes make no new version, and downstream tables stay up to date.
    project.write("seeds/deep/countries.csv", COUNTRIES.replace('\n', "\r\n").replace("DE", "\"DE\""));
    assert_eq!(because(&project, "main.countries"), "its file changed");
    let before = versions(&project, "main/euro");
    project.run(["build"]).success().says("UNCHANGED seed file main.countries");
    assert_eq!(because(&project, "main.countries"), "up to date");
    assert_eq!(because(&project, "main.euro"), "up to date");
    assert_eq!(versions(&project, "main/euro"), before);
    // Different rows do.
    project.write("seeds/deep/countries.csv", COUNTRIES.replace("83", "84"));
    assert_eq!(because(&project, "main.countries"), "its file changed");
    assert_eq!(because(&project, "main.euro"), "countries changed");
    project.run(["seed"]).success();
    assert_eq!(because(&project, "main.countries"), "up to date");
    assert_eq!(because(&project, "main.euro"), "countries changed");
    std::fs::remove_dir_all(project.path("lake/main/countries")).expect("removed");
    assert_eq!(because(&project, "main.countries"), "table was dropped");
}

#[test]
fn settings_that_shape_the_rows_count_and_others_do_not() {
    let project = shop();
    let configured = |settings: &str| {
        let root = "name: shop\ntarget: dev\ntargets:\n  dev:\n    root: lake\n";
        project.write("project.yml", format!("{root}seeds:\n  shop:\n    countries: {{ {settings} }}\n"));
    };
    configured("+tags: [static]");
    project.run(["build"]).success();
    configured("+tags: [other], +meta: { owner: Ann }, +docs: { show: true }");
    assert_eq!(because(&project, "main.countries"), "up to date");
    for (settings, why) in [
        ("+column_types: { people: 'decimal(10, 2)' }", "column_types changed"),
        ("+null_values: [NA]", "null_values changed"),
        ("+quote_columns: true", "quote_columns changed"),
        ("+partition_by: euro_since", "partition_by changed"),
    ] {
        configured(settings);
        assert_eq!(because(&project, "main.countries"), why);
    }
    configured("+column_types: { CODE: TEXT, people: 'decimal(10, 2)' }");
    project.run(["build"]).success();
    // A type's spelling doesn't matter.
    configured("+column_types: { people: 'numeric(10,2)', code: varchar }");
    assert_eq!(because(&project, "main.countries"), "up to date");
    assert_eq!(project.rows("select sum(people) as n from {{ ref('countries') }}"), "n\n156.50\n");
}

#[test]
fn files_are_written_in_many_ways() {
    let odd = "\u{feff}Größe;名前;'a;b'\r\n1;'x\r\ny';2021-01-01T12:00:00Z\r\n\r\n-;'it''s';\r\n";
    let project = Project::new()
        .file("seeds/odd.csv", odd)
        .file("seeds/none.csv", "id,Name\n")
        .file("seeds/one.csv", "Only\n7\n\"8\"")
        .file("seeds/names.csv", "select,a.b,\"q\"\"x\",order\n1,2,3,4\n")
        .file(
            "seeds/seeds.yml",
            "seeds:\n  - name: odd\n    config: { delimiter: ';', quote: \"'\", null_values: ['-'], quote_columns: true, schema: ref, alias: strange, column_types: { größe: int } }\n  - name: none\n    config: { column_types: { id: int, gone: int } }\n",
        );
    project.run(["seed"]).refused().says("a column can't have ';' in its name").says("rename the column");
    project.write("seeds/odd.csv", odd.replace("a;b", "AB"));
    project.run(["seed"]).success();
    assert_eq!(
        project.rows("select \"Größe\" as g, 名前 as n, \"AB\" as ab from ref.strange order by n"),
        "g,n,ab\n,it's,\n1,\"x\r\ny\",2021-01-01T12:00:00Z\n"
    );
    assert_eq!(project.rows("select id, name from {{ ref('none') }}"), "id,name\n");
    assert_eq!(project.rows("select only from {{ ref('one') }} order by 1"), "only\n7\n8\n");
    assert_eq!(
        project.rows("select \"select\", \"a.b\", \"q\"\"x\" as q, \"order\" from {{ ref('names') }}"),
        "select,a.b,q,order\n1,2,3,4\n"
    );
    project
        .run(["compile", "-s", "none"])
        .success()
        .says("id: integer\nname: integer\n")
        .says("warning[unknown-column]: `column_types` names `gone`, which the seed `none`");
}

#[test]
fn what_is_wrong_is_told_with_its_place_before_anything_is_written() {
    let project = shop()
        .file("seeds/empty.csv", "")
        .file("seeds/ragged.csv", "a,b\n1,2\n3\n")
        .file("seeds/twice.csv", "a,b,A\n1,2,3\n")
        .file("seeds/semicolons.csv", "a;b\n1;2\n")
        .file("seeds/text.csv", b"a,b\n1,\xff\n")
        .file("seeds/typed.csv", "id,day\n1,2021-01-01\n2,yesterday\n")
        .file("seeds/untyped.csv", "id\n1\n")
        .file(
            "seeds/seeds.yml",
            "seeds:\n  - name: typed\n    config: { column_types: { day: date } }\n  - name: untyped\n    config: { column_types: { id: bigit, ib: int } }\n  - name: euro\n",
        );
    assert_said!(project.run(["build"]).refused());
    assert!(!project.exists("lake"));
    let clash = shop().model("countries.sql", "select 1 as a").model("other.sql", "select 1 as a");
    assert_said!(clash.run(["build"]).refused());
}

#[test]
fn settings_of_a_seed_are_checked_at_their_place() {
    let project = shop().file(
        "seeds/seeds.yml",
        "seeds:\n  - name: countries\n    config: { delimiter: ';;', quote: '', null_values: { a: 1 }, column_types: [code], quote_columns: 3, colum_types: { a: b } }\n",
    );
    assert_said!(project.run(["seed"]).refused());
}

#[test]
fn seeds_are_listed_selected_and_shown() {
    let project = shop().file("seeds/more/rates.csv", "day,rate\n2021-01-01,0.5\n").file(
        "project.yml",
        "name: shop\ntarget: dev\ntargets:\n  dev:\n    root: lake\nseeds:\n  shop:\n    more: { +tags: daily, +schema: ref }\n",
    );
    let list = |selection: &str| {
        let args = ["list", "--output", "name", "--indirect-selection", "empty", "-s", selection];
        project.run(args).success().lines().join(" ")
    };
    assert_eq!(list("resource_type:seed"), "countries rates");
    assert_eq!(list("path:seeds/more"), "rates");
    assert_eq!(list("rates.csv"), "rates");
    assert_eq!(list("tag:daily"), "rates");
    assert_eq!(list("shop.more"), "rates");
    assert_eq!(list("config.materialized:seed"), "countries rates");
    assert_eq!(list("countries+,resource_type:model"), "euro");
    assert_eq!(list("+euro,resource_type:seed"), "countries");
    assert_said!(project.run(["list", "--resource-type", "seed", "--output", "json"]).success());
    // A seed is read from its file, whatever is in the lake.
    project.run(["show", "-s", "rates"]).success().says("2021-01-01");
    project.run(["compile", "-s", "rates"]).success().says("day: date\nrate: double\n");
    project.run(["compile"]).success().says("2 seeds are well\n1 models are well");
    assert!(!project.exists("lake"));
    project.run(["show", "-s", "euro"]).refused().says("headwater build -s +countries");
    project.run(["seed", "--exclude", "tag:daily"]).success().says("TOTAL=1");
    project.run(["show", "-s", "euro"]).success().says("DE");
    project.run(["seed", "-s", "rates"]).success().says("OK loaded seed file ref.rates");
}

#[test]
fn run_builds_no_seed_and_says_how_to_load_it() {
    let project = shop();
    project
        .run(["run"])
        .failure()
        .says("main.countries is not in the lake: load it first with `headwater seed`")
        .says_nothing_of("seed file");
    project.run(["seed"]).success();
    project.run(["run"]).success().says("TOTAL=1");
}

#[test]
fn tests_of_every_kind_read_seeds() {
    let project = shop()
        .file("data-tests/people.sql", "select * from {{ ref('countries') }} where people > 80")
        .file(
            "models/schema.yml",
            "models:\n  - name: euro\n    columns:\n      - name: code\n        data_tests:\n          - relationships: { arguments: { to: ref('countries'), field: code } }\nunit_tests:\n  - name: picks\n    model: euro\n    given:\n      - input: ref('countries')\n        rows: [{ code: A, people: 1.5, euro_since: 2020-01-01 }, { code: B }]\n    expect: { rows: [{ code: A, people: 1.5 }] }\n",
        );
    project.run(["build"]).failure().says("PASS euro::picks").says("WITHHELD seed file main.countries");
    project.write("data-tests/people.sql", "select * from {{ ref('countries') }} where people > 90");
    project.run(["build"]).success().says("PASS relationships_euro_code");
    project.run(["test", "-s", "countries"]).success().says("PASS people");
    project.write(
        "models/schema.yml",
        "unit_tests:\n  - name: none\n    model: countries\n    given: []\n    expect: { rows: [] }\n",
    );
    project.run(["build"]).refused().says("`countries` is a seed, and has no SQL to test");
}

#[test]
fn rules_and_contracts_hold_for_seeds_too() {
    let project = shop().file(
        "seeds/seeds.yml",
        "seeds:\n  - name: countries\n    config: { contract: { enforced: true } }\n    columns:\n      - { name: code, data_type: varchar, constraints: [{ type: not_null }] }\n      - name: name\n        data_type: varchar\n        data_tests: [{ not_null: { config: { on_violation: quarantine } } }]\n      - { name: people, data_type: double }\n      - { name: euro_since, data_type: date }\n",
    );
    project.run(["build"]).success().says("1 row quarantined");
    assert_eq!(project.rows("select code from main_quarantine.countries"), "code\nNA\n");
    project.write("seeds/countries.csv", COUNTRIES.replace("5.5", "many"));
    project.run(["build"]).refused().says("people");
}

#[test]
fn a_partitioned_seed_keeps_its_values_in_their_columns() {
    let project = shop().file(
        "seeds/seeds.yml",
        "seeds:\n  - name: countries\n    config: { partition_by: code, column_types: { people: varchar } }\n",
    );
    project.run(["seed"]).success();
    assert_eq!(
        project
            .rows("select code, name, people from {{ ref('countries') }} where code <> 'NA' order by code"),
        "code,name,people\nDE,Germany,83\nFR,France,68\nNO,Norway,5.5\n"
    );
}

#[test]
fn programs_are_told_in_dbts_structure() {
    let project = shop();
    let log = project.run(["seed", "--log-format", "json"]).success().stdout;
    let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let line = lines.find(|line| line["info"]["name"] == "LogSeedResult").expect("the seed's line");
    assert_eq!(line["info"]["code"], "Q016");
    assert_eq!(line["data"]["result_message"], "INSERT 4");
    assert_eq!(line["data"]["relation"], "countries");
    assert_eq!(line["data"]["node_info"]["materialized"], "seed");
    assert_eq!(line["data"]["node_info"]["node_path"], "seeds/countries.csv");
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("artifact");
    assert_eq!(results["results"][0]["adapter_response"]["code"], "INSERT");
    assert_eq!(results["results"][0]["adapter_response"]["rows_affected"], 4);
}

#[test]
fn a_large_seed_is_read_to_its_end() {
    let mut text = "id,half\n".to_owned();
    for id in 0..100_000_u32 {
        writeln!(text, "{id},{}", f64::from(id) / 2.0).expect("text");
    }
    let project = Project::new().file("seeds/large.csv", &text);
    project.run(["seed"]).success().says("[INSERT 100000 in");
    assert_eq!(
        project.rows("select count(distinct id) as n, sum(half) as half from {{ ref('large') }}"),
        "n,half\n100000,2499975000.0\n"
    );
    project.write("seeds/large.csv", format!("{text}one,2\n"));
    project
        .write("seeds/seeds.yml", "seeds:\n  - name: large\n    config: { column_types: { id: bigint } }\n");
    project.run(["seed"]).refused().says("`one` is not a bigint").says("seeds/large.csv:100002:1");
}

#[test]
fn a_seed_with_too_many_columns_is_refused_at_the_first() {
    let header: Vec<String> = (1..=10_001).map(|number| format!("c{number}")).collect();
    let project = Project::new().file("seeds/wide.csv", format!("{}\n", header.join(",")));
    let ran = project.run(["compile"]).refused().says("too-many-columns");
    ran.says("seeds/wide.csv:1:58895")
        .says("a seed can have 10000 columns, this one has 10001")
        .says("`delimiter`");
}
