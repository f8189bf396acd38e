//! A stub for a macro that a unit test overrides.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, State, Value,
    value::{Object, ObjectRepr},
};

/// A stub that returns its value, whatever the arguments.
#[derive(Debug)]
pub(in crate::jinja) struct OverriddenMacro(pub(in crate::jinja) Value);

impl Object for OverriddenMacro {
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
