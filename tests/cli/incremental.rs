//! Incremental models.

use serde_json::Value;

use crate::project::Project;

/// Orders from files, and a model of them.
fn orders(config: &str, select: &str) -> Project {
    Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: 'in/*.csv', format: csv }\n        columns: [{ name: id, data_type: bigint }, { name: day, data_type: bigint }, { name: amount, data_type: bigint }]\n",
        )
        .file("in/1.csv", "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n")
        .model("a.sql", &format!("{{{{ config(materialized='incremental', {config}) }}}}\n{select}"))
}

const ALL: &str = "select id, day, amount from {{ source('shop', 'orders') }}";

#[track_caller]
fn assert_rows(project: &Project, expected: &str) {
    assert_eq!(project.rows("select * from {{ ref('a') }} order by all"), expected);
}

fn last_commit(project: &Project, table: &str) -> Vec<Value> {
    let folder = format!("lake/main/{table}/_delta_log");
    let mut log = project.files(&folder).into_iter().filter(|file| file.contains(".json"));
    let text = project.read(&format!("{folder}/{}", log.next_back().expect("a commit")));
    text.lines().map(|line| serde_json::from_str(line).expect("an action")).collect()
}

fn actions(project: &Project, kind: &str) -> usize {
    last_commit(project, "a").iter().filter(|action| action.get(kind).is_some()).count()
}

#[test]
fn new_rows_are_appended() {
    let sql = format!(
        "{ALL}\n{{% if is_incremental() %}} where id > (select max(id) from {{{{ this }}}}) {{% endif %}}"
    );
    let project = orders("incremental_strategy='append'", &sql);
    project.run(["plan"]).success().says("build table  main.a  first build");
    project.run(["build"]).success().says("OK created sql incremental model main.a");
    project.run(["build"]).success().says("REUSED=1");
    project.write("in/2.csv", "id,day,amount\n4,2,40\n");
    project.run(["plan"]).success().says("update       main.a  shop.orders has 2 files, had 1");
    project.run(["build"]).success().says("[OK 1 row in").says("1 inserted");
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n4,2,40\n");
    assert_eq!((actions(&project, "add"), actions(&project, "remove")), (1, 0));
    // A new file, but none of its rows is new.
    project.write("in/3.csv", "id,day,amount\n1,1,10\n");
    project.run(["build"]).success().says("UNCHANGED sql incremental model main.a");
    project.run(["build"]).success().says("REUSED=1");
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n4,2,40\n");
}

#[test]
fn rows_of_a_key_are_merged() {
    let project = orders("unique_key='id', partition_by='day'", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n2,1,25\n3,2,30\n4,3,40\n");
    project.run(["build"]).success().says("1 inserted, 1 updated");
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,25\n3,2,30\n4,3,40\n");
    project.run(["build", "--force"]).success().says("OK created").says_nothing_of("updated");
}

#[test]
fn a_merge_leaves_files_alone_that_no_new_row_reaches() {
    let project = orders("unique_key=['day', 'id'], partition_by='day'", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n2,1,25\n");
    project.run(["build"]).success().says("[OK 1 row in").says("1 updated");
    assert_eq!((actions(&project, "add"), actions(&project, "remove")), (1, 1));
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,25\n3,2,30\n");
    project.write("in/1.csv", "id,day,amount\n2,1,25\n1,1,10\n");
    project.run(["build"]).success().says("UNCHANGED sql incremental model main.a");
}

#[test]
fn a_merge_changes_the_columns_it_is_told_to() {
    let project = orders("unique_key='id', merge_update_columns=['amount']", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n2,7,25\n4,7,40\n");
    project.run(["build"]).success().says("1 inserted, 1 updated");
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,25\n3,2,30\n4,7,40\n");
    let project = orders("unique_key='id', merge_exclude_columns=['amount']", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n2,7,25\n4,7,40\n");
    project.run(["build"]).success();
    assert_rows(&project, "id,day,amount\n1,1,10\n2,7,20\n3,2,30\n4,7,40\n");
}

#[test]
fn a_merge_deletes_what_its_condition_says() {
    let project = orders("unique_key='id', merge_delete_condition='DBT_INTERNAL_SOURCE.amount < 0'", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n2,1,-1\n9,1,-1\n4,1,40\n");
    project.run(["build"]).success().says("1 inserted, 1 deleted");
    assert_rows(&project, "id,day,amount\n1,1,10\n3,2,30\n4,1,40\n");
}

#[test]
fn predicates_say_which_rows_count() {
    let project = orders("unique_key='id', incremental_predicates=['DBT_INTERNAL_DEST.day > 1']", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n1,3,11\n3,3,33\n");
    project.run(["build"]).success().says("1 inserted, 1 updated");
    assert_rows(&project, "id,day,amount\n1,1,10\n1,3,11\n2,1,20\n3,3,33\n");
    let project = orders("unique_key='id', incremental_predicates=['DBT_INTERNAL_DEST.dya > 1']", ALL);
    project.run(["build"]).refused().says("incremental_predicates: ").says("dya");
}

#[test]
fn two_new_rows_of_one_key_are_refused() {
    let project = orders("unique_key='id'", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n2,1,25\n2,1,26\n");
    let ran = project.run(["build"]).failure();
    ran.says("2 new rows share the key (id = 2)").says("qualify row_number() over (partition by id");
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n");
}

#[test]
fn rows_of_a_key_are_replaced() {
    let project = orders("unique_key='day', incremental_strategy='delete+insert'", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n7,1,70\n8,1,80\n9,1,90\n");
    project.run(["build"]).success().says("3 inserted, 2 deleted");
    assert_rows(&project, "id,day,amount\n3,2,30\n7,1,70\n8,1,80\n9,1,90\n");
    project.write("in/1.csv", "id,day,amount\n9,1,90\n8,1,80\n");
    project.write("in/2.csv", "id,day,amount\n7,1,70\n");
    project.run(["build"]).success().says("UNCHANGED sql incremental model main.a");
}

#[test]
fn partitions_are_replaced() {
    let project = orders("partition_by='day', incremental_strategy='insert_overwrite'", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n7,1,70\n8,4,80\n");
    project.run(["build"]).success().says("2 inserted, 2 deleted");
    assert_rows(&project, "id,day,amount\n3,2,30\n7,1,70\n8,4,80\n");
    project.write("in/1.csv", "id,day,amount\n8,4,80\n");
    project.write("in/2.csv", "id,day,amount\n7,1,70\n");
    project.run(["build"]).success().says("UNCHANGED sql incremental model main.a");
}

#[test]
fn a_full_refresh_forgets_what_was_there() {
    let project = orders("unique_key='id'", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n4,1,40\n");
    project.run(["build"]).success();
    project.run(["plan", "--full-refresh"]).success().says("build table  main.a  full refresh");
    project.run(["build", "--full-refresh"]).success().says("[OK 1 row in");
    assert_rows(&project, "id,day,amount\n4,1,40\n");
    let project = orders("unique_key='id', full_refresh=false", ALL);
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n4,1,40\n");
    project.run(["build", "--full-refresh"]).success().says("1 inserted");
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n4,1,40\n");
}

/// Checks the table after one column is added and another removed.
#[track_caller]
fn assert_schema_change(on: &str, expected: Result<&str, &str>) {
    let config = format!("unique_key='id', on_schema_change='{on}'");
    let project = orders(&config, ALL);
    project.run(["build"]).success();
    let changed = "select id, amount, 2 * amount as twice from {{ source('shop', 'orders') }} where id > 2";
    project
        .write("models/a.sql", format!("{{{{ config(materialized='incremental', {config}) }}}}\n{changed}"));
    match expected {
        Ok(rows) => {
            project.run(["build"]).success();
            assert_rows(&project, rows);
            project.run(["build"]).success().says("REUSED=1");
        }
        Err(message) => {
            // Other models go on.
            project.write("models/z.sql", "select 1 as x");
            let ran = project.run(["build"]).failure();
            let ran = ran.says("`twice` not in the table; `day` only in the table").says(message);
            ran.says("set `on_schema_change` to append_new_columns").says("PASS=1 WARN=0 ERROR=1");
            project.run(["compile"]).refused().says(message);
            assert_rows(&project, "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n");
        }
    }
}

#[test]
fn columns_may_come_and_go() {
    assert_schema_change("append_new_columns", Ok("id,day,amount,twice\n1,1,10,\n2,1,20,\n3,2,30,60\n"));
    assert_schema_change("sync_all_columns", Ok("id,amount,twice\n1,10,\n2,20,\n3,30,60\n"));
    assert_schema_change("full_refresh", Ok("id,amount,twice\n3,30,60\n"));
    assert_schema_change("fail", Err("`on_schema_change: fail` forbids that"));
    assert_schema_change("ignore", Err("ignores new columns, but not missing ones"));
}

#[test]
fn columns_come_and_go_even_if_no_row_changes() {
    let sql = |columns: &str| {
        format!(
            "{{{{ config(materialized='incremental', unique_key='id', on_schema_change='sync_all_columns') }}}} \
             select {columns} from {{{{ source('shop', 'orders') }}}}"
        )
    };
    let project = orders("unique_key='id'", ALL)
        .model("b.sql", "select count(note) as notes from {{ ref('a') }}")
        .model("a.sql", &sql("id, day, amount, cast(null as varchar) as note"));
    project.run(["build"]).success();
    project.write("models/b.sql", "select count(more) as notes from {{ ref('a') }}");
    project.write("models/a.sql", sql("id, day, amount, cast(null as varchar) as more"));
    project.run(["build"]).success();
    assert_rows(&project, "id,day,amount,more\n1,1,10,\n2,1,20,\n3,2,30,\n");
    project.run(["build"]).success().says("REUSED=2");
    // Only one column less.
    project.write("models/b.sql", "select count(id) as notes from {{ ref('a') }}");
    project.write("models/a.sql", sql("id, day, amount"));
    project.run(["build"]).success();
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n");
}

#[test]
fn new_columns_may_be_left_out() {
    let project = orders("unique_key='id'", ALL);
    project.run(["build"]).success();
    project.write(
        "models/a.sql",
        "{{ config(materialized='incremental', unique_key='id') }} select id, day, amount + 1 as amount, 7 as new from {{ source('shop', 'orders') }}",
    );
    project.run(["build"]).success().says("3 updated");
    assert_rows(&project, "id,day,amount\n1,1,11\n2,1,21\n3,2,31\n");
}

#[test]
fn what_new_rows_do_is_tested_before_anybody_sees_it() {
    let project = orders("unique_key='id'", ALL).file(
        "models/schema.yml",
        "models:\n  - name: a\n    columns:\n      - name: amount\n        data_tests: [{ accepted_range: { arguments: { min_value: 0 } } }]\n",
    );
    project.run(["build"]).success();
    project.write("in/1.csv", "id,day,amount\n4,1,-40\n");
    project.run(["build"]).failure().says("WITHHELD sql incremental model main.a");
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n");
    let files = project.files("lake/main/a").into_iter().filter(|file| file.contains(".parquet")).count();
    assert_eq!(files, 1, "what was withheld is gone");
}

#[test]
fn what_is_read_only_later_is_built_before() {
    let sql = "select 1 as id {% if is_incremental() %} from {{ ref('late') }} {% endif %}";
    let project = orders("unique_key='id'", sql).model("late.sql", "select 1 as n");
    let plan = project.run(["plan"]).success();
    let at = |name: &str| plan.stdout.find(name).expect(name);
    assert!(at("main.late") < at("main.a"), "{plan}");
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    for (config, message) in [
        ("incremental_strategy='merge'", "the strategy `merge` needs a `unique_key`"),
        ("incremental_strategy='insert_overwrite'", "needs `partition_by`"),
        ("incremental_strategy='mrege', unique_key='id'", "did you mean `merge`?"),
        ("unique_key='idd'", "`unique_key` names `idd`"),
        ("unique_key='id', merge_update_columns=['amunt']", "did you mean `amount`?"),
        ("merge_update_columns=['amount']", "has no meaning for the strategy `by_file`"),
        ("on_schema_change='sync'", "`on_schema_change` is one of"),
        (
            "unique_key='id', merge_update_columns=['amount'], merge_exclude_columns=['day']",
            "can't both be set",
        ),
    ] {
        orders(config, ALL).run(["build"]).refused().says(message);
    }
}

#[test]
fn another_partitioning_needs_a_table_from_nothing() {
    let project = orders("unique_key='id'", ALL);
    project.run(["build"]).success();
    project.write(
        "models/a.sql",
        format!("{{{{ config(materialized='incremental', unique_key='id', partition_by='day') }}}}\n{ALL}"),
    );
    project
        .run(["build"])
        .failure()
        .says("it is partitioned by nothing, the model by day")
        .says("--full-refresh");
    project.run(["build", "--full-refresh"]).success();
    assert_rows(&project, "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n");
}

#[test]
fn rows_that_are_there_follow_other_sql_if_it_is_said_to() {
    for (config, amount) in [("unique_key='id'", 10), ("unique_key='id', on_sql_change='full_refresh'", 11)] {
        let only_new = format!("{ALL}\n{{% if is_incremental() %}} where id > 2 {{% endif %}}");
        let project = orders(config, &only_new);
        project.run(["build"]).success();
        let sql = project.read("models/a.sql").replace("amount from", "amount + 1 as amount from");
        project.write("models/a.sql", sql);
        project.run(["plan"]).success().says("SQL changed");
        project.run(["build"]).success();
        assert_rows(&project, &format!("id,day,amount\n1,1,{amount}\n2,1,{}\n3,2,31\n", amount + 10));
        project.run(["build"]).success().says("REUSED=1");
    }
}

/// A model with one row, which a variable changes.
fn one_row(config: &str) -> Project {
    Project::new().model(
        "a.sql",
        &format!(
            "{{{{ config(materialized='incremental', {config}) }}}} select 1 as id, {{{{ var('v', '10::bigint') }}}} as v"
        ),
    )
}

#[track_caller]
fn build_with(project: &Project, value: &str) -> crate::ran::Ran {
    project.run(["build", "--vars", &format!("{{v: \"{value}\"}}")])
}

#[test]
fn a_value_is_kept_in_a_column_of_another_type_or_refused() {
    for config in [
        "incremental_strategy='append'",
        "incremental_strategy='append', on_schema_change='append_new_columns'",
        "incremental_strategy='merge', unique_key='id'",
        "incremental_strategy='delete+insert', unique_key='id'",
        "incremental_strategy='insert_overwrite', partition_by='id'",
    ] {
        let project = one_row(config);
        project.run(["build"]).success();
        let rows = project.rows("select v, id from {{ ref('a') }}");
        let found = |value: &str, says: &str| {
            build_with(&project, value)
                .failure()
                .says(&format!(
                    "column v has the value {value} ({says}), which main.a can't hold unchanged as bigint"
                ))
                .says("cast it in models/a.sql, set `on_schema_change: full_refresh`");
            assert_eq!(project.rows("select v, id from {{ ref('a') }}"), rows, "{config}");
        };
        found("10.75", "decimal(4, 2)");
        build_with(&project, "'ten'").failure().says("column v has the value 'ten' (varchar)");
        build_with(&project, "1e30::double").failure().says("column v has the value 1e+30 (double)");
        build_with(&project, "now()::timestamp").failure().says("`v` is timestamp, was bigint");
        build_with(&project, "11.0::double").success();
        let rows = project.rows("select distinct v from {{ ref('a') }} where v > 10");
        assert_eq!(rows, "v\n11\n", "{config}");
    }
}

#[test]
fn sync_all_columns_says_how_to_change_a_type() {
    let project = one_row("unique_key='id', on_schema_change='sync_all_columns'");
    project.run(["build"]).success();
    build_with(&project, "2.5")
        .failure()
        .says("`v` is decimal(2, 1), was bigint")
        .says("cast the column in the model, set `on_schema_change: full_refresh`")
        .says_nothing_of("append_new_columns");
}
