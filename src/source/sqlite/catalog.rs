//! Table metadata from an SQLite database.

use std::{path::Path, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema, SchemaRef},
    error::DataFusionError,
};
use rusqlite::Connection;

use super::{connection::connect, fault};
use crate::{
    diag::near,
    source::{
        drift::{self, Deviation, Drift, FileColumns, OnMissingColumn, OnNewColumn},
        kind::ColumnKind,
        names,
        spec::{RESCUED, SOURCE_FILE, SOURCE_ROW, SourceSpec, schema},
        unreadable::UnreadableSource,
    },
};

/// A table's metadata.
#[derive(Debug)]
pub(super) struct TableMetadata {
    /// The table's name, as the database spells it.
    pub(super) table: String,
    /// The columns to read, in schema order, without those that the reader supplies.
    pub(super) columns: Vec<SqliteColumn>,
    /// True if rows have row ids. Views and `WITHOUT ROWID` tables have none.
    pub(super) numbered: bool,
    /// The undeclared columns whose values go to `_rescued`.
    pub(super) rescued: Vec<String>,
    /// Notes on how the columns differ from the declared ones.
    pub(super) notes: Vec<String>,
    pub(super) deviation: Deviation,
}

/// A column's metadata, and how it is read.
#[derive(Debug)]
pub(super) struct SqliteColumn {
    pub(super) name: String,
    pub(super) affinity: Affinity,
    pub(super) kind: ColumnKind,
    /// True if every value that the column can hold fits its kind.
    pub(super) safe: bool,
    /// True if the table lacks the column, which then is NULL.
    pub(super) is_missing: bool,
}

/// SQLite's type affinity, as far as it can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Text,
    Integer,
    Real,
    Numeric,
    None,
}

impl Affinity {
    /// Applies SQLite's own rules, in SQLite's order.
    fn of(declared: &str) -> Self {
        let declared = declared.to_ascii_uppercase();
        let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
        if has(&["INT"]) {
            Self::Integer
        } else if has(&["CHAR", "CLOB", "TEXT"]) {
            Self::Text
        } else if declared.is_empty() || has(&["BLOB"]) {
            Self::None
        } else if has(&["REAL", "FLOA", "DOUB"]) {
            Self::Real
        } else {
            Self::Numeric
        }
    }

    /// Returns the type of an undeclared column.
    fn data_type(self, declared: &str) -> DataType {
        let declared = declared.to_ascii_uppercase();
        match self {
            Self::Integer => DataType::Int64,
            Self::Real => DataType::Float64,
            Self::None if declared.contains("BLOB") => DataType::Binary,
            Self::Numeric if declared.contains("DEC") || declared.contains("NUM") => DataType::Float64,
            // Dates, booleans and custom types: text loses nothing.
            Self::Text | Self::Numeric | Self::None => DataType::Utf8View,
        }
    }
}

/// Quotes an identifier for SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns the table's schema (declared columns, then the others) and the metadata needed to read it.
pub(super) fn look(
    path: &Path,
    table: &str,
    spec: &SourceSpec,
) -> Result<(SchemaRef, TableMetadata), DataFusionError> {
    let failed = |error: rusqlite::Error| {
        UnreadableSource::error(format!(
            "{}: `{}` can't be read as an SQLite database: {}",
            spec.name,
            spec.location,
            fault::explained(path, &error)
        ))
    };
    let connection = connect(path).map_err(failed)?;
    let tables = tables(&connection).map_err(failed)?;
    let Some((name, kind)) = tables.iter().find(|(name, _)| name.eq_ignore_ascii_case(table)).cloned() else {
        let names = || tables.iter().map(|(name, _)| name.as_str());
        let hint = near::question(table, names()).unwrap_or_else(|| match names().collect::<Vec<_>>() {
            none if none.is_empty() => "it has no tables".to_owned(),
            some => format!("it has {}", some.join(", ")),
        });
        let message = format!("{}: `{}` has no table `{table}`: {hint}", spec.name, spec.location);
        return Err(DataFusionError::Plan(message));
    };
    let own = columns(&connection, &name).map_err(failed)?;
    let numbered = kind == "table" && row_numbers(&connection, &name, &own);
    let strict = kind == "table" && is_strict(&connection, &name).map_err(failed)?;
    let mut own = own;
    for own in own
        .iter_mut()
        .filter(|own| !spec.columns.iter().any(|(name, _)| name.eq_ignore_ascii_case(&own.name)))
    {
        if own.is_any_number() {
            own.guess = exact(&connection, &name, &own.name).map_err(failed)?;
        } else if own.declared.is_empty() {
            own.guess = held(&connection, &name, &own.name).map_err(failed)?;
        }
    }
    let on_new = spec.drift.on_new_column.filter(|_| !spec.columns.is_empty()).unwrap_or(OnNewColumn::Add);
    let (notes, columns) = drift(spec, table, &own, on_new)?;
    let (fields, read) = merge(spec, own, strict, on_new)?;
    if !numbered && spec.columns.iter().any(|(name, _)| name == SOURCE_ROW) {
        let message = format!("{}: the rows of `{name}` have no numbers for `{SOURCE_ROW}`", spec.name);
        return Err(DataFusionError::Plan(message));
    }
    Ok((
        Arc::new(Schema::new(fields)),
        TableMetadata {
            table: name,
            columns: read,
            numbered,
            rescued: if on_new == OnNewColumn::Rescue { columns.deviation.new.clone() } else { Vec::new() },
            notes,
            deviation: columns.deviation,
        },
    ))
}

/// Applies the drift policy to the table's columns, and returns notes for the user.
fn drift(
    spec: &SourceSpec,
    table: &str,
    own: &[Own],
    on_new: OnNewColumn,
) -> Result<(Vec<String>, FileColumns), DataFusionError> {
    let plan = |message: String| DataFusionError::Plan(format!("{}: {message}", spec.name));
    let declared: Vec<String> = schema(spec)?.fields().iter().map(|field| field.name().clone()).collect();
    let supplied = |name: &String| {
        [SOURCE_FILE, SOURCE_ROW].contains(&name.as_str())
            || (on_new == OnNewColumn::Rescue && name == RESCUED)
    };
    let declared: Vec<String> = declared.into_iter().filter(|name| !supplied(name)).collect();
    let own: Vec<String> = own.iter().map(|own| own.name.clone()).collect();
    let places = names::places(&own, &declared, &[]).map_err(plan)?;
    let deviation = names::deviation(&own, &places, &declared, &[], declared.len());
    let columns = FileColumns { file: format!("the table `{table}`"), rows: None, own, deviation };
    let Drift { on_missing_column, is_lenient, .. } = &spec.drift;
    // A database is a single file, so rejecting it would leave nothing.
    let strict;
    let drift = match on_missing_column {
        OnMissingColumn::RejectFile => {
            strict = Drift { on_missing_column: OnMissingColumn::Fail, ..spec.drift.clone() };
            &strict
        }
        _ => &spec.drift,
    };
    let judged = match drift.refuse(on_new, &declared, &columns) {
        Some(message) => Err(message),
        None => drift::judge(drift, on_new, &declared, std::slice::from_ref(&columns)),
    };
    match judged {
        Ok(notes) => Ok((notes, columns)),
        Err(message) if *is_lenient => Ok((vec![message], columns)),
        Err(message) => Err(plan(message)),
    }
}

/// Merges the declared columns with the table's undeclared ones, which come last.
fn merge(
    spec: &SourceSpec,
    mut own: Vec<Own>,
    strict: bool,
    on_new: OnNewColumn,
) -> Result<(Vec<Arc<Field>>, Vec<SqliteColumn>), DataFusionError> {
    let mut fields = schema(spec)?.fields().to_vec();
    let mut read = Vec::new();
    let supplied = |name: &str| {
        [SOURCE_FILE, SOURCE_ROW].contains(&name) || (on_new == OnNewColumn::Rescue && name == RESCUED)
    };
    for field in fields.iter().filter(|field| !supplied(field.name())) {
        let names: Vec<String> = own.iter().map(|own| own.name.clone()).collect();
        read.push(match names::find(field.name(), &names) {
            Some(at) => own.remove(at).column(field.data_type(), strict),
            None => SqliteColumn {
                name: field.name().clone(),
                affinity: Affinity::None,
                kind: ColumnKind::from_arrow(field.data_type()).unwrap_or(ColumnKind::Text),
                safe: true,
                is_missing: true,
            },
        });
    }
    for own in own.into_iter().filter(|_| on_new == OnNewColumn::Add) {
        let data_type =
            own.guess.clone().unwrap_or_else(|| Affinity::of(&own.declared).data_type(&own.declared));
        fields.push(Arc::new(Field::new(&own.name, data_type.clone(), true)));
        read.push(own.column(&data_type, strict));
    }
    Ok((fields, read))
}

/// A column as declared in the database.
struct Own {
    name: String,
    declared: String,
    /// The lossless type, if the type from the declaration would lose values.
    guess: Option<DataType>,
}

impl Own {
    /// Returns whether the column is read as a double although it may hold integers that a double can't
    /// represent.
    fn is_any_number(&self) -> bool {
        let affinity = Affinity::of(&self.declared);
        affinity == Affinity::Numeric && affinity.data_type(&self.declared) == DataType::Float64
    }

    fn column(self, data_type: &DataType, strict: bool) -> SqliteColumn {
        let affinity = Affinity::of(&self.declared);
        let kind = ColumnKind::from_arrow(data_type).unwrap_or(ColumnKind::Text);
        let sure = matches!(
            (affinity, kind),
            (Affinity::Text | Affinity::Integer | Affinity::Real, ColumnKind::Text)
                | (Affinity::Integer, ColumnKind::Int64)
                | (Affinity::Real, ColumnKind::Float64)
        );
        SqliteColumn { name: self.name, affinity, kind, safe: strict && sure, is_missing: false }
    }
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let sql =
        "select name, type from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%'";
    let mut statement = connection.prepare(&format!("{sql} order by name"))?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Own>> {
    let mut statement =
        connection.prepare("select name, type from pragma_table_xinfo(?1) where hidden <> 1")?;
    statement
        .query_map([table], |row| Ok(Own { name: row.get(0)?, declared: row.get(1)?, guess: None }))?
        .collect()
}

/// Returns the type of a column with integers that a double can't represent: bigint if it has nothing else,
/// otherwise text.
fn exact(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<Option<DataType>> {
    let (table, column) = (quoted(table), quoted(column));
    // Integers up to 2^53 are exact as doubles.
    let big = format!(
        "typeof({column}) = 'integer' and {column} not between -9007199254740992 and 9007199254740992"
    );
    if !connection
        .query_row(&format!("select exists (select 1 from {table} where {big})"), [], |row| row.get(0))?
    {
        return Ok(None);
    }
    let others =
        format!("select exists (select 1 from {table} where typeof({column}) not in ('integer', 'null'))");
    let has_others: bool = connection.query_row(&others, [], |row| row.get(0))?;
    Ok(Some(if has_others { DataType::Utf8View } else { DataType::Int64 }))
}

/// Returns the type of a column without a declared one, such as an expression in a view, from its present
/// values. It is text if there are none, or if no number type holds them all.
fn held(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<Option<DataType>> {
    let (table, column) = (quoted(table), quoted(column));
    let any = |kind: &str| format!("ifnull(max(typeof({column}) = '{kind}'), 0)");
    let sql = format!(
        "select {}, {}, {}, {}, ifnull(max(typeof({column}) = 'integer' and {column} not between \
         -9007199254740992 and 9007199254740992), 0) from {table}",
        any("integer"),
        any("real"),
        any("text"),
        any("blob"),
    );
    let kinds: [bool; 5] = connection
        .query_row(&sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))?;
    Ok(match kinds {
        [true, false, false, false, _] => Some(DataType::Int64),
        [_, true, false, false, false] => Some(DataType::Float64),
        [false, false, false, true, _] => Some(DataType::Binary),
        _ => None,
    })
}

fn is_strict(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let sql = "select max(strict) from pragma_table_list where name = ?1";
    Ok(connection.query_row(sql, [table], |row| row.get::<_, Option<bool>>(0))?.unwrap_or(false))
}

fn row_numbers(connection: &Connection, table: &str, own: &[Own]) -> bool {
    // A column of that name would hide the row id.
    !own.iter().any(|own| own.name.eq_ignore_ascii_case("_rowid_"))
        && connection.prepare(&format!("select _rowid_ from {}", quoted(table))).is_ok()
}
