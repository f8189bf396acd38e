//! Watched sources: the parts of a source declaration that are needed to detect changes of its data later,
//! without the project.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    decode::TextOptions,
    drift::Drift,
    file::Listing,
    files,
    spec::{DateUnit, Identity, OnError, Orient, SourceFormat, SourceSpec},
    state::{SourceState, database_state, of_files},
};

/// A source on a local disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedSource {
    base: PathBuf,
    location: String,
    format: WatchedFormat,
}

/// The state of a watched source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedState {
    /// The state of its data.
    pub data: SourceState,
    /// The names of files that it leaves out.
    pub left_out: Vec<String>,
}

/// The format of a source, as far as it decides which files belong to the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WatchedFormat {
    /// Documents with any number of rows.
    Json,
    /// One object per line, or any of the JSON layouts.
    JsonLines,
    Csv,
    Parquet,
    Avro,
    Sqlite(String),
}

impl WatchedSource {
    /// Creates a watched source. Returns `None` if the source's state can't be determined from a local disk
    /// alone, or only by reading its data.
    #[must_use]
    pub fn new(spec: &SourceSpec) -> Option<Self> {
        if files::is_url(&spec.location) || spec.identity != Identity::Stamp {
            return None;
        }
        let format = match &spec.format {
            SourceFormat::Json { orient: Orient::Auto | Orient::Lines, .. } | SourceFormat::NdJson { .. } => {
                WatchedFormat::JsonLines
            }
            SourceFormat::Json { .. } => WatchedFormat::Json,
            SourceFormat::Csv { .. } => WatchedFormat::Csv,
            SourceFormat::Parquet { .. } => WatchedFormat::Parquet,
            SourceFormat::Avro { .. } => WatchedFormat::Avro,
            SourceFormat::Sqlite { table, .. } => WatchedFormat::Sqlite(table.clone()),
        };
        Some(Self { base: spec.base.clone(), location: spec.location.clone(), format })
    }

    /// Returns the source's current state, or `None` if it can't be inspected or has no files.
    #[must_use]
    pub fn state(&self) -> Option<WatchedState> {
        if let WatchedFormat::Sqlite(table) = &self.format {
            let data = database_state(&self.base.join(&self.location), table).ok()?;
            return Some(WatchedState { data, left_out: Vec::new() });
        }
        let Listing { files, left_out } = files::local_listing(&self.spec()).ok()?;
        (!files.is_empty()).then(|| WatchedState { data: of_files(&files), left_out })
    }

    /// Returns a declaration that finds the same files.
    fn spec(&self) -> SourceSpec {
        let date_unit = DateUnit::default();
        let format = match &self.format {
            WatchedFormat::Json => SourceFormat::Json { orient: Orient::Records, date_unit },
            WatchedFormat::JsonLines => SourceFormat::NdJson { date_unit },
            WatchedFormat::Csv => {
                SourceFormat::Csv { delimiter: None, header: None, quote: None, nulls: None }
            }
            WatchedFormat::Parquet => SourceFormat::Parquet { date_unit },
            WatchedFormat::Avro => SourceFormat::Avro { date_unit },
            WatchedFormat::Sqlite(table) => SourceFormat::Sqlite { table: table.clone(), date_unit },
        };
        SourceSpec {
            name: self.location.clone(),
            format,
            location: self.location.clone(),
            base: self.base.clone(),
            columns: Vec::new(),
            text: TextOptions::default(),
            on_error: OnError::default(),
            identity: Identity::Stamp,
            drift: Drift::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Each format counts the same files as its readers do.
    #[tokio::test]
    async fn a_watched_source_is_in_the_state_that_its_readers_see() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.json", "c.jsonl", "d.parquet", "e.avro", "f.csv.gz", "g.db", ".h.csv"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let (date_unit, null) = (DateUnit::default(), None);
        let session = datafusion::prelude::SessionContext::new().state();
        for format in [
            SourceFormat::Json { orient: Orient::Auto, date_unit },
            SourceFormat::Json { orient: Orient::Split, date_unit },
            SourceFormat::Json { orient: Orient::Lines, date_unit },
            SourceFormat::NdJson { date_unit },
            SourceFormat::Csv { delimiter: null, header: Some(true), quote: null, nulls: None },
            SourceFormat::Parquet { date_unit },
            SourceFormat::Avro { date_unit },
            SourceFormat::Sqlite { table: "t".to_owned(), date_unit },
        ] {
            let location = if matches!(format, SourceFormat::Sqlite { .. }) { "g.db" } else { "." };
            let spec = SourceSpec {
                name: "a source".to_owned(),
                format,
                location: location.to_owned(),
                base: folder.path().to_owned(),
                columns: Vec::new(),
                text: TextOptions::default(),
                on_error: OnError::Fail,
                identity: Identity::Stamp,
                drift: Drift::default(),
            };
            let watched = WatchedSource::new(&spec).unwrap();
            let text = serde_json::to_string(&watched).unwrap();
            let watched: WatchedSource = serde_json::from_str(&text).unwrap();
            let seen = crate::source::state::state(&spec, &session).await.unwrap();
            assert_eq!(watched.state().unwrap().data, seen, "{:?}", spec.format);
            fs::write(folder.path().join(location).join("new.txt"), "").ok();
        }
        let remote = SourceSpec { location: "s3://bucket/a".to_owned(), ..watched_csv(folder.path()) };
        assert_eq!(WatchedSource::new(&remote), None);
        let seed = SourceSpec { identity: Identity::Content, ..watched_csv(folder.path()) };
        assert_eq!(WatchedSource::new(&seed), None);
    }

    fn watched_csv(base: &Path) -> SourceSpec {
        WatchedSource { base: base.to_owned(), location: "a.csv".to_owned(), format: WatchedFormat::Csv }
            .spec()
    }
}
