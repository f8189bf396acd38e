//! The five presentation tables, computed from the files in plain Rust without Headwater, DataFusion or
//! Delta. The rules are those in the models' descriptions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde_json::Value;

/// Rows: numbers by text columns.
pub(crate) type Table = BTreeMap<Vec<String>, Vec<f64>>;

/// The expected result of a build.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// The number of readable rows, including duplicates and nulls.
    pub(crate) raw: usize,
    /// The number of invalid rows.
    pub(crate) bad_rows: usize,
    /// The number of unparsable files.
    pub(crate) bad_files: usize,
    readings: BTreeMap<(String, DateTime<Utc>), f64>,
    agreements: Vec<Agreement>,
}

#[derive(Debug)]
struct Agreement {
    id: i64,
    meterpoint: String,
    product: String,
    variable: bool,
    from: NaiveDate,
    to: Option<NaiveDate>,
}

impl Agreement {
    fn holds(&self, day: NaiveDate) -> bool {
        self.from <= day && self.to.is_none_or(|to| day < to)
    }
}

impl Expected {
    /// Reads a folder with `readings/` and `case_study.db`.
    pub(crate) fn of(data: &Path) -> Self {
        let mut expected = Self { agreements: agreements(&data.join("case_study.db")), ..Self::default() };
        let folder = fs::read_dir(data.join("readings")).expect("readings");
        let mut files: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
        // A later file wins, so the order of their names matters.
        files.sort();
        for file in files {
            expected.file(&fs::read_to_string(file).expect("a file of readings"));
        }
        expected
    }

    fn file(&mut self, text: &str) {
        let Ok(document) = serde_json::from_str::<Value>(text) else {
            self.bad_files += 1;
            return;
        };
        let columns: Vec<&str> =
            document["columns"].as_array().expect("columns").iter().filter_map(Value::as_str).collect();
        let place = |name: &str| columns.iter().position(|column| *column == name).expect("the column");
        let (start, used, meterpoint) =
            (place("interval_start"), place("consumption_delta"), place("meterpoint_id"));
        for row in document["data"].as_array().expect("data") {
            let cells = row.as_array().expect("a row");
            let read = (cells.len() == columns.len())
                .then(|| Some((instant(&cells[start])?, number(&cells[used])?)))
                .flatten();
            let Some((start, used)) = read else {
                self.bad_rows += 1;
                continue;
            };
            self.raw += 1;
            if let Some(used) = used {
                let meterpoint = cells[meterpoint].as_str().expect("a meter point").to_owned();
                self.readings.insert((meterpoint, start), used);
            }
        }
    }

    /// The number of readings after deduplication.
    pub(crate) fn measured(&self) -> usize {
        self.readings.len()
    }

    pub(crate) fn active_agreements(&self, day: NaiveDate) -> Table {
        let active = self.agreements.iter().filter(|agreement| agreement.holds(day));
        active
            .map(|agreement| {
                let Agreement { id, meterpoint, product, variable, .. } = agreement;
                (vec![id.to_string(), meterpoint.clone(), product.clone(), variable.to_string()], Vec::new())
            })
            .collect()
    }

    pub(crate) fn total_per_half_hour(&self) -> Table {
        let mut table = Table::new();
        for ((_, start), used) in &self.readings {
            let sums = table.entry(vec![written(*start)]).or_insert_with(|| vec![0.0, 0.0]);
            sums[0] += 1.0;
            sums[1] += used;
        }
        table
    }

    pub(crate) fn per_product_per_day(&self) -> Table {
        let mut groups: BTreeMap<Vec<String>, (BTreeSet<&str>, f64)> = BTreeMap::new();
        for ((meterpoint, start), used, agreement) in self.with_agreement() {
            let key = vec![agreement.product.clone(), start.date_naive().to_string()];
            let group = groups.entry(key).or_default();
            group.0.insert(meterpoint);
            group.1 += used;
        }
        let row = |(meterpoints, used): (BTreeSet<&str>, f64)| vec![meterpoints.len() as f64, used];
        groups.into_iter().map(|(key, group)| (key, row(group))).collect()
    }

    pub(crate) fn average_per_product(&self) -> Table {
        let mut groups: BTreeMap<Vec<String>, (f64, f64)> = BTreeMap::new();
        for ((_, start), used, agreement) in self.with_agreement() {
            let group = groups.entry(vec![written(*start), agreement.product.clone()]).or_default();
            group.0 += used;
            group.1 += 1.0;
        }
        groups.into_iter().map(|(key, (sum, count))| (key, vec![sum / count])).collect()
    }

    fn with_agreement(&self) -> impl Iterator<Item = (&(String, DateTime<Utc>), f64, &Agreement)> {
        self.readings.iter().flat_map(|(key, used)| {
            let holding = self
                .agreements
                .iter()
                .filter(|agreement| agreement.meterpoint == key.0 && agreement.holds(key.1.date_naive()));
            holding.map(move |agreement| (key, *used, agreement))
        })
    }
}

/// Formats as in CSV.
fn written(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn instant(cell: &Value) -> Option<DateTime<Utc>> {
    match cell {
        Value::Number(millis) => DateTime::from_timestamp_millis(millis.as_i64()?),
        Value::String(text) => {
            let local = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok();
            let offset = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
            offset.or_else(|| Some(local()?.and_utc()))
        }
        _ => None,
    }
}

/// A number, a null, or `None` for a value that can't be a number.
#[expect(clippy::option_option, reason = "a null is a value here, and a misfit is none")]
fn number(cell: &Value) -> Option<Option<f64>> {
    match cell {
        Value::Null => Some(None),
        Value::Number(number) => number.as_f64().map(Some),
        Value::String(text) => text.parse().ok().map(Some),
        _ => None,
    }
}

fn agreements(database: &Path) -> Vec<Agreement> {
    let connection = rusqlite::Connection::open(database).expect("the database");
    let sql = "select agreement_id, meterpoint_id, display_name, is_variable, agreement_valid_from, \
               agreement_valid_to from agreement join product using (product_id)";
    let mut statement = connection.prepare(sql).expect("the tables");
    let day = |text: String| text.parse().expect("a date");
    let rows = statement.query_map([], |row| {
        Ok(Agreement {
            id: row.get(0)?,
            meterpoint: row.get(1)?,
            product: row.get(2)?,
            variable: row.get(3)?,
            from: day(row.get(4)?),
            to: row.get::<_, Option<String>>(5)?.map(day),
        })
    });
    rows.expect("agreements").map(|row| row.expect("an agreement")).collect()
}
