//! The function reference, `docs/functions.md`: generated from the descriptions, and kept in sync by a test.
//!
//! Regenerate it with `HEADWATER_WRITE_REFERENCE=1 cargo test --lib function::reference`.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    catalog::FAMILIES,
    description::{Family, Function},
};

/// The page's introduction.
const HEAD: &str = "\
# SQL functions

<!-- Generated from the code. Regenerate: HEADWATER_WRITE_REFERENCE=1 cargo test --lib function::reference -->

The functions of `dialect: duckdb`, with DuckDB's names, argument orders and result types. A function that DuckDB has and
this page lacks is refused with an error.
";

impl Family {
    fn title(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::RegularExpression => "Regular expressions",
            Self::Number => "Numbers",
            Self::Date => "Dates",
            Self::Timestamp => "Timestamps and times",
            Self::Interval => "Intervals",
            Self::List => "Lists",
            Self::Struct => "Structs",
            Self::Map => "Maps",
            Self::Json => "JSON",
            Self::Other => "Other",
        }
    }
}

/// Renders the whole page.
fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut families: BTreeMap<Family, Vec<&Function>> = BTreeMap::new();
    for function in FAMILIES.iter().copied().flatten() {
        families.entry(function.family).or_default().push(function);
    }
    for (family, mut functions) in families {
        functions.sort_by_key(|function| function.name());
        let _ = write!(page, "\n## {}\n", family.title());
        for function in functions {
            section(&mut page, function);
        }
    }
    let mut aggregates: Vec<_> = super::aggregate::all().collect();
    aggregates.sort_by_key(|aggregate| aggregate.name);
    page.push_str("\n## Aggregates\n");
    for aggregate in aggregates {
        let _ = write!(page, "\n### `{}`\n\n{}\n", aggregate.usage, aggregate.doc);
        also_called(&mut page, aggregate.aliases);
    }
    page
}

fn section(page: &mut String, function: &Function) {
    let _ = write!(page, "\n### `{}`\n\n{}\n", function.syntax, function.doc);
    also_called(page, &function.names[1..]);
    let _ = write!(page, "\nTakes:\n\n");
    for overload in function.overloads {
        let _ = writeln!(page, "- `{}`", overload.signature());
    }
    let (expression, value) = function.example;
    if !expression.is_empty() {
        let _ = write!(page, "\n`{expression}` is `{value}`.\n");
    }
}

fn also_called(page: &mut String, aliases: &[&str]) {
    let aliases: Vec<String> = aliases.iter().map(|name| format!("`{name}`")).collect();
    if !aliases.is_empty() {
        let _ = write!(page, "\nAlso called {}.\n", aliases.join(", "));
    }
}

#[test]
fn the_page_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/functions.md");
    let page = page();
    if std::env::var_os("HEADWATER_WRITE_REFERENCE").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
        std::fs::write(path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == committed,
        "docs/functions.md is out of date: run HEADWATER_WRITE_REFERENCE=1 cargo test --lib function::reference"
    );
}

#[test]
fn every_function_is_described_and_named_once() {
    let mut seen = std::collections::BTreeSet::new();
    for function in super::catalog::functions() {
        for name in function.names {
            assert!(seen.insert(*name), "{name} is defined twice");
        }
        let name = function.name();
        assert!(function.doc.ends_with('.'), "{name}: the doc line is a sentence");
        assert!(!function.overloads.is_empty(), "{name} has no overload");
        assert!(function.syntax.starts_with(name), "{name}: the syntax begins with the name");
    }
}
