//! Microbatch models.

use std::fmt::Write as _;

use crate::{project::Project, rebuilds::Dice};

/// Orders from files, merged into a table, and their daily totals. The newest batch is long past, so the due
/// batches don't depend on the day of the test.
fn shop(config: &str, select: &str) -> Project {
    Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: 'in/*.csv', format: csv }\n        columns: [{ name: id, data_type: bigint }, { name: at, data_type: timestamptz }, { name: amount, data_type: varchar }]\n",
        )
        .file("in/1.csv", "id,at,amount\n1,2021-01-01T10:00:00Z,10\n2,2021-01-01T11:00:00Z,20\n3,2021-01-03T12:00:00Z,30\n")
        .model("orders.sql", "{{ config(event_time='at') }} select id, at, amount from {{ source('shop', 'orders') }}")
        .model("names.sql", "select 'shop' as name")
        .model(
            "daily.sql",
            &format!(
                "{{{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='day',
                begin='2021-01-01'{config}) }}}}\n{select}"
            ),
        )
}

const BY_DAY: &str =
    "select cast(at as date) as day, count(*) as orders, sum(cast(amount as bigint)) as total
    from {{ ref('orders') }} group by 1";

/// Each batch needs its own query.
const RANKED: &str = "select cast(at as date) as day, id, cast(amount as bigint) as total,
    rank() over (order by amount desc) as place from {{ ref('orders') }}";

#[track_caller]
fn assert_rows(project: &Project, expected: &str) {
    assert_eq!(project.rows("select * from {{ ref('daily') }} order by all"), expected);
}

#[test]
fn only_days_whose_rows_changed_are_made_again() {
    let project = shop("", BY_DAY);
    project.run(["build"]).success().says("[OK 2 rows in");
    assert_rows(&project, "day,orders,total\n2021-01-01,2,30\n2021-01-03,1,30\n");
    project.run(["build"]).success().says("REUSED=3");

    // A late row for an empty day, a corrected row, and no change on the other day.
    project.write("in/2.csv", "id,at,amount\n4,2021-01-02T00:00:00Z,40\n");
    project.write(
        "in/1.csv",
        "id,at,amount\n1,2021-01-01T10:00:00Z,10\n2,2021-01-01T11:00:00Z,20\n3,2021-01-03T12:00:00Z,31\n",
    );
    project.run(["plan"]).success().says("update       main.daily   orders changed");
    project.run(["build"]).success().says("[OK 3 rows in").says("2 batches; 2 inserted, 1 deleted");
    assert_rows(&project, "day,orders,total\n2021-01-01,2,30\n2021-01-02,1,40\n2021-01-03,1,31\n");

    // A day whose last row is deleted has no output.
    project.write("in/1.csv", "id,at,amount\n1,2021-01-01T10:00:00Z,10\n2,2021-01-01T11:00:00Z,20\n");
    project.run(["build"]).success().says("1 batch; 1 deleted");
    assert_rows(&project, "day,orders,total\n2021-01-01,2,30\n2021-01-02,1,40\n");

    // Different rows with the same result.
    project.write("in/2.csv", "id,at,amount\n5,2021-01-02T13:00:00Z,40\n");
    project.run(["build"]).success().says("UNCHANGED sql incremental model main.daily");
    project.run(["build"]).success().says("REUSED=3");
}

#[test]
fn batches_that_must_be_made_one_by_one_are() {
    let project = shop("", RANKED);
    project.run(["build"]).success();
    let first = "day,id,total,place\n2021-01-01,1,10,2\n2021-01-01,2,20,1\n";
    assert_rows(&project, &format!("{first}2021-01-03,3,30,1\n"));
    project.write("in/2.csv", "id,at,amount\n4,2021-01-03T00:00:00Z,40\n");
    project.run(["build"]).success().says("1 batch; 2 inserted, 1 deleted");
    assert_rows(&project, &format!("{first}2021-01-03,3,30,2\n2021-01-03,4,40,1\n"));
}

#[test]
fn a_batch_that_fails_takes_no_other_along_and_is_tried_again_alone() {
    for select in [BY_DAY, RANKED] {
        let project = shop("", select).model("after.sql", "select count(*) as days from {{ ref('daily') }}");
        let good = project.read("in/1.csv");
        project.write("in/1.csv", good.replace(",10\n", ",ten\n"));
        let ran = project.run(["build"]).failure();
        ran.says("PARTIAL SUCCESS")
            .says("with 0 errors, 1 partial success")
            .says("2021-01-01: ")
            .says("'ten'")
            .says("SKIP relation main.after");
        let days = "select distinct day from {{ ref('daily') }}";
        assert_eq!(project.rows(days), "day\n2021-01-03\n");
        let results = project.read("target/run_results.json");
        assert!(results.contains(r#""failed":[["2021-01-01T00:00:00Z","2021-01-02T00:00:00Z"]]"#));

        project.run(["plan"]).success().says("the batch 2021-01-01 is due");
        project.write("in/1.csv", &good);
        // Use another target path, so that the previous run stays the one to retry.
        project.run(["build", "-s", "orders", "--target-path", "elsewhere"]).success();
        let ran = project.run(["retry"]).success();
        ran.says("backfill of 2021-01-01 to 2021-01-02").says("1 batch; ");
        project.run(["build"]).success();
        assert_eq!(project.rows("select count(distinct day) as days from {{ ref('daily') }}"), "days\n2\n");
        project.run(["build"]).success().says("REUSED=4");
    }
}

#[test]
fn a_model_of_which_no_batch_can_be_made_fails() {
    let project = shop("", BY_DAY);
    let good = project.read("in/1.csv");
    project.run(["build"]).success();
    project.write("in/1.csv", good.replace(",10\n", ",ten\n"));
    let ran = project.run(["build"]).failure();
    ran.says("ERROR creating sql incremental model main.daily").says("'ten'");
    assert_rows(&project, "day,orders,total\n2021-01-01,2,30\n2021-01-03,1,30\n");
}

#[test]
fn what_is_asked_for_is_made_and_gaps_are_filled() {
    let project = shop("", BY_DAY);
    let asked = ["--event-time-start", "2021-01-03", "--event-time-end", "2021-01-04"];
    project.run(["build"].iter().chain(&asked)).success();
    assert_rows(&project, "day,orders,total\n2021-01-03,1,30\n");
    project.run(["plan"]).success().says("batches are due, from 2021-01-01");
    project.run(["build"]).success().says("1 inserted");
    assert_rows(&project, "day,orders,total\n2021-01-01,2,30\n2021-01-03,1,30\n");

    // Changes outside the requested time range stay due.
    project.write("in/2.csv", "id,at,amount\n4,2021-01-02T00:00:00Z,40\n");
    let ran = project.run(["build"].iter().chain(&asked)).success();
    ran.says("backfill of 2021-01-03 to 2021-01-04").says("UNCHANGED sql incremental model main.daily");
    project.run(["plan"]).success().says("the batch 2021-01-02 is due");
    project.run(["build"]).success().says("1 batch; 1 inserted");
    assert_rows(&project, "day,orders,total\n2021-01-01,2,30\n2021-01-02,1,40\n2021-01-03,1,30\n");

    // A full refresh with a time range leaves only the batches in that range.
    project.run(["build", "--full-refresh"].iter().chain(&asked)).success();
    assert_rows(&project, "day,orders,total\n2021-01-03,1,30\n");
    project.run(["build", "--event-time-start", "2021-01-03"]).refused().says("--event-time-end");
    let reversed = ["build", "--event-time-start", "2021-01-04", "--event-time-end", "2021-01-04"];
    project.run(reversed).refused().says("must be before --event-time-end");
    project
        .run(["build", "--event-time-start", "monday", "--event-time-end", "2021-01-04"])
        .refused()
        .says("2021-01-31");
}

#[test]
fn what_every_batch_reads_whole_counts_if_it_is_said_to() {
    let select = "select cast(at as date) as day, count(*) as orders, min(name) as name
        from {{ ref('orders') }} cross join {{ ref('names') }} group by 1";
    for (config, expected) in [("", "shop"), (", on_lookup_change='full_refresh'", "store")] {
        let project = shop(config, select);
        project.run(["build"]).success();
        project.write("models/names.sql", "select 'store' as name");
        project.run(["build"]).success();
        assert_rows(
            &project,
            &format!("day,orders,name\n2021-01-01,2,{expected}\n2021-01-03,1,{expected}\n"),
        );
        project.run(["build"]).success().says("REUSED=3");
    }
}

#[test]
fn other_sql_counts_if_it_is_said_to() {
    for (config, total) in [("", 30), (", on_sql_change='full_refresh'", 300)] {
        let project = shop(config, BY_DAY);
        project.run(["build"]).success();
        let sql = project.read("models/daily.sql").replace("sum(", "10 * sum(");
        project.write("models/daily.sql", sql);
        project.run(["build"]).success();
        assert_rows(&project, &format!("day,orders,total\n2021-01-01,2,{total}\n2021-01-03,1,{total}\n"));
        project.run(["build"]).success().says("REUSED=3");
    }
}

#[test]
fn what_others_wrote_is_made_anew() {
    let project = shop("", BY_DAY);
    project.run(["build"]).success();
    let log = "lake/main/daily/_delta_log/00000000000000000001.json";
    let file = project.files("lake/main/daily").into_iter().find(|file| file.ends_with(".parquet")).unwrap();
    project.write(log, format!("{{\"remove\":{{\"path\":\"{file}\",\"dataChange\":true}}}}\n"));
    assert_rows(&project, "day,orders,total\n");
    project.run(["build"]).success().says("version 1 was written by another writer");
    assert_rows(&project, "day,orders,total\n2021-01-01,2,30\n2021-01-03,1,30\n");
}

#[test]
fn a_row_of_another_time_than_its_batch_is_refused() {
    let project = shop("", "select cast(at + interval '1 day' as date) as day, id from {{ ref('orders') }}");
    let ran = project.run(["build"]).failure();
    ran.says("a row has the time 2021-01-02 in `day`, its `event_time`, which is outside of its batch");
    project.run(["plan"]).success().says("main.daily   first build");
}

#[test]
fn sources_and_tables_partitioned_by_day_are_read_by_time_too() {
    let project = shop(", partition_by='day'", &BY_DAY.replace("ref('orders')", "source('shop', 'orders')"))
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    config: { event_time: at }\n    tables:\n      - name: orders\n        external: { location: 'in/*.csv', format: csv, on_error: set_aside, max_rejected: 100% }\n        columns: [{ name: id, data_type: bigint }, { name: at, data_type: timestamptz }, { name: amount, data_type: varchar }]\n",
        );
    project.write("in/2.csv", "id,at,amount\nx,2021-01-02T00:00:00Z,40\n");
    project.run(["build"]).success().says("1 row set aside");
    assert_eq!(project.rows("select sum(total) as total from {{ ref('daily') }}"), "total\n60\n");
    assert_eq!(project.rows("select count(*) as rows from main.daily_rejected"), "rows\n1\n");
    // The new rows of files can't be identified, so only the newest batches are rebuilt.
    project.write("in/3.csv", "id,at,amount\n9,2021-01-02T00:00:00Z,40\n");
    project.run(["build"]).success().says("UNCHANGED");
    project.run(["build", "--full-refresh"]).success();
    assert_eq!(project.rows("select sum(total) as total from {{ ref('daily') }}"), "total\n100\n");
}

#[test]
fn settings_that_do_not_fit_are_said() {
    let project = shop("", BY_DAY)
        .model("none.sql", "{{ config(materialized='incremental', incremental_strategy='microbatch') }} select 1 as a")
        .model(
            "wrong.sql",
            "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='week', begin='soon', lookback=-1) }} select 1 as a",
        )
        .model("other.sql", "{{ config(materialized='incremental', incremental_strategy='append', batch_size='day') }} select 1 as a");
    insta::assert_snapshot!(project.run(["build"]).refused());

    let project = shop("", "select id, at, 'x' as day from {{ ref('orders') }}");
    project.write("models/orders.sql", "{{ config(event_time='when') }} select 1 as id, now() as at");
    let and_self = "select n.name, cast(null as date) as day from {{ ref('names') }} as n left join {{ this }} as t on n.name = t.name";
    let config = "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='day', begin='2021-01-01') }}";
    project.write("models/self.sql", format!("{config}\n{{% if is_incremental() %}} {and_self} {{% else %}} select name, cast(null as date) as day from {{{{ ref('names') }}}} {{% endif %}}"));
    insta::assert_snapshot!(project.run(["build"]).refused());
}

/// A shop organised by day: files are loaded once each, orders are merged by change feed, and two tables are
/// built in daily batches, one of them with a query per batch.
fn by_day() -> Project {
    let batches = |event_time: &str| {
        format!(
            "{{{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='{event_time}',
            batch_size='day', begin='2021-01-01') }}}}"
        )
    };
    shop("", &BY_DAY.replace("orders')", "latest')"))
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: 'in/*.csv', format: csv }\n        columns: [{ name: id, data_type: bigint }, { name: at, data_type: timestamptz }, { name: amount, data_type: bigint }, { name: _source_file, data_type: varchar }]\n",
        )
        .model(
            "orders.sql",
            "{{ config(materialized='incremental', on_delete='remove') }}
            select id, at, amount, _source_file from {{ source('shop', 'orders') }}",
        )
        .model(
            "latest.sql",
            "{{ config(materialized='incremental', unique_key=['id', 'at'], event_time='at',
            merge_delete_condition='DBT_INTERNAL_SOURCE.amount is null') }}
            {% if is_incremental() %}
            select touched.id, touched.at, max(orders.amount) as amount
            from (select distinct id, at from {{ changes(ref('orders')) }}) as touched
            left join {{ ref('orders') }} as orders on orders.id = touched.id and orders.at = touched.at
            group by touched.id, touched.at
            {% else %}
            select id, at, max(amount) as amount from {{ ref('orders') }} group by id, at
            {% endif %}",
        )
        .model("ranked.sql", &format!("{}\n{}", batches("day"), RANKED.replace("orders')", "latest')")))
}

#[test]
fn whatever_is_delivered_the_tables_are_those_of_a_build_from_nothing() {
    const TABLES: [&str; 4] = ["orders", "latest", "daily", "ranked"];
    let content = |project: &Project| -> Vec<String> {
        let all = |name: &&str| project.rows(&format!("select * from {{{{ ref('{name}') }}}} order by all"));
        TABLES.iter().map(all).collect()
    };
    for seed in [2, 71, 828] {
        let project = by_day();
        project.run(["build"]).success();
        let mut dice = Dice(seed * 0x9e37_79b9);
        for round in 0..5 {
            for _ in 0..=dice.roll(2) {
                let number = 1 + dice.roll(5);
                let file = format!("in/{number}.csv");
                if number > 1 && dice.roll(4) == 0 {
                    let _ = std::fs::remove_file(project.path(&file));
                    continue;
                }
                let mut rows = String::from("id,at,amount\n");
                for _ in 0..dice.roll(6) {
                    let (id, day, hour) = (dice.roll(4), 1 + dice.roll(5), dice.roll(3));
                    let _ = writeln!(rows, "{id},2021-01-{day:02}T{hour:02}:00:00Z,{}", dice.roll(50));
                }
                project.write(&file, rows);
            }
            // Some are built later than others.
            if dice.roll(3) == 0 {
                project.run(["build", "-s", "orders"]).success();
            }
            project.run(["build"]).success();
            let found = content(&project);
            project.run(["build"]).success().says("REUSED=5");
            project.run(["build", "--full-refresh", "--target-path", "elsewhere"]).success();
            assert_eq!(found, content(&project), "seed {seed}, round {round}");
        }
    }
}
