//! Changes between two runs, single and random ones, which the second run must notice.

use super::*;

/// A change, preceded by its description.
type Change = (&'static str, fn(&Project));

/// Rewrites a file without changing its size or modification time.
fn rewrite_unseen(project: &Project, path: &str, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let modified = fs::metadata(project.path(path)).and_then(|metadata| metadata.modified()).expect("a time");
    rewrite(project, path, from, to);
    let file = fs::File::options().write(true).open(project.path(path)).expect("a file");
    file.set_modified(modified).expect("a time");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder to copy").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

const CHANGES: &[Change] = &[
    ("a model", |p| rewrite(p, "models/total.sql", "as region", "as region, 1 as one")),
    ("a model, by a byte and at the same time", |p| {
        rewrite_unseen(p, "models/total.sql", "1 as one", "2 as one");
    }),
    ("a comment in a model", |p| rewrite(p, "models/total.sql", "select", "-- all\nselect")),
    ("a new model", |p| p.write("models/deep/new.sql", "select 1 as n")),
    ("a model less", |p| fs::remove_file(p.path("models/deep/new.sql")).expect("a file")),
    ("a macro", |p| rewrite(p, "macros/large.sql", ">", ">=")),
    ("a properties file", |p| rewrite(p, "models/schema.yml", "values: [10]", "values: [10, 20]")),
    ("a new properties file", |p| {
        p.write("models/more.yml", "models: [{ name: found, description: Found. }]");
    }),
    ("a description", |p| rewrite(p, "models/notes.md", "All of it.", "All of them.")),
    ("a seed", |p| rewrite(p, "seeds/countries.csv", "Germany", "France")),
    ("a seed, at the same time", |p| rewrite_unseen(p, "seeds/countries.csv", "France", "Poland")),
    ("a new seed", |p| p.write("seeds/more.csv", "id\n1\n")),
    ("a fixture", |p| rewrite_unseen(p, "data-tests/fixtures/some.csv", "1,6", "2,6")),
    ("a singular test", |p| rewrite(p, "data-tests/none.sql", "< 0", "< -1")),
    ("a variable of the project", |p| rewrite(p, "project.yml", "least: 5", "least: 6")),
    ("the sources", |p| {
        rewrite(p, "sources.yml", "name: found\n", "name: found\n        description: Found.\n");
    }),
    ("a source's file", |p| p.write("in/1.csv", "id,amount\n1,10\n2,20\n3,30\n4,40\n")),
    ("a new source's file", |p| p.write("in/2.csv", "id,amount\n5,50\n")),
    ("a file that a source leaves out", |p| p.write("in/3.dat", "id,amount\n")),
    ("a source's file less", |p| fs::remove_file(p.path("in/2.csv")).expect("a file")),
    ("a file of a source without columns", |p| p.write("found/2.csv", "id\n3\n")),
    ("the columns that were found", |p| {
        let notes = p.files("lake/_headwater");
        let note = notes
            .iter()
            .find(|file| Path::new(file).extension().is_some_and(|extension| extension == "json"))
            .expect("a note");
        fs::remove_file(p.path(&format!("lake/_headwater/{note}"))).expect("a file");
    }),
    ("a database", |p| database(p).execute_batch("insert into customers values (2);").expect("a row")),
    ("a database's write-ahead log", |p| {
        let database = database(p);
        database
            .execute_batch("pragma journal_mode = wal; insert into customers values (3);")
            .expect("a row");
        // Don't close the connection, like a process that crashes: the log stays.
        std::mem::forget(database);
    }),
    ("a commit of another writer", |p| {
        let add =
            crate::rebuilds::action(p, "raw", "add").replace("\"dataChange\":true", "\"dataChange\":false");
        commit(p, "raw", &add);
    }),
    ("a table that is gone", |p| fs::remove_dir_all(p.path("lake/main/total")).expect("a folder")),
    ("a table that is restored", |p| {
        copy(&p.path("lake/main/total"), &p.path("saved"));
        fs::remove_dir_all(p.path("lake/main/total")).expect("a folder");
        copy(&p.path("saved"), &p.path("lake/main/total"));
    }),
    ("a ledger that is gone", |p| fs::remove_dir_all(p.path("lake/main/loaded_files")).expect("a folder")),
    ("rejects that were accepted", |p| {
        p.write("in/1.csv", "id,amount\n1,10\n2,20\n3,30\n4,forty\n");
        settle(p, &["build"]);
        p.run(["source", "accept", "shop.orders", "--by", "me"]).success();
    }),
    ("the manifest", |p| rewrite(p, "target/manifest.json", "\"group_map\"", "\"group_mop\"")),
    ("compiled SQL", |p| rewrite(p, "target/compiled/shop/models/total.sql", "select", "Select")),
    ("compiled SQL that is gone", |p| fs::remove_dir_all(p.path("target/compiled")).expect("a folder")),
    ("a build of a part", |p| drop(p.run(["build", "-s", "raw"]).success())),
    ("the record, damaged", |p| rewrite(p, "target/partial_parse.cache", "shop", "shoq")),
    ("the record, cut off", |p| {
        let record = p.read("target/partial_parse.cache");
        p.write("target/partial_parse.cache", &record[..record.len() / 2]);
    }),
    ("the record of another version", |p| {
        rewrite(
            p,
            "target/partial_parse.cache",
            concat!("headwater ", env!("CARGO_PKG_VERSION")),
            "headwater 9.9.9",
        );
    }),
    ("a run that was killed", |p| p.write("lake/_headwater/runs/dead", "")),
    ("all artifacts", |p| drop(p.run(["clean"]).success())),
];

#[test]
fn any_change_is_noticed() {
    let project = shop();
    settle(&project, &["build"]);
    for (what, change) in CHANGES {
        change(&project);
        let (answered, ran) = is_answered(&project, &["build"]);
        ran.success();
        assert!(!answered, "not noticed: {what}");
        settle(&project, &["build"]);
    }
}

/// After any edits, an answer reports the same as a full run.
#[test]
fn after_random_edits_an_answer_is_what_the_whole_run_says() {
    let project = shop();
    settle(&project, &["build"]);
    let mut dice = Dice(7);
    let mut answers = 0;
    for _ in 0..12 {
        for _ in 0..dice.roll(3) {
            let edits: [fn(&Project, u64); 6] = [
                |p, n| {
                    p.write(
                        "models/total.sql",
                        format!("select sum(amount) as amount, '{n}' as region from {{{{ ref('large') }}}}"),
                    );
                },
                |p, n| p.write("in/2.csv", format!("id,amount\n5,{n}\n")),
                |p, n| p.write("seeds/countries.csv", format!("code,name\nde,{n}\n")),
                |p, n| p.write("models/more.yml", format!("models: [{{ name: found, description: '{n}' }}]")),
                |p, n| {
                    p.write(
                        "macros/large.sql",
                        format!("{{% macro large(x) %}}{{{{ x }}}} > {n}{{% endmacro %}}"),
                    );
                },
                |p, _| drop(p.run(["build", "-s", "raw"])),
            ];
            let edit = edits[usize::try_from(dice.roll(6)).expect("small")];
            edit(&project, dice.roll(3));
        }
        let args = ["build", "--threads", "1"];
        let (answered, ran) = is_answered(&project, &args);
        ran.success();
        let told = outcomes(&project);
        let (whole, ran) = is_answered(&project, &[&args[..], &["--no-partial-parse"]].concat());
        ran.success();
        assert!(!whole);
        if answered {
            answers += 1;
            assert_eq!(told, outcomes(&project));
        } else {
            settle(&project, &args);
        }
    }
    assert!(answers > 2, "{answers} answers");
}
