//! Checks the layering in `lib.rs`: imports run downwards only and in no circle within a folder, only
//! `engine` and its tables name DataFusion, only `lake` names deltalake, and only `cli` names clap.

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use self::imports::{Imports, ModulePath};

const ROWS: [&[&str]; 9] = [
    &["text", "secret", "parallel", "panics", "name", "interval", "local_file", "stamp", "diag"],
    &["project", "jinja", "graph"],
    &["parse", "select", "manifest", "deps"],
    &["plan", "outcome", "event"],
    &["engine", "source", "lake", "ingest"],
    &["compile", "lineage", "run"],
    &["artifact", "report", "docs"],
    &["workspace"],
    &["cli"],
];

/// Modules of one row that may use each other, in this direction.
const BESIDE: [(&str, &str); 19] = [
    ("manifest", "parse"),
    ("diag", "text"),
    ("diag", "secret"),
    ("name", "text"),
    ("manifest", "select"),
    ("outcome", "plan"),
    ("event", "plan"),
    ("event", "outcome"),
    ("source", "engine"),
    ("lake", "engine"),
    ("lake", "source"),
    ("ingest", "source"),
    ("ingest", "engine"),
    ("run", "compile"),
    ("lineage", "compile"),
    ("report", "artifact"),
    ("docs", "report"),
    ("parse", "select"),
    ("jinja", "graph"),
];

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

fn all_imports() -> Imports {
    Imports::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[test]
fn imports_run_downwards_only() {
    let imports = all_imports();
    let mut faults = Vec::new();
    for (module, named) in &imports.modules {
        let own = module[0].as_str();
        let Some(own_row) = row(own) else {
            faults.push(format!("`{own}` has no row in the table"));
            continue;
        };
        for other in named {
            let other = other[0].as_str();
            let beside = other == own || BESIDE.contains(&(own, other));
            let other_row = row(other).unwrap_or_default();
            if other_row > own_row || (other_row == own_row && !beside) {
                faults.push(format!(
                    "{}: row {own_row} imports `{other}` of row {other_row}",
                    module.join("/")
                ));
            }
        }
    }
    for (module, roots) in &imports.roots {
        let own = module[0].as_str();
        for (name, homes) in [
            ("datafusion", ["engine", "source", "lake"].as_slice()),
            ("deltalake", &["lake"]),
            ("clap", &["cli"]),
        ] {
            if roots.contains(name) && !homes.contains(&own) {
                faults.push(format!("{}: names `{name}`", module.join("/")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The imports between the modules of one folder.
type Siblings = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_folder_has_a_circle() {
    let mut folders: BTreeMap<ModulePath, Siblings> = BTreeMap::new();
    for (module, named) in all_imports().modules {
        for other in named {
            let shared = module.iter().zip(&other).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (module.get(shared), other.get(shared)) {
                let folder = folders.entry(module[..shared].to_vec()).or_default();
                folder.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for (folder, siblings) in &folders {
        let circles = circles(siblings).into_iter().map(|circle| (folder.join("/"), circle));
        found.extend(circles);
    }
    assert_eq!(found, []);
}

/// Returns the sets of modules that reach each other.
fn circles(siblings: &Siblings) -> Vec<Vec<String>> {
    let reached = |start: &String| {
        let mut reached = BTreeSet::new();
        let mut next = vec![start];
        while let Some(module) = next.pop() {
            for other in siblings.get(module).into_iter().flatten() {
                if reached.insert(other.clone()) {
                    next.push(other);
                }
            }
        }
        reached
    };
    let reach: BTreeMap<&String, BTreeSet<String>> =
        siblings.keys().map(|name| (name, reached(name))).collect();
    let mut circles = BTreeSet::new();
    for (name, reached) in &reach {
        let circle: Vec<String> = reached
            .iter()
            .filter(|other| reach.get(other).is_some_and(|back| back.contains(*name)))
            .cloned()
            .collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

#[test]
fn a_circle_is_found() {
    let imports = |pairs: &[(&str, &str)]| {
        let mut siblings = Siblings::new();
        for (from, to) in pairs {
            siblings.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        siblings
    };
    assert_eq!(circles(&imports(&[("a", "b"), ("b", "c"), ("a", "c")])), Vec::<Vec<String>>::new());
    assert_eq!(circles(&imports(&[("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")])), [["b", "c"]]);
}
