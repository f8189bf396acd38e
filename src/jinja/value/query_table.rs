//! The rows of a query in a template, with the interface of the table class that dbt uses (agate's `Table`).

use std::{collections::BTreeSet, fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Enumerator, Kwargs, Object, ObjectRepr, Rest, ValueKind, from_args},
};

use super::{
    List, TemplateMoment,
    cost::pay_items,
    named_values::{NamedValues, TypeName, tuple},
};
use crate::{
    jinja::query::{QueryTable, QueryType, QueryValue},
    text::padded,
};

/// A table in a template.
#[derive(Debug, Clone)]
pub(in crate::jinja) struct TableOfRows {
    names: Arc<[String]>,
    types: Vec<QueryType>,
    rows: Arc<Vec<Value>>,
}

impl TableOfRows {
    pub(in crate::jinja) fn new(table: &QueryTable) -> Self {
        let names: Arc<[String]> = table.columns.iter().map(|column| column.name.clone()).collect();
        let types = table.columns.iter().map(|column| column.data_type).collect();
        let rows = table.rows.iter().map(|row| named_row(&names, row.iter().map(value).collect()));
        Self { rows: Arc::new(rows.collect()), names, types }
    }

    /// Returns the rows as a list of tuples.
    pub(in crate::jinja) fn data(&self) -> Value {
        let rows = self.rows.iter().map(|row| tuple(cells(row)));
        Value::from_object(List::new(rows.collect()))
    }

    /// Returns the number of values.
    pub(in crate::jinja) fn size(&self) -> usize {
        self.rows.len().saturating_mul(self.names.len().max(1))
    }

    fn column(&self, at: usize) -> Value {
        let values = self.rows.iter().filter_map(|row| cells(row).nth(at));
        Value::from_object(NamedValues {
            class: "Column",
            names: Arc::from([]),
            values: values.collect(),
            column: Some((self.names[at].clone(), at, self.types[at])),
        })
    }

    fn columns(&self) -> Value {
        let values = (0..self.names.len()).map(|at| self.column(at)).collect();
        let names = Arc::clone(&self.names);
        Value::from_object(NamedValues { class: "MappedSequence", names, values, column: None })
    }

    fn all_rows(&self) -> Value {
        let values = self.rows.to_vec();
        let names = Arc::from([]);
        Value::from_object(NamedValues { class: "MappedSequence", names, values, column: None })
    }

    /// Returns the table with these columns only, in this order.
    fn of_columns(&self, places: &[usize]) -> Self {
        let names: Arc<[String]> = places.iter().map(|at| self.names[*at].clone()).collect();
        let rows = self.rows.iter().map(|row| {
            let cells: Vec<Value> = cells(row).collect();
            named_row(&names, places.iter().map(|at| cells[*at].clone()).collect())
        });
        let rows = Arc::new(rows.collect());
        Self { rows, types: places.iter().map(|at| self.types[*at]).collect(), names }
    }

    fn of_rows(&self, rows: Vec<Value>) -> Self {
        Self { rows: Arc::new(rows), ..self.clone() }
    }

    /// Returns the positions of the columns that an argument names: one or a list.
    fn places(&self, names: &Value) -> Result<Vec<usize>, Error> {
        let names: Vec<Value> = match names.kind() {
            ValueKind::String => vec![names.clone()],
            _ => names.try_iter()?.collect(),
        };
        let place = |name: &Value| {
            let known = self.names.iter().position(|known| Some(known.as_str()) == name.as_str());
            known.ok_or_else(|| {
                let message = format!("the rows have no column `{name}`, only {}", self.names.join(", "));
                Error::new(ErrorKind::InvalidOperation, message)
            })
        };
        names.iter().map(place).collect()
    }

    fn distinct(&self, by: Option<&Value>) -> Result<Self, Error> {
        let places = by.map_or_else(|| Ok((0..self.names.len()).collect()), |by| self.places(by))?;
        let mut seen = BTreeSet::new();
        let is_first = |row: &&Value| {
            let cells: Vec<Value> = cells(row).collect();
            seen.insert(places.iter().map(|at| cells[*at].clone()).collect::<Vec<_>>())
        };
        Ok(self.of_rows(self.rows.iter().filter(is_first).cloned().collect()))
    }

    fn ordered(&self, by: &Value, is_reverse: bool) -> Result<Self, Error> {
        let places = self.places(by)?;
        let key = |row: &Value| {
            let cells: Vec<Value> = cells(row).collect();
            // NULL comes last, as in the class.
            places.iter().map(|at| (cells[*at].is_none(), cells[*at].clone())).collect::<Vec<_>>()
        };
        let mut rows = self.rows.to_vec();
        rows.sort_by_cached_key(key);
        if is_reverse {
            rows.reverse();
        }
        Ok(self.of_rows(rows))
    }

    fn renamed(&self, options: &Kwargs, positional: Option<&Value>) -> Result<Self, Error> {
        let given: Option<Value> = options.get("column_names")?;
        let Some(given) = given.or_else(|| positional.cloned()) else { return Ok(self.clone()) };
        let mut names = self.names.to_vec();
        for (at, name) in names.iter_mut().enumerate() {
            let key =
                if given.kind() == ValueKind::Map { Value::from(name.as_str()) } else { Value::from(at) };
            if let Some(new) = given.get_item(&key)?.as_str() {
                new.clone_into(name);
            }
        }
        let names: Arc<[String]> = names.into();
        let rows = self.rows.iter().map(|row| named_row(&names, cells(row).collect()));
        Ok(Self { rows: Arc::new(rows.collect()), names, types: self.types.clone() })
    }

    /// Returns the text of `print_table`, with at most these numbers of rows and columns.
    pub(in crate::jinja) fn printed(&self, named: &Kwargs) -> Result<String, Error> {
        let limit = |name, default| Ok::<_, Error>(named.get::<Option<usize>>(name)?.unwrap_or(default));
        let (rows, columns, width) =
            (limit("max_rows", 20)?, limit("max_columns", 6)?, limit("max_column_width", 20)?);
        let cut = |text: String| {
            if text.chars().count() <= width {
                return text;
            }
            text.chars().take(width.saturating_sub(3)).chain("...".chars()).collect()
        };
        let mut lines =
            vec![self.names.iter().take(columns).map(|name| cut(name.clone())).collect::<Vec<_>>()];
        for row in self.rows.iter().take(rows) {
            let cell = |value: Value| if value.is_none() { String::new() } else { value.to_string() };
            lines.push(cells(row).take(columns).map(|value| cut(cell(value))).collect());
        }
        let is_wide = self.names.len() > columns;
        if self.rows.len() > rows {
            lines.push(vec!["...".to_owned(); self.names.len().min(columns)]);
        }
        if is_wide {
            for line in &mut lines {
                line.push("...".to_owned());
            }
        }
        Ok(self.drawn(lines))
    }

    /// Formats rows as a text table. The first row has the column names.
    fn drawn(&self, mut lines: Vec<Vec<String>>) -> String {
        let count = lines.first().map_or(0, Vec::len);
        let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..count).map(width).collect();
        let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
        lines.insert(1.min(lines.len()), rule);
        let drawn = lines.iter().map(|line| {
            let cells = line.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
                padded(cell, *width, self.types.get(at) != Some(&QueryType::Text))
            });
            format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
        });
        drawn.collect::<Vec<_>>().join("\n")
    }
}

impl Object for TableOfRows {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(at) = key.as_usize() {
            return self.rows.get(at).cloned();
        }
        Some(match key.as_str()? {
            "columns" => self.columns(),
            "rows" => self.all_rows(),
            "column_names" => tuple(self.names.iter().map(|name| Value::from(name.as_str()))),
            "column_types" => tuple(self.types.iter().map(|of| Value::from_object(TypeName(*of)))),
            "row_names" => Value::from(()),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.rows.to_vec())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.rows.len())
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        pay_items(state, self.size())?;
        let (positional, named): (Rest<Value>, Kwargs) = from_args(args)?;
        let text = match method {
            "print_table" => Some(self.printed(&named)?),
            "print_structure" => Some(Value::from_dyn_object(Arc::clone(self)).to_string()),
            _ => None,
        };
        if let Some(text) = text {
            let print = state.lookup("print").ok_or_else(|| Error::from(ErrorKind::UnknownFunction))?;
            return print.call(state, &[Value::from(text)]).map(|_| Value::from(()));
        }
        let first = positional.first();
        let wanted = || first.cloned().ok_or_else(|| Error::from(ErrorKind::MissingArgument));
        let changed = match method {
            "select" => self.of_columns(&self.places(&wanted()?)?),
            "exclude" => {
                let without = self.places(&wanted()?)?;
                let kept: Vec<usize> = (0..self.names.len()).filter(|at| !without.contains(at)).collect();
                self.of_columns(&kept)
            }
            "rename" => self.renamed(&named, first)?,
            "limit" => {
                let bound = |at: usize| positional.get(at).and_then(Value::as_usize);
                let (start, end) = match (bound(0), bound(1)) {
                    (Some(start), Some(end)) => (start, end),
                    (end, _) => (0, end.unwrap_or(usize::MAX)),
                };
                self.of_rows(self.rows.iter().take(end).skip(start).cloned().collect())
            }
            "distinct" => self.distinct(first)?,
            "order_by" => self.ordered(&wanted()?, named.get::<Option<bool>>("reverse")?.unwrap_or(false))?,
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        Ok(Value::from_object(changed))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["column", "data_type"].map(str::to_owned).to_vec();
        let rows = self.names.iter().zip(&self.types);
        let rows = rows.map(|(name, of)| vec![name.clone(), of.name().to_owned()]);
        let lines = std::iter::once(header).chain(rows).collect();
        let of_text = Self { types: vec![QueryType::Text; 2], ..Self::clone(self) };
        f.write_str(&of_text.drawn(lines))
    }
}

fn named_row(names: &Arc<[String]>, values: Vec<Value>) -> Value {
    Value::from_object(NamedValues { class: "Row", names: Arc::clone(names), values, column: None })
}

/// Returns the values of a row.
fn cells(row: &Value) -> impl Iterator<Item = Value> {
    let values = row.downcast_object_ref::<NamedValues>().map(|row| row.values.clone());
    values.unwrap_or_default().into_iter()
}

fn value(value: &QueryValue) -> Value {
    match value {
        QueryValue::Null => Value::from(()),
        QueryValue::Boolean(value) => Value::from(*value),
        QueryValue::Integer(value) => i64::try_from(*value).map_or_else(|_| Value::from(*value), Value::from),
        QueryValue::Number(value) => Value::from(*value),
        QueryValue::Date(date) => {
            let midnight = date.and_time(chrono::NaiveTime::MIN).and_utc();
            Value::from_object(TemplateMoment::new(midnight).date())
        }
        QueryValue::DateTime { at, has_zone: true } => Value::from_object(TemplateMoment::new(*at)),
        QueryValue::DateTime { at, .. } => Value::from_object(TemplateMoment::new(*at).without_zone()),
        QueryValue::Text(text) => Value::from(text.as_str()),
    }
}
