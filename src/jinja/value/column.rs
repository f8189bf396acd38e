//! A column of a relation, as `adapter.get_columns_in_relation` gives it, and its class `api.Column`.

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

    /// Evaluates `api.Column.create(name, type)`.
    pub(in crate::jinja) fn create(args: &[Value]) -> Result<Self, Error> {
        let (name, data_type): (String, &str) = from_args(args)?;
        Ok(Self::new(name, &translated(data_type)))
    }

    /// Evaluates a method of `api.Column` other than `create`. As in dbt, these give names of types.
    pub(in crate::jinja) fn class_method(method: &str, args: &[Value]) -> Result<Value, Error> {
        Ok(Value::from(match method {
            "translate_type" => translated(from_args::<(&str,)>(args)?.0),
            "string_type" => {
                // A length has no effect here.
                let (_,): (Option<i64>,) = from_args(args)?;
                "VARCHAR".to_owned()
            }
            "numeric_type" => {
                let (name, digits, scale): (&str, Option<i64>, Option<i64>) = from_args(args)?;
                match (digits, scale) {
                    (Some(digits), Some(scale)) => format!("{name}({digits},{scale})"),
                    _ => name.to_owned(),
                }
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }))
    }

    /// Returns dbt's size of a text column: 256 if none is declared.
    fn string_size(&self) -> Result<i64, Error> {
        if self.is_string() {
            return Ok(self.argument(0).as_i64().unwrap_or(256));
        }
        let message = format!("string_size: the column `{}` isn't text", self.name);
        Err(Error::new(ErrorKind::InvalidOperation, message))
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
        match method {
            "string_size" => {
                let () = from_args(args)?;
                return self.string_size().map(Value::from);
            }
            "can_expand_to" => {
                let (other,): (Value,) = from_args(args)?;
                let other = other.downcast_object_ref::<Self>().filter(|other| other.is_string());
                return Ok(Value::from(match other.filter(|_| self.is_string()) {
                    Some(other) => other.string_size()? > self.string_size()?,
                    None => false,
                }));
            }
            "literal" => {
                let (value,): (Value,) = from_args(args)?;
                return Ok(Value::from(format!("{value}::{}", self.data_type)));
            }
            _ => {}
        }
        let answer = match method {
            "is_string" => self.is_string(),
            "is_integer" => self.is_integer(),
            "is_float" => self.is_float(),
            "is_numeric" => self.is_numeric(),
            "is_struct" => self.base().starts_with("STRUCT"),
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

/// Returns the type that dbt's name `string` stands for, or the type itself.
fn translated(data_type: &str) -> String {
    if data_type.eq_ignore_ascii_case("string") { "VARCHAR".to_owned() } else { data_type.to_owned() }
}
