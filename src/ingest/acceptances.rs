//! Acceptances: the acknowledged rejects of a table, as a queryable table: what was acknowledged, by whom and
//! when.

use std::{collections::BTreeMap, sync::Arc};

use super::ledger::micros;
use crate::{
    engine::arrow::{
        array::{
            Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
            new_null_array,
        },
        compute::cast,
        datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType},
        error::ArrowError,
    },
    source::RejectedFile,
};
use chrono::{DateTime, Utc};

/// The acknowledged rejects of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The rejects of the file.
    pub rejected: RejectedFile,
    /// The user who acknowledged them.
    pub by: String,
    /// The time of the acknowledgement, in microseconds since 1970.
    pub at: i64,
}

/// The acknowledged rejects of a table, by file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acceptances {
    pub files: BTreeMap<String, Acceptance>,
}

impl Acceptances {
    /// Acknowledges the rejects of files that match `of`. Acknowledgements of files without rejects are
    /// removed.
    #[must_use]
    pub fn and(
        &self,
        rejected: &BTreeMap<String, RejectedFile>,
        of: &dyn Fn(&RejectedFile) -> bool,
        by: &str,
        at: DateTime<Utc>,
    ) -> Self {
        let files = rejected.iter().filter_map(|(file, rejected)| {
            let acceptance = match self.files.get(file).filter(|known| known.rejected.is_same(rejected)) {
                Some(known) => known.clone(),
                None if of(rejected) => {
                    Acceptance { rejected: rejected.clone(), by: by.to_owned(), at: micros(at) }
                }
                None => return None,
            };
            Some((file.clone(), acceptance))
        });
        Self { files: files.collect() }
    }

    /// Returns whether exactly these rejects of a file are acknowledged.
    #[must_use]
    pub fn covers(&self, file: &str, rejected: &RejectedFile) -> bool {
        self.files.get(file).is_some_and(|known| known.rejected.is_same(rejected))
    }

    /// Returns the newest acknowledgement.
    #[must_use]
    pub fn newest(&self) -> Option<&Acceptance> {
        self.files.values().max_by_key(|acceptance| acceptance.at)
    }

    /// Returns the table's schema.
    #[must_use]
    pub fn schema() -> SchemaRef {
        let columns = [
            ("source", DataType::Utf8),
            ("file", DataType::Utf8),
            ("rejected_rows", DataType::Int64),
            ("reason", DataType::Utf8),
            ("accepted_by", DataType::Utf8),
            ("accepted_at", DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))),
            ("digest", DataType::Int64),
        ];
        let fields = columns.into_iter().map(|(name, kind)| Field::new(name, kind, true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Converts to rows.
    ///
    /// # Errors
    /// Never, unless a number exceeds its column's range.
    pub fn to_batch(&self) -> Result<RecordBatch, ArrowError> {
        let text = |of: &dyn Fn(&Acceptance) -> Option<String>| -> ArrayRef {
            Arc::new(self.files.values().map(of).collect::<StringArray>())
        };
        let names: StringArray = self.files.keys().map(Some).collect();
        let rows: Int64Array = self.files.values().map(|one| Some(one.rejected.rows.cast_signed())).collect();
        let times: TimestampMicrosecondArray = self.files.values().map(|one| Some(one.at)).collect();
        let digests: Int64Array =
            self.files.values().map(|one| one.rejected.digest.map(u64::cast_signed)).collect();
        let columns = vec![
            text(&|one| Some(one.rejected.source.to_string())),
            Arc::new(names) as ArrayRef,
            Arc::new(rows),
            text(&|one| one.rejected.reason.clone()),
            text(&|one| Some(one.by.clone())),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(digests),
        ];
        RecordBatch::try_new(Self::schema(), columns)
    }

    /// Converts from rows.
    ///
    /// # Errors
    /// If the rows aren't from such a table.
    pub fn of_batch(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let schema = Self::schema();
        let columns = schema.fields().iter().map(|field| {
            match batch.column_by_name(field.name()) {
                Some(column) => cast(column, field.data_type()),
                // Tables from earlier versions lack this column.
                None if field.name() == "digest" => Ok(new_null_array(field.data_type(), batch.num_rows())),
                None => Err(ArrowError::SchemaError(format!("there is no column {}", field.name()))),
            }
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        let text = |at: usize, row: usize| {
            let texts = columns[at].as_string::<i32>();
            (!texts.is_null(row)).then(|| texts.value(row).to_owned())
        };
        let number = |at: usize, row: usize| {
            let numbers = columns[at].as_primitive::<Int64Type>();
            (!numbers.is_null(row)).then(|| numbers.value(row).cast_unsigned())
        };
        let mut files = BTreeMap::new();
        for row in 0..batch.num_rows() {
            let rejected = RejectedFile {
                source: text(0, row).unwrap_or_default().into(),
                rows: columns[2].as_primitive::<Int64Type>().value(row).cast_unsigned(),
                reason: text(3, row),
                digest: number(6, row),
            };
            let acceptance = Acceptance {
                rejected,
                by: text(4, row).unwrap_or_default(),
                at: columns[5].as_primitive::<TimestampMicrosecondType>().value(row),
            };
            files.insert(text(1, row).unwrap_or_default(), acceptance);
        }
        Ok(Self { files })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(rows: u64) -> RejectedFile {
        let mut rejected = RejectedFile::none("files.orders".into());
        (1..=rows).for_each(|row| rejected.add(Some(row), "no number", "x"));
        if rows == 0 {
            rejected.add(None, "cut", "");
        }
        rejected
    }

    fn all(files: &[(&str, u64)]) -> BTreeMap<String, RejectedFile> {
        files.iter().map(|(file, rows)| ((*file).to_owned(), rejected(*rows))).collect()
    }

    #[test]
    fn what_was_accepted_is_that_and_no_more() {
        let accepted =
            Acceptances::default().and(&all(&[("a", 2), ("b", 0)]), &|_| true, "anna", DateTime::UNIX_EPOCH);
        assert!(accepted.covers("a", &rejected(2)) && accepted.covers("b", &rejected(0)));
        assert!(!accepted.covers("a", &rejected(3)) && !accepted.covers("c", &rejected(2)));
        assert_eq!(
            Acceptances::of_batch(&accepted.to_batch().unwrap()).unwrap(),
            accepted,
            "as a table and back"
        );
        let later = accepted.and(&all(&[("a", 2), ("c", 1)]), &|_| true, "ben", DateTime::UNIX_EPOCH);
        assert_eq!((later.files["a"].by.as_str(), later.files["c"].by.as_str()), ("anna", "ben"));
        assert!(!later.files.contains_key("b"), "it has no rejects any more");

        let mut others = RejectedFile::none("files.orders".into());
        (1..=2).for_each(|row| others.add(Some(row), "no number", "other text"));
        assert!(!accepted.covers("a", &others), "as many rows, but others");
        let unknown = RejectedFile { digest: None, ..rejected(2) };
        assert!(accepted.covers("a", &unknown), "as a ledger of an earlier version has it");
    }
}
