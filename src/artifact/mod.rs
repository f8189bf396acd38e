//! dbt's artifacts, complete to the last key, for the tools that read them.
//!
//! - [`manifest`]: `manifest.json`, version 12: the project's nodes
//! - [`catalog`]: `catalog.json`, version 1: the columns and statistics of its tables
//! - [`graph_summary`]: `graph_summary.json`: the dependency graph
//! - [`comparison`]: the changes between two manifests
//! - [`renewal`]: the same artifact under another invocation
//! - this file: the parts common to all of them
//!
//! `run_results.json` and `sources.json` are folds of a run's events, so they are in `report`. dbt's own
//! classes and other artifact readers check conformance (`tests/artifacts`).

pub mod catalog;
pub mod comparison;
pub mod graph_summary;
pub mod manifest;
pub mod renewal;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::{jinja::DBT_VERSION, name::Relation};

/// Facts about the invocation that the events don't contain.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The environment variables that the user wants in artifacts (`DBT_ENV_CUSTOM_ENV_*`), without the
    /// prefix.
    pub env: BTreeMap<String, String>,
    /// The name used as dbt's database.
    pub database: String,
    /// The flags, under dbt's names.
    pub args: Map<String, Value>,
}

/// The invocation that made an artifact, and the time.
#[derive(Debug, Clone)]
pub struct ArtifactOrigin<'a> {
    /// The invocation's id.
    pub invocation_id: &'a str,
    /// The start time of the invocation.
    pub started: DateTime<Utc>,
    /// The time the artifact was generated.
    pub generated: DateTime<Utc>,
    /// The user's additional environment variables.
    pub env: &'a BTreeMap<String, String>,
}

impl ArtifactOrigin<'_> {
    /// Returns the metadata at the start of every artifact.
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

/// Qualifies these relations with a database wherever `sql` names them by schema and name, since artifact
/// readers look tables up by three-part names. The search is textual and expects names as templates render
/// them, so matches inside string literals are qualified too.
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
            // Part of a longer name.
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

/// Formats a timestamp as dbt does: microseconds and `Z`.
#[must_use]
pub fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Atomically replaces a file, or leaves the old one as it is. `id` must be unique to the caller.
pub fn replace(path: &Path, id: &str, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{id}.tmp"));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().inspect_err(|_| {
        // Report the first error; failing to remove the temporary file is less informative.
        let _ = fs::remove_file(&temporary);
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
