//! The files that dbt leaves beside a project, in dbt's formats and complete to the key: other tools read them.
//!
//! - [`manifest`]: `manifest.json`, version 12: what the project is
//! - [`catalog`]: `catalog.json`, version 1: what its tables are
//! - [`graph_summary`]: `graph_summary.json`: who reads whom
//! - [`renew`]: the same artifact, by another invocation
//! - here: what they have in common
//!
//! `run_results.json` and `sources.json` are folds of a run's events, and so are `report`'s. What follows dbt to the
//! letter is checked by dbt's own classes and other readers of its artifacts (`tests/artifacts`).

pub mod catalog;
pub mod graph_summary;
pub mod manifest;
pub mod renew;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::name::Relation;

/// The dbt whose conventions the artifacts follow; readers pick their parser by it.
const DBT_VERSION: &str = "1.12.0";

/// What artifacts say of the invocation beyond the events.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The variables that the user wants in artifacts (`DBT_ENV_CUSTOM_ENV_*`), without the prefix.
    pub env: BTreeMap<String, String>,
    /// What stands where dbt has a database.
    pub database: String,
    /// The flags, as dbt names them.
    pub args: Map<String, Value>,
}

/// Which invocation made an artifact, and when.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    /// The invocation's id.
    pub invocation_id: &'a str,
    /// When it started.
    pub started: DateTime<Utc>,
    /// When the artifact was made.
    pub generated: DateTime<Utc>,
    /// What else is known of it.
    pub env: &'a BTreeMap<String, String>,
}

impl Origin<'_> {
    /// What every artifact says of itself first.
    #[must_use]
    pub fn metadata(&self, schema: &str) -> Value {
        json!({
            "dbt_schema_version": schema,
            "dbt_version": DBT_VERSION,
            "generated_at": timestamp(self.generated),
            "invocation_id": self.invocation_id,
            "invocation_started_at": timestamp(self.started),
            "env": self.env,
        })
    }
}

/// SQL with a database before the names of these relations, where they stand by schema and name: readers of artifacts
/// look tables up by three names. Names are found in the text as templates write them, so one that stands in a string is
/// taken for a name as well.
#[must_use]
pub fn in_database<'a>(
    sql: &str,
    relations: impl IntoIterator<Item = &'a Relation>,
    database: &str,
) -> String {
    let mut places: BTreeMap<usize, (String, usize)> = BTreeMap::new();
    for relation in relations {
        let quoted = relation.quoted();
        for (at, _) in sql.match_indices(&quoted) {
            // A part of a longer name is another name.
            if !sql[..at].ends_with(['.', '"']) && !sql[at + quoted.len()..].starts_with('"') {
                places.insert(at, (relation.qualified(database), quoted.len()));
            }
        }
    }
    let (mut text, mut end) = (String::new(), 0);
    for (at, (name, length)) in places {
        text.push_str(&sql[end..at]);
        text.push_str(&name);
        end = at + length;
    }
    text + &sql[end..]
}

/// A moment as dbt writes it: microseconds and `Z`.
#[must_use]
pub fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Puts a whole new file in the place of the old one, or leaves the old one as it is. `id` is no one else's.
pub fn replace(path: &Path, id: &str, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{id}.tmp"));
    let beside = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| {
        // The first error is the one to tell; it says more than that its remains could not be swept up.
        let _ = fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_a_database_and_nothing_else_does() {
        let relations = [Relation::new("a", "b"), Relation::new("dev", "a"), Relation::new("a", "b\"c")];
        let with = |sql: &str| in_database(sql, &relations, "dev");
        assert_eq!(
            with(r#"select "b"."x" from "a"."b" as "b" join "dev"."a" on true"#),
            r#"select "b"."x" from "dev"."a"."b" as "b" join "dev"."dev"."a" on true"#
        );
        assert_eq!(
            with(r#"from "x"."a"."b", "a"."bc", "a"."b""c""#),
            r#"from "x"."a"."b", "a"."bc", "dev"."a"."b""c""#
        );
        assert_eq!(with("select 1"), "select 1");
    }
}
