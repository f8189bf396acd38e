//! Data and files of every kind, from source to table.

use crate::{project::Project, ran::assert_said};

fn csv_source(columns: &str) -> String {
    format!(
        "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: {{ location: 'in/*.csv', format: csv }}\n        columns: {columns}\n"
    )
}

#[test]
fn a_partitioned_table_has_a_folder_a_value() {
    let project = Project::new().model(
        "a.sql",
        "{{ config(partition_by=['country']) }} select unnest([1, 2, 3]) as id, unnest(['DE', 'FR', 'DE']) as country",
    );
    project.run(["build"]).success();
    let folders: Vec<String> = project
        .files("lake/main/a")
        .iter()
        .filter_map(|file| Some(file.split_once('/')?.0.to_owned()))
        .collect();
    assert_eq!(folders.iter().filter(|folder| *folder == "country=DE").count(), 1, "{folders:?}");
    assert_eq!(folders.iter().filter(|folder| *folder == "country=FR").count(), 1, "{folders:?}");
    assert_eq!(
        project.rows("select country, sum(id) as s from {{ ref('a') }} group by country order by country"),
        "country,s\nDE,4\nFR,2\n"
    );
    project.run(["build"]).success();
    assert_eq!(project.rows("select count(*) as n from {{ ref('a') }}"), "n\n3\n");
}

#[test]
fn the_partition_column_may_stand_anywhere() {
    let sql = "select 1 as id, 7 as day, 30 as amount union all select 2, 8, 40";
    let project = Project::new()
        .model("a.sql", &format!("{{{{ config(partition_by='day') }}}} {sql}"))
        .model("b.sql", &format!("{{{{ config(partition_by=['day', 'id']) }}}} {sql}"));
    project.run(["build"]).success();
    for name in ["a", "b"] {
        let rows = project
            .rows(&format!("select * from {{{{ ref('{name}') }}}} union all select 3, 9, 50 order by 1"));
        assert_eq!(rows, "id,day,amount\n1,7,30\n2,8,40\n3,9,50\n");
    }
}

#[test]
fn a_table_may_be_partitioned_later() {
    let project = Project::new().model("a.sql", "select 1 as id, 'DE' as country");
    project.run(["build"]).success();
    project.write("models/a.sql", "{{ config(partition_by='country') }} select 1 as id, 'DE' as country");
    project.run(["plan"]).success().says("partition_by changed");
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('a') }}"), "id,country\n1,DE\n");
}

#[test]
fn a_setting_that_changed_is_told_from_a_statement_that_did() {
    let project = Project::new().model("a.sql", "select 1 as id, 'x' as kind");
    project.run(["build"]).success();
    project.write("models/a.sql", "-- the same\nSELECT 1 as id, 'x' as kind");
    project.run(["plan"]).success().says_nothing_of("changed");
    project.write("models/a.sql", "{{ config(target_file_size=1000000) }} select 1 as id, 'x' as kind");
    project.run(["plan"]).success().says("target_file_size changed");
    project.write("models/a.sql", "select 2 as id, 'x' as kind");
    project.run(["plan"]).success().says("SQL changed");
}

#[test]
fn a_table_may_change_its_columns() {
    let project = Project::new().model("a.sql", "select 1 as id, 'x' as old");
    project.run(["build"]).success();
    project.write("models/a.sql", "select 'two' as id, 2.5 as new");
    project.run(["plan"]).success().says("SQL changed");
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('a') }}"), "id,new\ntwo,2.5\n");
}

#[test]
fn windows_line_ends_and_byte_order_marks_are_read() {
    let project = Project::empty()
        .file("project.yml", "\u{feff}name: shop\r\ntarget: dev\r\ntargets:\r\n  dev:\r\n    root: lake\r\n")
        .file(
            "sources.yml",
            csv_source("[{ name: id, data_type: bigint }, { name: note }]").replace('\n', "\r\n"),
        )
        .file("in/a.csv", "\u{feff}id,note\r\n1,one\r\n2,\"two\r\nlines\"\r\n")
        .model("a.sql", "\u{feff}-- all\r\nselect *\r\nfrom {{ source('shop', 'orders') }}\r\n");
    project.run(["build"]).success().says_nothing_of("WARN created");
    assert_eq!(
        project.rows("select id, length(note) as n from {{ ref('a') }} order by id"),
        "id,n\n1,3\n2,10\n"
    );
    project.write("models/a.sql", "select *\r\nfrom {{ source('shop', 'orders') }}\r\nwhere nothing = 1\r\n");
    project.run(["build"]).refused().says("models/a.sql:3:7");
}

#[test]
fn names_and_values_of_any_script_are_kept() {
    let project = Project::new()
        .file("sources.yml", csv_source("[{ name: größe, data_type: double }, { name: 名前 }]"))
        .file("in/größen.csv", "größe,名前\n1.5,山田 🌊\n2.5,\n")
        .model("messungen/größen.sql", "select \"größe\", \"名前\" from {{ source('shop', 'orders') }}")
        .model("summe.sql", "select sum(\"größe\") as \"Σ\" from {{ ref('größen') }}");
    project.run(["build"]).success();
    assert_eq!(
        project.rows("select * from {{ ref('größen') }} order by 1"),
        "größe,名前\n1.5,山田 🌊\n2.5,\n"
    );
    assert_eq!(project.rows("select * from {{ ref('summe') }}"), "Σ\n4.0\n");
}

#[test]
fn partition_values_of_any_kind_are_kept() {
    let project = Project::new().model(
        "a.sql",
        "{{ config(partition_by='p') }} select unnest([1, 2, 3]) as id, unnest(['a/b c', 'ü=%', null]) as p",
    );
    project.run(["build"]).success();
    assert_eq!(project.rows("select id, p from {{ ref('a') }} order by id"), "id,p\n1,a/b c\n2,ü=%\n3,\n");
    // The Delta log can't distinguish an empty string from NULL.
    project.write(
        "models/a.sql",
        "{{ config(partition_by='p') }} select unnest([1, 2]) as id, unnest(['x', '']) as p",
    );
    project.run(["build"]).failure().says("nullif(p, '')");
    assert_eq!(project.rows("select id, p from {{ ref('a') }} order by id"), "id,p\n1,a/b c\n2,ü=%\n3,\n");
}

#[test]
fn an_empty_source_gives_an_empty_table() {
    let project = Project::new()
        .file("sources.yml", csv_source("[{ name: id, data_type: bigint }]"))
        .file("in/a.csv", "id\n")
        .model("a.sql", "select * from {{ source('shop', 'orders') }}")
        .model("b.sql", "select count(*) as n, max(id) as m from {{ ref('a') }}");
    project.run(["build"]).success().says("OK 0 rows");
    assert_eq!(project.rows("select * from {{ ref('a') }}"), "id\n");
    assert_eq!(project.rows("select * from {{ ref('b') }}"), "n,m\n0,\n");
}

#[test]
fn bad_rows_are_set_aside_with_their_place() {
    let project = Project::new()
        .file("sources.yml", csv_source("[{ name: id, data_type: bigint }, { name: day, data_type: date }]"))
        .file("in/a.csv", "id,day\n1,2024-02-29\n2,2023-02-29\nx,2024-01-01\n3,2024-01-01\n")
        .model("a.sql", "select * from {{ source('shop', 'orders') }}");
    project
        .run(["build"])
        .success()
        .says("2 rows set aside")
        .says("in/a.csv:3: day:")
        .says("in/a.csv:4: id:");
    assert_eq!(
        project.rows("select * from {{ ref('a') }} order by id"),
        "id,day\n1,2024-02-29\n3,2024-01-01\n"
    );
    project.write("in/a.csv", "id,day\n1,2024-02-29\n2,2023-02-28\n");
    project.run(["build"]).success().says_nothing_of("set aside");
    assert_eq!(project.rows("select count(*) as n from main.a_rejected"), "n\n0\n");
}

#[test]
fn a_delta_table_elsewhere_is_a_source() {
    let project = Project::new()
        .model("made.sql", "select unnest([1, 2]) as id")
        .file(
            "sources.yml",
            "sources:\n  - name: other\n    tables:\n      - name: made\n        external: { location: lake/main/made, format: delta }\n",
        );
    project.run(["build"]).success();
    project.write("models/read.sql", "select id + 10 as id from {{ source('other', 'made') }}");
    project.run(["build", "-s", "read"]).success();
    assert_eq!(project.rows("select * from {{ ref('read') }} order by id"), "id\n11\n12\n");
}

#[test]
fn a_delta_table_in_the_lake_is_a_source() {
    let project = Project::new().model("made.sql", "select 5 as id");
    project.run(["build"]).success();
    std::fs::remove_file(project.path("models/made.sql")).expect("the model");
    project.write("sources.yml", "sources:\n  - name: main\n    tables:\n      - name: made\n");
    project.write("models/read.sql", "select id from {{ source('main', 'made') }}");
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('read') }}"), "id\n5\n");
}

#[test]
fn every_type_comes_back_as_it_went() {
    let sql = "select true as b, 1 as i, cast(2 as smallint) as s, 1.5 as f, cast(12.34 as decimal(10, 2)) as d, \
               date '2024-02-29' as day, timestamp '2024-02-29 12:00:00' as t, 'x''y' as v, [1, 2] as l, \
               cast(null as varchar) as n";
    let project = Project::new().model("a.sql", sql);
    project.run(["build"]).success();
    let direct = project.run(["show", "--inline", sql, "--output", "json"]).success().stdout;
    let stored = project.run(["show", "--inline", "select * from {{ ref('a') }}", "--output", "json"]);
    assert_eq!(stored.success().stdout, direct);
}

#[test]
fn a_model_can_not_be_called_as_the_rejects_of_another() {
    let project = Project::new()
        .file("sources.yml", csv_source("[{ name: id, data_type: bigint }]"))
        .file("in/a.csv", "id\n1\n")
        .model("orders.sql", "select * from {{ source('shop', 'orders') }}")
        .model("orders_rejected.sql", "select 1 as id");
    assert_said!(project.run(["build"]).refused());
}
