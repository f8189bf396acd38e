//! Builds with `--empty`.

use crate::project::Project;

/// Orders from files and a seed, read by a model of each kind that keeps rows.
fn shop() -> Project {
    Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: 'in/*.csv', format: csv }\n        columns: [{ name: id, data_type: bigint }, { name: day, data_type: date }, { name: _source_file, data_type: varchar }]\n        config: { event_time: day }\n",
        )
        .file("in/1.csv", "id,day\n1,2021-01-01\n2,2021-01-02\n")
        .file("seeds/fruit.csv", "id,name\n1,apple\n2,pear\n")
        .model("plain.sql", "select id from {{ source('shop', 'orders') }}")
        .model("counted.sql", "select count(*) as n from {{ ref('plain') }}")
        .model("named.sql", "select f.name from {{ ref('fruit') }} as f join {{ ref('plain') }} as p on f.id = p.id")
        .model(
            "newest.sql",
            "{{ config(materialized='incremental', unique_key='id') }}\nselect id, day from {{ source('shop', 'orders') }}\n{% if is_incremental() %} where day > (select max(day) from {{ this }}) {% endif %}",
        )
        .model(
            "loaded.sql",
            "{{ config(materialized='incremental', incremental_strategy='by_file') }}\nselect id, _source_file from {{ source('shop', 'orders') }}",
        )
        .model(
            "batched.sql",
            "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='month', begin='2021-01-01') }}\nselect id, day from {{ source('shop', 'orders') }}",
        )
        .file(
            "snapshots/kept.sql",
            "{% snapshot kept %}{{ config(unique_key='id', strategy='check', check_cols='all') }}select id, day from {{ source('shop', 'orders') }}{% endsnapshot %}",
        )
}

const TABLES: [&str; 6] = ["plain", "named", "newest", "loaded", "batched", "kept"];

fn counts(project: &Project) -> Vec<String> {
    let count = |table: &str| {
        let rows = project.rows(&format!("select count(*) from {{{{ ref('{table}') }}}}"));
        rows.lines().last().unwrap_or_default().to_owned()
    };
    TABLES.iter().map(|table| count(table)).collect()
}

#[test]
fn new_tables_have_columns_and_no_rows_until_the_next_build() {
    let project = shop();
    project.run(["build", "--empty"]).success();
    assert_eq!(counts(&project), ["0"; 6]);
    assert_eq!(project.rows("select * from {{ ref('counted') }}"), "n\n0\n");
    assert_eq!(project.rows("select count(*) as n from {{ ref('fruit') }}"), "n\n2\n");
    project.run(["build", "--empty"]).success().says("REUSED=8");
    project.run(["plan"]).success().says("--empty changed").says("full refresh");
    project.run(["build"]).success();
    assert_eq!(counts(&project), ["2"; 6]);
    project.run(["build"]).success().says("REUSED=8");
}

#[test]
fn tables_that_keep_rows_keep_them() {
    let project = shop();
    project.run(["build"]).success();
    project.write("in/2.csv", "id,day\n3,2021-02-03\n");
    project.run(["build", "--empty"]).success();
    assert_eq!(counts(&project), ["0", "0", "2", "2", "2", "2"]);
    project.run(["build"]).success();
    // The batch of the new row is done.
    assert_eq!(counts(&project), ["3", "2", "3", "3", "2", "3"]);
}

#[test]
fn tests_of_tables_that_are_read_without_rows_are_refused() {
    shop().run(["test", "--empty"]).refused().says("headwater build --empty");
}

#[test]
fn readers_of_kept_tables_see_their_new_columns() {
    let project = shop().model("reader.sql", "select id, extra from {{ ref('newest') }}").model(
        "newest.sql",
        "{{ config(materialized='incremental', unique_key='id') }}\nselect id, day from {{ source('shop', 'orders') }}",
    );
    project.run(["build", "--exclude", "reader"]).success();
    project.write(
        "models/newest.sql",
        "{{ config(materialized='incremental', unique_key='id', on_schema_change='append_new_columns') }}\nselect id, day, id * 2 as extra from {{ source('shop', 'orders') }}",
    );
    project.run(["build", "--empty", "-s", "newest", "reader"]).success();
}

#[test]
fn results_of_tests_without_rows_are_not_reused_for_rows() {
    let project = shop().file(
        "models/plain.yml",
        "models:\n  - name: plain\n    config: { materialized: view }\n    columns: [{ name: id, data_tests: [{ accepted_values: { values: [1] } }] }]\n",
    );
    project.run(["build", "--empty", "-s", "plain"]).success();
    project.run(["build", "-s", "plain"]).failure();
}
