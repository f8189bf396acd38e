//! Sources whose columns drift from the declaration.

use crate::project::Project;

/// A table of orders from CSV files, with additional keys next to their location.
fn orders(keys: &str, config: &str) -> Project {
    let columns = "[{ name: id, data_type: bigint }, { name: amount, data_type: double }, { name: _source_file, data_type: varchar }]";
    Project::new()
        .file(
            "sources.yml",
            format!("sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: {{ location: 'in/*.csv', format: csv{keys} }}\n        columns: {columns}\n"),
        )
        .file("in/1.csv", "id,amount\n1,2.5\n2,3.5\n")
        .model("raw.sql", &format!("{{{{ config(materialized='{config}') }}}} select * from {{{{ source('shop', 'orders') }}}}"))
}

const SUM: &str = "select count(*) as n, sum(amount) as amount from {{ ref('raw') }}";

#[test]
fn a_renamed_column_is_an_error_and_the_last_good_version_stays() {
    let project = orders("", "table");
    project.run(["build"]).success();
    project.write("in/1.csv", "id,amount_eur\n1,2.5\n2,3.5\n");
    let ran = project.run(["build"]).failure();
    let ran = ran
        .says("lacks the declared column `amount`, and has `amount_eur`, which isn't declared, in its place");
    ran.says("in the file: `id`, `amount_eur`");
    assert_eq!(project.rows(SUM), "n,amount\n2,6.0\n");
    let project = orders(", on_missing_column: null, on_new_column: ignore", "table");
    project.write("in/1.csv", "id,amount_eur\n1,2.5\n2,3.5\n");
    project.run(["build"]).success().says("WARN=0");
    assert_eq!(project.rows(SUM), "n,amount\n2,\n");
}

#[test]
fn files_that_were_loaded_before_count_for_what_came_later() {
    let project = orders("", "incremental");
    project.run(["build"]).success();
    project.write("in/2.csv", "id\n3\n");
    project
        .run(["build"])
        .success()
        .says("the column `amount` is NULL in 1 row of files that lack it: in/2.csv");
    let drift = "select drift from main.raw_files where drift is not null";
    assert_eq!(project.rows(drift), "drift\n\"{\"\"missing\"\":[\"\"amount\"\"]}\"\n");
    project.write("in/3.csv", "ID,Amount_EUR\n4,4.5\n");
    project.run(["build"]).failure().says("`Amount_EUR`");
    assert_eq!(project.rows(SUM), "n,amount\n3,6.0\n");
    project.write("in/3.csv", "ID,AMOUNT\n4,4.5\n");
    project.run(["build"]).success();
    assert_eq!(project.rows(SUM), "n,amount\n4,10.5\n");
}

#[test]
fn a_new_column_is_warned_of_rescued_or_added() {
    let project = orders("", "table");
    project.write("in/1.csv", "id,amount,x\n1,2.5,a\n2,3.5,\n");
    project
        .run(["build"])
        .success()
        .says("the column `x` isn't declared and isn't read: in/1.csv")
        .says("WARN=1");
    project.run(["build"]).success().says("REUSED=1").says("WARN=0");
    let project = orders(", on_new_column: rescue", "table");
    project.write("in/1.csv", "id,amount,x\n1,2.5,a\n2,3.5,\n");
    project.run(["build"]).success().says("WARN=0");
    let rescued = "select id, _rescued from {{ ref('raw') }} order by id";
    assert_eq!(project.rows(rescued), "id,_rescued\n1,\"{\"\"x\"\":\"\"a\"\"}\"\n2,\n");
    let project = orders(", on_new_column: add", "table");
    project.run(["build"]).success();
    project.write("in/2.csv", "id,amount,x\n3,4.5,a\n");
    project.run(["build"]).success().says("WARN=0");
    assert_eq!(
        project.rows("select id, amount, x from {{ ref('raw') }} order by id"),
        "id,amount,x\n1,2.5,\n2,3.5,\n3,4.5,a\n"
    );
}

#[test]
fn too_many_rejects_withhold() {
    let project = orders("", "table");
    project.run(["build"]).success();
    project.write("in/1.csv", "id,amount\n1,2.5\nx,3.5\ny,4\n");
    let ran = project.run(["build"]).failure();
    ran.says("2 of the 3 rows of in/1.csv were rejected, more than half of them").says("in/1.csv:3: id:");
    assert_eq!(project.rows(SUM), "n,amount\n2,6.0\n");
    let lenient = orders(", max_rejected: 70%", "table");
    lenient.write("in/1.csv", "id,amount\n1,2.5\nx,3.5\ny,4\n");
    lenient.run(["build"]).success().says("2 rows set aside");
    lenient.run(["build"]).success().says("2 rows set aside").says("up to date");
}

#[test]
fn what_a_source_sets_aside_is_said_by_show() {
    let project = orders("", "table");
    project.write("in/1.csv", "id,amount_eur\n1,2.5\nx,3.5\ny,4\n");
    let ran = project.run(["show", "--inline", "select id from {{ source('shop', 'orders') }}"]).success();
    ran.says("2 rows of what was read set aside").says("in/1.csv:3: id:").says("`amount_eur`");
}

#[test]
fn wrong_words_are_found_at_their_line() {
    let wrong = orders(", on_missing_column: nul, on_new_column: rescu, max_rejected: lots", "table");
    let ran = wrong.run(["build"]).refused();
    let ran = ran
        .says("`on_missing_column` must be one of auto, fail, null, reject_file")
        .says("did you mean `null`?");
    let ran = ran
        .says("`on_new_column` must be one of warn, ignore, fail, rescue, add")
        .says("did you mean `rescue`?");
    let ran = ran.says("`max_rejected` must be a share such as `10%` or 0.1, or a number of rows");
    ran.says("sources.yml:5");
}

#[test]
fn other_columns_of_a_source_that_declares_none_are_warned_of() {
    let write = |project: &Project, columns: &str| {
        let path = project.path("crm.db");
        let _ = std::fs::remove_file(&path);
        let made = rusqlite::Connection::open(path).unwrap();
        made.execute_batch(&format!("create table orders ({columns}); insert into orders values (1, 2.5);"))
            .unwrap();
    };
    let project = Project::new()
        .file("sources.yml", "sources:\n  - name: crm\n    tables:\n      - name: orders\n        external: { location: crm.db }\n")
        .model("raw.sql", "select * from {{ source('crm', 'orders') }}")
        .model("top.sql", "select * from {{ ref('raw') }}");
    write(&project, "id integer, amount real");
    project.run(["build"]).success().says("WARN=0");
    write(&project, "id integer, amount_eur real");
    project.run(["build"]).success().says(
        "raw: the table no longer has `amount`, and has `amount_eur` now, since its source has other columns",
    );
    project.write("models/raw.sql", "select id from {{ source('crm', 'orders') }}");
    project.run(["build"]).success().says("WARN=0");
}
