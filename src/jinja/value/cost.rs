//! The cost of values: `MiniJinja` charges fuel for its own values, but can't see into ours.
//!
//! Fuel is paid before memory is allocated: one unit per item of a list or dict, and one per 64 bytes of
//! text.

use minijinja::{Error, ErrorKind, State, Value, value::ValueKind};

use super::{Dict, List};

/// The maximum nesting depth of lists and dicts, which are printed and compared recursively.
const DEEPEST: usize = 200;

/// The maximum number of values that a list or dict may contain in total. A value counts each time it is
/// reached, and 64 bytes of text count as one more.
const MOST: u64 = 2_000_000;

/// Pays for a number of items.
pub(in crate::jinja) fn pay_items(state: &State<'_, '_>, items: usize) -> Result<(), Error> {
    state.consume_fuel(items as u64)
}

/// Pays for a number of bytes of text.
pub(in crate::jinja) fn pay_bytes(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    state.consume_fuel((bytes / 64) as u64)
}

/// Returns a value's items, paying for each before taking the next.
pub(in crate::jinja) fn paid_items(state: &State<'_, '_>, value: &Value) -> Result<Vec<Value>, Error> {
    if let Some(items) = value.len() {
        // If the length is known, pay before taking any item.
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

/// Pays for traversing everything that a value contains.
pub(in crate::jinja) fn pay_value(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    state.consume_fuel(Extent::of(value).values)
}

/// Returns whether a value is a sequence, possibly a lazy one.
pub(in crate::jinja) fn is_sequence(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// Pays for a value that is written with each contained value on a line of its own, indented by `width` times
/// its depth.
pub(in crate::jinja) fn pay_indented(
    state: &State<'_, '_>,
    value: &Value,
    width: usize,
) -> Result<(), Error> {
    let Extent { depth, values } = Extent::of(value);
    let indent = (width as u64).saturating_mul(depth as u64);
    state.consume_fuel(values.saturating_mul(indent / 64 + 1))
}

/// Returns the right operand of `+`, paid for and no longer lazy. `MiniJinja` adds sequences lazily and, once
/// 32 of them are nested, collects all their items into a list without checking the fuel: a list that doubles
/// repeatedly would exhaust memory.
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

/// The size of a value when it is printed or compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::jinja) struct Extent {
    /// The nesting depth of lists and dicts.
    depth: usize,
    /// The number of contained values, including the value itself.
    values: u64,
}

impl Extent {
    /// Returns a value's extent. Lists and dicts store theirs.
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

    /// Returns the extent of a container of these values.
    pub(super) fn around<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut extent = Self { depth: 1, values: 1 };
        for value in values {
            extent = extent.and(value);
        }
        extent
    }

    /// Returns the container's extent after adding one more value.
    pub(super) fn and(self, value: &Value) -> Self {
        let inner = Self::of(value);
        Self {
            depth: self.depth.max(inner.depth.saturating_add(1)),
            values: self.values.saturating_add(inner.values),
        }
    }

    /// Returns an error if the value is too deep or too large to be printed and compared.
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
