//! The value of `ref`, `source` and `this`.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, from_args},
};

use crate::name::Relation;

/// A relation in a template: prints as SQL, and has dbt's attributes.
#[derive(Debug, Clone)]
pub(in crate::jinja) struct TableValue(pub(in crate::jinja) Relation);

impl Object for TableValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "schema" => Value::from(self.0.schema.as_str()),
            "identifier" | "name" | "table" => Value::from(self.0.name.as_str()),
            // A lake has no databases above its schemas.
            "database" => Value::from(()),
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
            "render" => {
                let () = from_args(args)?;
                Ok(Value::from(self.0.quoted()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.quoted())
    }
}
