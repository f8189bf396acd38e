//! The reference of keys, `docs/keys.md`: generated from the table of keys, so it can't contradict it.
//!
//! A test compares the page with the generated one. `HEADWATER_WRITE_DOCS=1 cargo test --lib key_reference`
//! writes it.

use std::fmt::Write as _;

use crate::project::keys::{ALL, Effect, Key, Section};

const BEFORE: &str = "\
<!-- Made from the code by `HEADWATER_WRITE_DOCS=1 cargo test --lib key_reference`. Don't edit by hand. -->
# Keys

Every key of the project file, of configuration and of properties files, dbt's and Headwater's. A key
**acts**, or it **describes**: documentation, artifacts and templates have it, and no table depends on it. Or
it has **no effect**: it is a warning, with what to do instead. A key that isn't here is an error with near
names; in configuration it may be your own, for templates to read, and is a warning if it looks misspelt.

[Configuration](configuration.md) explains the most important ones.
";

/// Renders the page.
fn page() -> String {
    let mut page = BEFORE.to_owned();
    for (title, sections) in ALL {
        let _ = writeln!(page, "\n## {title}");
        for section in *sections {
            let _ = writeln!(page, "\n### {}\n", heading(section));
            table(section, &mut page);
        }
    }
    page
}

/// Returns the section's name without its article, with a capital.
fn heading(section: &Section) -> String {
    let what = ["an ", "a ", "the "].iter().find_map(|article| section.what.strip_prefix(article));
    let what = what.unwrap_or(section.what);
    let mut letters = what.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn table(section: &Section, page: &mut String) {
    let mut keys: Vec<&Key> = section.keys().collect();
    keys.sort_by_key(|key| (order(key.effect), key.name));
    page.push_str("| key | effect | |\n|---|---|---|\n");
    for key in keys {
        let _ =
            writeln!(page, "| `{}` | {} | {} |", key.name, word(key.effect), key.text.replace('|', "\\|"));
    }
}

fn order(effect: Effect) -> usize {
    [Effect::Active, Effect::Descriptive, Effect::Ignored].iter().position(|one| *one == effect).unwrap_or(0)
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Active => "acts",
        Effect::Descriptive => "describes",
        Effect::Ignored => "no effect",
    }
}

#[test]
fn the_page_is_what_the_table_says() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    if std::env::var_os("HEADWATER_WRITE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/keys.md isn't what the code says: HEADWATER_WRITE_DOCS=1 cargo test --lib key_reference"
    );
}
