//! Checks the layering in `lib.rs`: imports run downwards only, only `engine` names DataFusion, and only
//! `lake` names deltalake.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const ROWS: [&[&str]; 8] = [
    &["text", "secret", "parallel", "name", "interval", "local_file", "stamp", "diag"],
    &["project", "jinja", "graph"],
    &["parse", "select", "manifest"],
    &["plan", "outcome", "event"],
    &["engine", "lake", "ingest"],
    &["compile", "lineage", "run"],
    &["artifact", "report", "docs"],
    &["cli"],
];

/// Modules of one row that may use each other, in this direction.
const BESIDE: [(&str, &str); 16] = [
    ("manifest", "parse"),
    ("diag", "text"),
    ("diag", "secret"),
    ("name", "text"),
    ("manifest", "select"),
    ("outcome", "plan"),
    ("event", "plan"),
    ("event", "outcome"),
    ("lake", "engine"),
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

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Finds every `crate::x` in a file, including those inside `use crate::{a, b::c}`.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' | ':' if depth == 0 && !word.is_empty() => {
                        found.insert(std::mem::take(&mut word));
                        if character == ':' {
                            depth += 100;
                        }
                    }
                    '\n' | ' ' => {}
                    _ if depth == 0 => word.push(character),
                    _ => {}
                }
                if depth >= 100 && character == ',' && depth == 100 {
                    depth = 0;
                }
            }
            found.insert(word);
            // Left over from a closing brace.
            found.remove("");
        } else {
            found.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

#[test]
fn imports_run_downwards_only() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&source, &mut all);
    let mut faults = Vec::new();
    for path in all {
        let relative = path.strip_prefix(&source).unwrap().to_string_lossy().replace('\\', "/");
        let module = relative.split('/').next().unwrap().trim_end_matches(".rs").to_string();
        if ["lib", "main", "layers"].contains(&module.as_str()) {
            continue;
        }
        let Some(own) = row(&module) else {
            faults.push(format!("{relative}: `{module}` has no row in the table"));
            continue;
        };
        let text = fs::read_to_string(&path).unwrap();
        for other in imports(&text) {
            let beside = other == module || BESIDE.contains(&(module.as_str(), other.as_str()));
            if let Some(other_row) = row(&other)
                && (other_row > own || (other_row == own && !beside))
            {
                faults.push(format!("{relative}: row {own} imports `{other}` of row {other_row}"));
            }
        }
        for (name, home) in [("datafusion::", "engine"), ("deltalake::", "lake")] {
            let named = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && line.contains(name) && !line.contains("deltalake::datafusion")
            });
            if named && module != home && !(module == "lake" && name == "datafusion::") {
                faults.push(format!("{relative}: names `{name}`, which is {home}'s alone"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::{a::{b, c}, d, e::f};\nuse crate::g::h;\nlet x = crate::i::j();";
    let found: Vec<String> = imports(text).into_iter().collect();
    assert_eq!(found, ["a", "d", "e", "g", "i"]);
}
