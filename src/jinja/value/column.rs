//! A column of a relation, as `adapter.get_columns_in_relation` gives it.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, from_args},
};

use crate::name::quoted;

/// A column: its name and its SQL type.
#[derive(Debug, Clone)]
pub(in crate::jinja) struct ColumnValue {
    name: String,
    data_type: String,
}

impl ColumnValue {
    pub(in crate::jinja) fn new(name: String, data_type: &str) -> Self {
        Self { name, data_type: data_type.to_uppercase() }
    }

    /// Returns the type's name without its arguments.
    fn base(&self) -> &str {
        self.data_type.split('(').next().unwrap_or_default().trim()
    }

    /// Returns the numbers in the type's brackets.
    fn argument(&self, at: usize) -> Value {
        let inside = self.data_type.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        let number = inside.and_then(|(inside, _)| inside.split(',').nth(at)?.trim().parse::<i64>().ok());
        number.map_or(Value::from(()), Value::from)
    }

    fn is_string(&self) -> bool {
        ["TEXT", "CHARACTER VARYING", "CHARACTER", "VARCHAR", "STRING", "CHAR"].contains(&self.base())
    }

    fn is_integer(&self) -> bool {
        ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "INT"].contains(&self.base())
    }

    fn is_float(&self) -> bool {
        ["REAL", "FLOAT", "DOUBLE", "DOUBLE PRECISION"].contains(&self.base())
    }

    fn is_numeric(&self) -> bool {
        ["NUMERIC", "DECIMAL"].contains(&self.base())
    }
}

impl Object for ColumnValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "name" | "column" => Value::from(self.name.as_str()),
            "quoted" => Value::from(quoted(&self.name)),
            "dtype" => Value::from(self.base()),
            "data_type" => Value::from(self.data_type.as_str()),
            "char_size" if self.is_string() => self.argument(0),
            "numeric_precision" if self.is_numeric() => self.argument(0),
            "numeric_scale" if self.is_numeric() => self.argument(1),
            "char_size" | "numeric_precision" | "numeric_scale" => Value::from(()),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let answer = match method {
            "is_string" => self.is_string(),
            "is_integer" => self.is_integer(),
            "is_float" => self.is_float(),
            "is_numeric" => self.is_numeric(),
            "is_number" => self.is_integer() || self.is_float() || self.is_numeric(),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        let () = from_args(args)?;
        Ok(Value::from(answer))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Column {} ({})>", self.name, self.data_type)
    }
}
