//! Sequences whose values have names: the rows and columns of a query in a template.

use std::{collections::BTreeSet, fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Enumerator, Object, ObjectRepr, Tuple, from_args},
};

use super::{Dict, List, cost::pay_items};
use crate::jinja::query::QueryType;

/// A sequence whose values are found by position or by name: a table's rows, its columns, one row, or one
/// column.
#[derive(Debug)]
pub(in crate::jinja) struct NamedValues {
    pub(super) class: &'static str,
    pub(super) names: Arc<[String]>,
    pub(super) values: Vec<Value>,
    /// The name, position and type, if it is a column.
    pub(super) column: Option<(String, usize, QueryType)>,
}

impl NamedValues {
    fn named(&self, name: &str) -> Option<&Value> {
        self.names.iter().position(|known| known == name).and_then(|at| self.values.get(at))
    }

    fn keys(&self) -> Value {
        match self.names.len() {
            0 => Value::from(()),
            _ => tuple(self.names.iter().map(|name| Value::from(name.as_str()))),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (Value, Value)> {
        self.names.iter().map(|name| Value::from(name.as_str())).zip(self.values.iter().cloned())
    }

    /// Evaluates the methods that only a column has.
    fn of_column(&self, state: &mut State<'_, '_>, method: &str) -> Result<Value, Error> {
        let present = || self.values.iter().filter(|value| !value.is_none()).cloned();
        match method {
            "values_distinct" => {
                let mut seen = BTreeSet::new();
                Ok(tuple(self.values.iter().filter(|value| seen.insert((*value).clone())).cloned()))
            }
            "values_without_nulls" => Ok(tuple(present())),
            "values_sorted" | "values_without_nulls_sorted" => {
                let mut sorted: Vec<Value> = present().collect();
                pay_items(state, sorted.len())?;
                sorted.sort();
                if method == "values_sorted" {
                    sorted.resize(self.values.len(), Value::from(()));
                }
                Ok(Value::from_object(List::new(sorted)))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl Object for NamedValues {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(at) = key.as_usize() {
            return self.values.get(at).cloned();
        }
        match (&self.column, key.as_str()?) {
            (Some((name, ..)), "name") => Some(Value::from(name.as_str())),
            (Some((_, index, _)), "index") => Some(Value::from(*index)),
            (Some((.., data_type)), "data_type") => Some(Value::from_object(TypeName(*data_type))),
            (_, name) => self.named(name).cloned(),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.values.clone())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.values.len())
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        pay_items(state, self.values.len())?;
        if method == "get" {
            let (key, default): (Value, Option<Value>) = from_args(args)?;
            return Ok(self.get_value(&key).unwrap_or_else(|| default.unwrap_or(Value::from(()))));
        }
        match method {
            "values" => from_args(args).map(|()| tuple(self.values.iter().cloned())),
            "keys" => from_args(args).map(|()| self.keys()),
            "items" => {
                let () = from_args(args)?;
                let pairs = self.pairs().map(|(name, value)| tuple([name, value]));
                Ok(Value::from_object(List::new(pairs.collect())))
            }
            "dict" => from_args(args).map(|()| Value::from_object(Dict::new(self.pairs()))),
            _ if self.column.is_some() => self.of_column(state, method),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sample: Vec<String> = self.values.iter().take(5).map(|value| format!("{value:?}")).collect();
        let more = if self.values.len() > 5 { ", ..." } else { "" };
        write!(f, "<agate.{}: ({}{more})>", self.class, sample.join(", "))
    }
}

/// A column's type, which prints as the class's name.
#[derive(Debug)]
pub(super) struct TypeName(pub(super) QueryType);

impl Object for TypeName {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// The result of a query while a template is only parsed: it is false and empty, and so is each of its
/// attributes.
#[derive(Debug)]
pub(in crate::jinja) struct NoResult;

impl Object for NoResult {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from_object(Self))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Ok(Value::from_object(Self))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, _: &str, _: &[Value]) -> Result<Value, Error> {
        Ok(Value::from_object(Self))
    }

    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Returns a tuple of these values.
pub(super) fn tuple(values: impl IntoIterator<Item = Value>) -> Value {
    Value::from(Tuple::from(values.into_iter().collect::<Vec<_>>()))
}
