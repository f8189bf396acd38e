//! Built-in macros: dbt's generic tests, those that most projects install a package for, and tests that
//! compare a table with its own history; and the macros of dbt's own namespace. A project's macro overrides
//! the built-in macro of the same name.
//!
//! Each file covers one subject; their SQL is what `compile` writes for a test. A test that judges rows
//! individually is a plain SELECT with a WHERE: the engine recognizes this form, and runs many such tests in
//! one pass over a table.

use crate::text::{Source, Span};

/// The path prefix of the built-in files.
const FOLDER: &str = "headwater/";

const FILES: [(&str, &str); 10] = [
    ("helpers.sql", include_str!("helpers.sql")),
    ("rows.sql", include_str!("rows.sql")),
    ("keys.sql", include_str!("keys.sql")),
    ("counts.sql", include_str!("counts.sql")),
    ("sequences.sql", include_str!("sequences.sql")),
    ("anomalies.sql", include_str!("anomalies.sql")),
    ("cross_types.sql", include_str!("cross_types.sql")),
    ("cross_text.sql", include_str!("cross_text.sql")),
    ("cross_dates.sql", include_str!("cross_dates.sql")),
    ("names.sql", include_str!("names.sql")),
];

/// Returns the built-in files.
pub(super) fn sources() -> impl Iterator<Item = Source> {
    FILES.iter().map(|(name, text)| Source::new(format!("{FOLDER}{name}"), *text))
}

/// Returns whether a span lies in a built-in file, which the user didn't write.
#[must_use]
pub fn is_builtin(span: &Span) -> bool {
    span.source.path().starts_with(FOLDER)
}
