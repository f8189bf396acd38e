//! The list of supported functions in the documentation.

use std::{fs, path::Path};

const START: &str = "<!-- functions of postgresql -->\n";
const END: &str = "<!-- end of functions of postgresql -->";

/// Returns the list of scalar functions, aggregates and window functions by name.
fn list() -> String {
    let joined = |names: Vec<&str>| {
        let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
        let mut lines = vec![String::from(" ")];
        for (at, name) in quoted.iter().enumerate() {
            let word = if at + 1 == quoted.len() { format!(" {name}.") } else { format!(" {name},") };
            if lines.last().is_some_and(|line| line.len() + word.len() > 128) {
                lines.push(String::from(" "));
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(&word);
            }
        }
        lines.join("\n")
    };
    let meetings = ["coalesce", "greatest", "least", "nullif"];
    let mut scalar: Vec<&str> = super::routines()
        .keys()
        .copied()
        .filter(|name| !super::overload::is_operator(name))
        .chain(meetings)
        .collect();
    scalar.sort_unstable();
    let mut aggregates: Vec<&str> =
        crate::engine::function::postgres::aggregate::names().chain(["count", "grouping"]).collect();
    aggregates.sort_unstable();
    format!(
        "- Functions:\n{}\n- Aggregates:\n{}\n- Window functions:\n{}\n",
        joined(scalar),
        joined(aggregates),
        joined(super::WINDOWS.to_vec())
    )
}

#[test]
fn the_documentation_lists_what_is_admitted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dialect.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(START).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let made = format!("{before}{START}{}{END}{after}", list());
    if std::env::var_os("HEADWATER_WRITE_REFERENCE").is_some() {
        fs::write(&path, made).unwrap();
    } else {
        assert!(
            made == page,
            "docs/dialect.md is out of date: run this test with HEADWATER_WRITE_REFERENCE=1"
        );
    }
}
