//! A macro that gives what a unit test says.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, State, Value,
    value::{Object, ObjectRepr},
};

/// Stands in for a macro: whatever it is called with, it gives its value.
#[derive(Debug)]
pub(in crate::jinja) struct Given(pub(in crate::jinja) Value);

impl Object for Given {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Ok(self.0.clone())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
