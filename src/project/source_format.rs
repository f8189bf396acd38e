//! Source formats, and the inference of a format from a file's name.

/// The formats of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormatName {
    /// JSON documents.
    Json,
    /// One JSON value per line.
    Ndjson,
    /// Delimited text.
    Csv,
    Parquet,
    /// A Delta table that another tool writes.
    Delta,
    Avro,
    /// A table in an `SQLite` database.
    Sqlite,
}

/// The extensions of compressed files.
const COMPRESSED: &[&str] = &[".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz"];

impl SourceFormatName {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Json, Self::Ndjson, Self::Csv, Self::Parquet, Self::Delta, Self::Avro, Self::Sqlite];

    /// Returns the name, as written in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Delta => "delta",
            Self::Avro => "avro",
            Self::Sqlite => "sqlite",
        }
    }

    /// Returns the format of a file by its extension, which may be followed by a compression extension.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let lower = name.trim().to_ascii_lowercase();
        let inner = match COMPRESSED.iter().find(|end| lower.ends_with(**end)) {
            Some(end) => &lower[..lower.len() - end.len()],
            None => lower.as_str(),
        };
        let (_, extension) = inner.rsplit_once('.')?;
        let found = match extension {
            "json" => Self::Json,
            "ndjson" | "jsonl" => Self::Ndjson,
            "csv" | "tsv" => Self::Csv,
            "parquet" | "pq" => Self::Parquet,
            "avro" => Self::Avro,
            "db" | "sqlite" | "sqlite3" => Self::Sqlite,
            _ => return None,
        };
        (found.is_text() || inner.len() == lower.len()).then_some(found)
    }

    /// Returns whether the format is text, which may be compressed and in any encoding.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson | Self::Csv)
    }
}
