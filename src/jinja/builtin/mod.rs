//! The macros that every project has: the generic tests that dbt has, those that most projects install a package for, and
//! those that compare a table with its own past. A project's macro of the same name takes the place of one of these.
//!
//! Each file is a subject; the SQL in them is what `compile` writes for a test. A test that judges rows one by one is a
//! plain SELECT with a WHERE: the engine recognises that, and answers many of them in one pass over a table.

use crate::text::{Source, Span};

/// How the paths of these files begin.
const FOLDER: &str = "headwater/";

const FILES: [(&str, &str); 6] = [
    ("helpers.sql", include_str!("helpers.sql")),
    ("rows.sql", include_str!("rows.sql")),
    ("keys.sql", include_str!("keys.sql")),
    ("counts.sql", include_str!("counts.sql")),
    ("sequences.sql", include_str!("sequences.sql")),
    ("anomalies.sql", include_str!("anomalies.sql")),
];

/// The files.
pub(super) fn sources() -> impl Iterator<Item = Source> {
    FILES.iter().map(|(name, text)| Source::new(format!("{FOLDER}{name}"), *text))
}

/// Whether a place is in one of these files, which nobody wrote who reads about it.
#[must_use]
pub fn is_builtin(span: &Span) -> bool {
    span.source.path().starts_with(FOLDER)
}
