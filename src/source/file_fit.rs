//! The files of a folder that belong to a source, by their names.

use std::path::Path;

use super::{
    decode::Compression,
    spec::{Orient, SourceFormat},
};

/// Returns whether a file or folder is hidden or belongs to another tool: `.git`, `_delta_log`, `_SUCCESS`.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

/// The treatment of a file in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileFit {
    Read,
    /// Not read, and reported, because a user may expect it to be.
    LeftOut,
    /// Not read, and not reported, because no user expects it to be.
    Silent,
}

/// Decides how to treat a file in a folder, by its name or its path below that folder.
pub(super) fn fit(path: &str, format: &SourceFormat) -> FileFit {
    let name = path.rsplit('/').next().unwrap_or(path);
    // Hadoop writes checksum files next to its data files.
    if is_hidden(name)
        || name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("crc"))
    {
        return FileFit::Silent;
    }
    if has_extension(name, format) { FileFit::Read } else { FileFit::LeftOut }
}

/// Returns whether a file's extension is one of the format's. Text files may be compressed.
fn has_extension(name: &str, format: &SourceFormat) -> bool {
    let known: &[&str] = match format {
        SourceFormat::Json { orient: Orient::Auto | Orient::Lines, .. } | SourceFormat::NdJson { .. } => {
            &["json", "jsonl", "ndjson"]
        }
        SourceFormat::Json { .. } => &["json"],
        SourceFormat::Csv { .. } => &["csv", "tsv", "txt"],
        SourceFormat::Parquet { .. } => &["parquet", "pq"],
        SourceFormat::Avro { .. } => &["avro"],
        SourceFormat::Sqlite { .. } => &["db", "sqlite", "sqlite3"],
    };
    let inner = if format.is_text() { Compression::of_name(name).0 } else { name };
    let extension = Path::new(inner).extension();
    extension.is_some_and(|extension| known.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_by_the_extension_inside_that_of_their_compression() {
        let csv = SourceFormat::Csv { delimiter: None, header: None, quote: None, nulls: None };
        let check =
            |name: &str, format: &SourceFormat, want: FileFit| assert_eq!(fit(name, format), want, "{name}");
        for name in ["a.csv", "A.CSV.GZ", "a.tsv.zst", "deep/a.txt.bz2", "a.csv.xz"] {
            check(name, &csv, FileFit::Read);
        }
        for name in ["a.gz", "a.json", "README.md", "a.csv.zip", "csv"] {
            check(name, &csv, FileFit::LeftOut);
        }
        for name in ["_SUCCESS", ".hidden.csv", "deep/_x.csv", "a.csv.crc"] {
            check(name, &csv, FileFit::Silent);
        }
        let date_unit = super::super::DateUnit::Milliseconds;
        check("a.parquet.gz", &SourceFormat::Parquet { date_unit }, FileFit::LeftOut);
        let json = |orient| SourceFormat::Json { orient, date_unit: super::super::DateUnit::Seconds };
        check("a.jsonl.gz", &json(Orient::Auto), FileFit::Read);
        check("a.jsonl", &json(Orient::Split), FileFit::LeftOut);
    }
}
