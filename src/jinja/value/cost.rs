//! What values cost a rendering: `MiniJinja` charges fuel for its own values, but can't see into ours.
//!
//! Fuel is paid before memory is taken: one for each item of a list or dict, one for 64 bytes of text.

use minijinja::{Error, ErrorKind, State, Value, value::ValueKind};

use super::{Dict, List};

/// How deep lists and dicts may lie within one another: values are printed and compared by recursion.
const DEEPEST: usize = 200;

/// How many values a list or dict may hold in all, each counted as often as it is reached, and 64 bytes of text as
/// one more.
const MOST: u64 = 2_000_000;

/// Pays for a number of items.
pub(in crate::jinja) fn pay_items(state: &State<'_, '_>, items: usize) -> Result<(), Error> {
    state.consume_fuel(items as u64)
}

/// Pays for a number of bytes of text.
pub(in crate::jinja) fn pay_bytes(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    state.consume_fuel((bytes / 64) as u64)
}

/// The items of a value, each paid for before the next is taken.
pub(in crate::jinja) fn paid_items(state: &State<'_, '_>, value: &Value) -> Result<Vec<Value>, Error> {
    if let Some(items) = value.len() {
        // Where the length is known, nothing is taken of what can't be paid.
        pay_items(state, items)?;
        return value.try_iter()?.checked().collect();
    }
    let mut all = Vec::new();
    for item in value.try_iter()?.checked() {
        pay_items(state, 1)?;
        all.push(item?);
    }
    Ok(all)
}

/// Pays for looking at all that a value holds.
pub(in crate::jinja) fn pay_value(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    state.consume_fuel(Extent::of(value).values)
}

/// Whether a value is a sequence that may be lazy.
pub(in crate::jinja) fn is_sequence(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// The right operand of `+`. `MiniJinja` adds sequences lazily and, once 32 of them lie within one another, puts
/// all their items into a list without asking whether there is fuel for it: a list that doubles takes all memory.
/// So what is added is paid for, and is no longer lazy.
pub(in crate::jinja) fn paid_operand(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if !is_sequence(&value) || value.is_tuple() {
        return Ok(value);
    }
    if value.downcast_object_ref::<List>().is_some() {
        pay_items(state, value.len().unwrap_or(0))?;
        return Ok(value);
    }
    List::of(state, &value).map(Value::from_object)
}

/// How large a value is when it is printed or compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::jinja) struct Extent {
    /// How many lists and dicts lie within one another.
    depth: usize,
    /// How many values it holds, itself included.
    values: u64,
}

impl Extent {
    /// That of a value. Lists and dicts know theirs.
    fn of(value: &Value) -> Self {
        if let Some(list) = value.downcast_object_ref::<List>() {
            return list.extent();
        }
        if let Some(dict) = value.downcast_object_ref::<Dict>() {
            return dict.extent();
        }
        let more = match value.as_str() {
            Some(text) => text.len() / 64,
            None if is_sequence(value) => value.len().unwrap_or(0),
            None => 0,
        };
        Self { depth: 0, values: (more as u64).saturating_add(1) }
    }

    /// That of a container of some values.
    pub(super) fn around<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut extent = Self { depth: 1, values: 1 };
        for value in values {
            extent = extent.and(value);
        }
        extent
    }

    /// That of a container after one more value.
    pub(super) fn and(self, value: &Value) -> Self {
        let inner = Self::of(value);
        Self {
            depth: self.depth.max(inner.depth.saturating_add(1)),
            values: self.values.saturating_add(inner.values),
        }
    }

    /// Refuses what could be neither printed nor compared.
    pub(super) fn checked(self) -> Result<Self, Error> {
        if self.depth > DEEPEST {
            let message = format!("lists and dicts can be nested {DEEPEST} levels deep at most");
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        if self.values > MOST {
            let message = format!("a list or dict can hold {} million values at most", MOST / 1_000_000);
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        Ok(self)
    }
}
