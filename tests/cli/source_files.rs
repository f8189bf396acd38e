//! Files of every kind as sources, from `sources.yml` to the table.

use std::io::Write as _;

use crate::project::Project;

fn source(external: &str, columns: &str) -> String {
    let columns = if columns.is_empty() { String::new() } else { format!("\n        columns: {columns}") };
    format!(
        "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: {external}{columns}\n"
    )
}

const MODEL: &str = "select * from {{ source('shop', 'orders') }}";

fn gzip(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text.as_bytes()).expect("memory takes it");
    out.finish().expect("memory takes it")
}

#[test]
fn files_of_a_folder_that_are_left_out_are_named() {
    let project = Project::new()
        .file("sources.yml", source("{ location: in, format: csv }", "[{ name: id, data_type: bigint }]"))
        .file("in/a.csv", "id\n1\n")
        .file("in/c.csv.zip", "id\n3\n")
        .file("in/notes.md", "id\n4\n")
        .file("in/_SUCCESS", "")
        .model("a.sql", MODEL);
    project.write("in/b.csv.gz", gzip("id\n2\n"));
    project
        .run(["build"])
        .success()
        .says("2 files of `in` are left out, by the extension: in/c.csv.zip, in/notes.md")
        .says_nothing_of("_SUCCESS");
    assert_eq!(project.rows("select * from {{ ref('a') }} order by id"), "id\n1\n2\n");
}

#[test]
fn a_location_of_dbt_duckdb_is_read_as_external() {
    let project = Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: raw\n    meta: { external_location: 'raw/{name}.csv' }\n    tables:\n      - name: orders\n        \
             columns: [{ name: status, data_tests: [not_null] }]\n      - name: items\n        config:\n          \
             external_location: \"read_csv('raw/{identifier}.txt', delim = '|', skip = 0)\"\n        identifier: items_1\n",
        )
        .file("raw/orders.csv", "id,status\n1,open\n")
        .file("raw/items_1.txt", "id|n\n1|2.5\n")
        .model(
            "a.sql",
            "select o.id + 1 as id, o.status, i.n from {{ source('raw', 'orders') }} o join {{ source('raw', 'items') }} i using (id)",
        );
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('a') }}"), "id,status,n\n2,open,2.5\n");
    // The file is an input like any other.
    project.write("raw/items_1.txt", "id|n\n1|7.5\n");
    project.run(["build"]).success();
    assert_eq!(project.rows("select n from {{ ref('a') }}"), "n\n7.5\n");
    let text = project.read("sources.yml").replace("skip = 0", "skip = 2");
    project.write("sources.yml", text);
    project
        .run(["build"])
        .refused()
        .says("external-location")
        .says("the option `skip`")
        .says("sources.yml:9");
}

#[test]
fn columns_without_types_hide_nothing_and_change_no_types() {
    let project = Project::new()
        .file("sources.yml", source("{ location: in/*.csv }", "[{ name: status, data_tests: [not_null] }]"))
        .file("in/a.csv", "id,status\n1,open\n")
        .model("a.sql", MODEL);
    project.run(["build"]).success();
    assert_eq!(project.rows("select id + 1 as id, status from {{ ref('a') }}"), "id,status\n2,open\n");
}

#[test]
fn what_is_missing_is_found_before_anything_runs() {
    let columns = "[{ name: id, data_type: bigint }]";
    let project = Project::new().file("data/orders/a.csv", "id\n1\n").model("a.sql", MODEL);
    for (external, said) in [
        ("{ location: data/oders/*.csv }", "did you mean `data/orders/*.csv`?"),
        ("{ location: data/orders/b.csv }", "did you mean `data/orders/a.csv`?"),
        ("{ location: 'data/orders/*.json' }", "`data/orders` holds a.csv"),
        ("{ location: data/orders, format: json }", "1 file there with other extensions: data/orders/a.csv"),
        (
            "{ location: data/shop.db, options: { table: orders } }",
            "there is no file or folder `data/shop.db`",
        ),
    ] {
        project.write("sources.yml", source(external, columns));
        project.run(["build"]).refused().says("missing-files").says("sources.yml:5").says(said);
    }
}

#[test]
fn options_are_checked_where_they_stand() {
    let columns = "[{ name: id, data_type: bigint }, { name: note }]";
    let project = Project::new().file("in/a.csv", "id;note\n1;x\n").model("a.sql", MODEL);
    for (external, said) in [
        ("{ location: in/a.csv, delimeter: ';' }", "did you mean `delimiter`?"),
        ("{ location: in/a.csv, options: { orient: split } }", "`orient` doesn't apply to csv"),
        ("{ location: in/a.csv, encoding: latn-1 }", "did you mean `latin-1`?"),
        ("{ location: in/a.csv, delimiter: ';;' }", "`delimiter` must be a single ASCII character"),
        ("{ location: in/a.csv, delimiter: ';', options: { delimiter: ';' } }", "`delimiter` is set twice"),
    ] {
        project.write("sources.yml", source(external, columns));
        project.run(["build"]).refused().says(said);
    }
    project.write("sources.yml", source("{ location: in/a.csv }", columns));
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('a') }}"), "id,note\n1,x\n");
}

#[test]
fn columns_that_are_not_declared_are_found_once_and_kept() {
    let project = Project::new()
        .file("sources.yml", source("{ location: in, format: csv }", ""))
        .file("in/a.csv", "id,day,amount\n1,2021-01-31,2.5\n2,,3\n")
        .model("a.sql", "select id, day, amount from {{ source('shop', 'orders') }} where id > 0");
    project.run(["compile"]).success();
    assert!(project.files("lake").is_empty(), "compiling writes nothing");
    project.run(["build"]).success();
    assert_eq!(
        project.rows("select * from {{ ref('a') }} order by id"),
        "id,day,amount\n1,2021-01-31,2.5\n2,,3.0\n"
    );
    let record = project.read("lake/_headwater/sources/source.shop.shop.orders.json");
    assert!(record.contains("\"data_type\": \"date\""), "{record}");
    // A later file doesn't change the types: values that don't fit are rejected.
    project.write("in/b.csv", "id,day,amount\n3,2021-02-01,n/a\n4,2021-02-01,4\n");
    project.run(["build"]).success().says("n/a is not a double, the type inferred from other values");
    assert_eq!(project.rows("select count(*) as n from {{ ref('a') }}"), "n\n3\n");
    // Unless the columns are inferred again.
    project.run(["source", "columns", "shop.orders", "--record"]).success().says("data_type: varchar");
    project.run(["build"]).success();
    assert_eq!(project.rows("select count(*) as n, max(amount) as m from {{ ref('a') }}"), "n,m\n4,n/a\n");
}

#[test]
fn source_columns_prints_yaml_to_paste() {
    let project = Project::new()
        .file("sources.yml", source("{ location: in, format: json }", ""))
        .file(
            "in/a.json",
            r#"[{"id": 1, "who": {"name": "x"}, "tags": ["a"]}, {"id": 2, "at": "2021-01-31"}]"#,
        )
        .file("other/b.csv", "id;note\n1;x\n");
    insta::assert_snapshot!(project.run(["source", "columns", "shop.orders", "other/*.csv"]).success());
    project.run(["source", "columns", "shop.oders"]).refused().says("did you mean `shop.orders`?");
}

#[test]
fn nested_columns_reach_the_table() {
    let columns = "[{ name: id, data_type: bigint }, { name: who, data_type: 'struct(name varchar, age bigint)' }, \
                   { name: tags, data_type: 'varchar[]' }, { name: counts, data_type: 'map(varchar, bigint)' }, \
                   { name: raw, data_type: json }]";
    let rows = r#"{"id": 1, "who": {"name": "x", "age": 3}, "tags": ["a", null], "counts": {"k": 1}, "raw": {"a": [1]}}
{"id": 2, "who": null, "tags": [], "counts": {}, "raw": "text"}
{"id": 3, "who": {"name": "x", "more": 1}}
"#;
    let project = Project::new()
        .file("sources.yml", source("{ location: in/a.jsonl }", columns))
        .file("in/a.jsonl", rows)
        .model("a.sql", MODEL);
    project.run(["build"]).success().says("is not a struct of the declared fields");
    let sql = "select id, who['name'] as name, tags[1] as tag, counts['k'] as k, raw from {{ ref('a') }} order by id";
    assert_eq!(project.rows(sql), "id,name,tag,k,raw\n1,x,a,1,\"{\"\"a\"\": [1]}\"\n2,,,,\"\"\"text\"\"\"\n");
    // The same from the cells of a CSV file.
    let cells = "id,who,tags,counts,raw\n1,\"{\"\"name\"\":\"\"x\"\",\"\"age\"\":3}\",\"[\"\"a\"\"]\",\"{\"\"k\"\":1}\",\"{\"\"a\"\": [1]}\"\n2,,,,not json\n";
    project.write("sources.yml", source("{ location: in/a.csv }", columns));
    project.write("in/a.csv", cells);
    project.run(["build"]).success().says("raw: not json is not JSON");
    assert_eq!(project.rows(sql), "id,name,tag,k,raw\n1,x,a,1,\"{\"\"a\"\": [1]}\"\n");
}

#[test]
fn a_sample_that_misleads_is_made_good_in_the_same_build() {
    // More bytes than a sample, with the contradicting value at the end.
    let line = format!("1,{}\n", "x".repeat(1000));
    // The first isn't a number; the second would lose its zeros as a number.
    for last in ["n/a", "00123"] {
        made_good(last, &format!("id,note\n{}{last},last\n", line.repeat(10_000)));
    }
}

fn made_good(last: &str, text: &str) {
    let project = Project::new()
        .file("sources.yml", source("{ location: in/*.csv }", ""))
        .file("in/a.csv", text)
        .model("a.sql", "select id, count(*) as n from {{ source('shop', 'orders') }} group by id")
        .model("b.sql", "select 1 as one");
    project
        .run(["build"])
        .success()
        .says("the columns of shop.orders were inferred from a sample of its files")
        .says("reading all files");
    assert_eq!(
        project.rows("select id, n from {{ ref('a') }} order by n"),
        format!("id,n\n{last},1\n1,10000\n")
    );
    let record = project.read("lake/_headwater/sources/source.shop.shop.orders.json");
    assert!(record.contains("\"rows\": 10001"), "{record}");
    project.run(["build"]).success().says_nothing_of("a sample of its files");
}

#[test]
fn a_sample_that_holds_is_recorded_once_a_load_has_borne_it_out() {
    let line = format!("1,{}\n", "x".repeat(1000));
    let project = Project::new()
        .file("sources.yml", source("{ location: in/*.csv }", ""))
        .file("in/a.csv", format!("id,note\n{}", line.repeat(10_000)))
        .model("a.sql", "select id, count(*) as n from {{ source('shop', 'orders') }} group by id");
    project.run(["build"]).success().says_nothing_of("a sample of its files");
    assert_eq!(project.rows("select id, n from {{ ref('a') }}"), "id,n\n1,10000\n");
    assert!(project.exists("lake/_headwater/sources/source.shop.shop.orders.json"));
}

#[test]
fn the_readers_own_columns_may_be_listed_alone() {
    let project = Project::new()
        .file(
            "sources.yml",
            source("{ location: in }", "[{ name: _source_file }, { name: _source_row }]")
                .replace("in }", "in, format: csv }"),
        )
        .file("in/day=2021-01-31/a.csv", "id\n7\n")
        .model("a.sql", "select id, day, _source_file, _source_row from {{ source('shop', 'orders') }}");
    project.run(["build"]).success();
    assert_eq!(
        project.rows("select * from {{ ref('a') }}"),
        "id,day,_source_file,_source_row\n7,2021-01-31,in/day=2021-01-31/a.csv,1\n"
    );
}

#[test]
fn options_are_listed_by_format() {
    let project = Project::empty();
    insta::assert_snapshot!(project.run(["source", "options", "sqlite"]).success());
    project.run(["source", "options", "parket"]).refused().says("did you mean `parquet`?");
    project.run(["source", "options"]).success().says("delimiter (csv)").says("encoding (json, ndjson, csv)");
}

/// Files whose names differ only in bytes that aren't UTF-8, in a folder and by a pattern.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_stay_apart() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    for location in ["{ location: in, format: csv }", "{ location: 'in/*.csv' }"] {
        let project = Project::new()
            .file(
                "sources.yml",
                source(location, "[{ name: id, data_type: bigint }, { name: _source_file }]"),
            )
            .file("in/a.csv", "id\n1\n")
            .model("a.sql", &format!("{{{{ config(materialized='incremental') }}}} {MODEL}"));
        for (name, row) in [(&b"\xff.csv"[..], "2"), (b"\xfe.csv", "3"), (b"\\xFF.csv", "4")] {
            let path = project.path("in").join(OsStr::from_bytes(name));
            std::fs::write(path, format!("id\n{row}\n")).expect("a file");
        }
        project.run(["build"]).success().says("4 files loaded");
        let files = "file\nin/\\x5CxFF.csv\nin/\\xFE.csv\nin/\\xFF.csv\nin/a.csv\n";
        assert_eq!(project.rows("select file from main.a_files order by file"), files);
        assert_eq!(project.rows("select id from {{ ref('a') }} order by id"), "id\n1\n2\n3\n4\n");
        project.run(["build"]).success().says("REUSED=1");
    }
}

/// A named pipe without a writer would block its reader forever.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_set_aside_by_name() {
    for (location, columns) in [
        ("{ location: in, format: csv }", "[{ name: id, data_type: bigint }]"),
        ("{ location: 'in/*.csv' }", "[{ name: id, data_type: bigint }]"),
        ("{ location: in, format: csv }", ""),
    ] {
        let project = Project::new()
            .file("sources.yml", source(location, columns))
            .file("in/a.csv", "id\n1\n")
            .file("in/c.csv", "id\n2\n")
            .model("a.sql", MODEL);
        let pipe = std::process::Command::new("mkfifo").arg(project.path("in/b.csv")).status();
        assert!(pipe.is_ok_and(|status| status.success()), "no pipe was made");
        std::os::unix::fs::symlink("/dev/zero", project.path("in/d.csv")).expect("a link");
        project
            .run(["build"])
            .success()
            .says("in/b.csv: it is a named pipe, not a file")
            .says("in/d.csv: it is a device, not a file");
        assert_eq!(project.rows("select id from {{ ref('a') }} order by id"), "id\n1\n2\n");
    }
    let project = Project::new().model("a.sql", "select 1 as x");
    let pipe = std::process::Command::new("mkfifo").arg(project.path("models/b.sql")).status();
    assert!(pipe.is_ok_and(|status| status.success()), "no pipe was made");
    project.run(["build"]).refused().says("`models/b.sql` can't be read: it is a named pipe, not a file");
}

#[cfg(unix)]
#[test]
fn what_can_not_be_listed_is_named_with_its_cure() {
    use std::os::unix::fs::symlink;
    let columns = "[{ name: id, data_type: bigint }]";
    let project = Project::new()
        .file("sources.yml", source("{ location: in, format: csv }", columns))
        .file("in/sub/a.csv", "id\n1\n")
        .model("a.sql", MODEL);
    project.run(["build"]).success();
    for (link, target, said) in [
        ("in/b.csv", "nowhere", "`in/b.csv` is a link to `nowhere`, which doesn't exist"),
        ("in/c.csv", "c.csv", "`in/c.csv` is a link that leads back to itself"),
        ("in/sub/back", "..", "`in/sub/back` is a link to a folder that contains it"),
    ] {
        symlink(target, project.path(link)).expect("a link");
        project
            .run(["build"])
            .failure()
            .says(said)
            .says("remove the link")
            .says("readers of main.a still see its version 0")
            .says("headwater retry");
        std::fs::remove_file(project.path(link)).expect("the link goes");
    }
    symlink("nowhere", project.path("dangling")).expect("a link");
    symlink("circular", project.path("circular")).expect("a link");
    for (location, said) in [
        ("{ location: /dev/null, format: csv }", "`/dev/null` is a device"),
        ("{ location: dangling, format: csv }", "`dangling` is a link to `nowhere`, which doesn't exist"),
        ("{ location: circular, format: csv }", "`circular` is a link that leads back to itself"),
    ] {
        project.write("sources.yml", source(location, columns));
        project.run(["build"]).failure().says(said).says("hint: ");
    }
    let database = "{ location: shop.db, options: { table: orders } }";
    let pipe = std::process::Command::new("mkfifo").arg(project.path("shop.db")).status();
    assert!(pipe.is_ok_and(|status| status.success()), "no pipe was made");
    project.write("sources.yml", source(database, ""));
    project.run(["build"]).failure().says("`shop.db` is a named pipe, not a database");
}

/// A project with a model that reads no source.
fn other_model() -> Project {
    Project::new().model("c.sql", "select {{ var('c', 1) }} as x")
}

#[test]
fn a_damaged_or_empty_file_of_a_source_without_columns_fails_alone() {
    for (file, content, reason, fixed) in [
        ("t.json", "\u{1}{{ no json", "t.json: ", "[{\"id\": 1}]"),
        ("t.json", "", "t.json: the file is empty", "[{\"id\": 1}]"),
        ("t.json", "[]", "", "[{\"id\": 1}]"),
        ("t.ndjson", "", "t.ndjson: the file is empty", "{\"id\": 1}"),
        ("t.csv", "", "t.csv: the file is empty", "id\n1"),
    ] {
        let source = format!(
            "sources:\n  - name: shop\n    tables:\n      - name: t\n        external: {{location: {file}}}\n"
        );
        let project = other_model()
            .file("sources.yml", source)
            .file(file, content)
            .model("d.sql", "select * from {{ source('shop', 't') }}");
        let ran = project.run(["build", "--vars", "{c: 2}"]).failure();
        ran.says("shop.t: no columns could be found in its files").says(reason).says("`columns:`");
        assert_eq!(project.rows("select x from {{ ref('c') }}"), "x\n2\n", "{content}");
        project.write(file, fixed);
        project.run(["build"]).success();
        assert_eq!(project.rows("select id from {{ ref('d') }}"), "id\n1\n", "{content}");
    }
}

#[test]
fn recorded_columns_that_cannot_be_read_fail_the_nodes_that_need_them() {
    const RECORD: &str = "lake/_headwater/sources/source.shop.shop.t.json";
    let source = "sources:\n  - name: shop\n    tables:\n      - name: t\n        external: {location: t.csv, format: csv}\n";
    let project = other_model()
        .file("sources.yml", source)
        .file("t.csv", "id\n1\n")
        .model("d.sql", "select * from {{ source('shop', 't') }}");
    project.run(["build"]).success();
    let record = project.read(RECORD);
    let place = project.path(RECORD);
    let spoil: [&dyn Fn(); 3] = [
        &|| std::fs::write(&place, "").unwrap(),
        &|| std::fs::write(&place, b"\x00\x9f\x92\x96").unwrap(),
        &|| std::fs::create_dir(&place).unwrap(),
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        std::fs::remove_file(&place).unwrap();
        spoil();
        let ran = project.run(["build", "--force", "--vars", &format!("{{c: {number}}}")]).failure();
        ran.says("shop.t: its recorded columns can't be used").says(RECORD).says("from a copy; or remove it");
        assert_eq!(project.rows("select x from {{ ref('c') }}"), format!("x\n{number}\n"));
        if place.is_dir() {
            std::fs::remove_dir(&place).unwrap();
        }
        project.write(RECORD, &record);
    }
    project.run(["build"]).success();
}
