//! A mutable list.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Enumerator, Object, ObjectRepr, Rest, from_args},
};

use super::{
    cost::{Extent, paid_items, pay_bytes, pay_items},
    dropped, refuse_circle,
};

/// Python's list, created by `[…]` in templates. The lock is held only for single operations.
#[derive(Debug, Default)]
pub(in crate::jinja) struct List(Mutex<ListItems>);

#[derive(Debug, Default)]
struct ListItems {
    values: Vec<Value>,
    extent: Extent,
}

impl List {
    pub(in crate::jinja) fn new(values: Vec<Value>) -> Self {
        let extent = Extent::around(&values);
        Self(Mutex::new(ListItems { values, extent }))
    }

    /// Creates a list of a value's items.
    pub(in crate::jinja) fn of(state: &State<'_, '_>, value: &Value) -> Result<Self, Error> {
        if value.is_undefined() {
            return Ok(Self::new(Vec::new()));
        }
        let list = Self::new(paid_items(state, value)?);
        list.extent().checked()?;
        Ok(list)
    }

    fn items(&self) -> MutexGuard<'_, ListItems> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn extent(&self) -> Extent {
        self.items().extent
    }

    pub(super) fn snapshot(&self) -> Vec<Value> {
        self.items().values.clone()
    }

    /// Removes and returns all items.
    pub(super) fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.items()).values
    }

    fn add(&self, state: &State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let (at, added) = match method {
            "append" => {
                let (item,): (Value,) = from_args(args)?;
                (None, vec![item])
            }
            "extend" => {
                let (items,): (Value,) = from_args(args)?;
                (None, paid_items(state, &items)?)
            }
            _ => {
                let (at, item): (i64, Value) = from_args(args)?;
                (Some(at), vec![item])
            }
        };
        added.iter().try_for_each(|item| refuse_circle(state, item, self))?;
        let mut items = self.items();
        let extent = added.iter().fold(items.extent, Extent::and).checked()?;
        let at = at.map_or(items.values.len(), |at| clamp(at, items.values.len()));
        if at < items.values.len() {
            // All later items are moved.
            pay_bytes(state, items.values.len() - at)?;
        }
        items.values.splice(at..at, added);
        items.extent = extent;
        Ok(Value::from(()))
    }

    fn pop(&self, state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (at,): (Option<i64>,) = from_args(args)?;
        let mut items = self.items();
        let length = items.values.len();
        let at = at.unwrap_or(-1);
        let at = if at < 0 { at + i64::try_from(length).unwrap_or(i64::MAX) } else { at };
        match usize::try_from(at).ok().filter(|at| *at < length) {
            Some(at) => {
                pay_bytes(state, length - at)?;
                Ok(items.values.remove(at))
            }
            None => Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("pop: the list has {length} items, there is none at {at}"),
            )),
        }
    }

    /// Returns the index of the first item that equals a value, comparing without holding the lock.
    fn index(&self, state: &State<'_, '_>, args: &[Value]) -> Result<usize, Error> {
        let (wanted,): (Value,) = from_args(args)?;
        pay_items(state, self.items().values.len())?;
        let found = self.snapshot().iter().position(|item| *item == wanted);
        found.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("{wanted} is not in the list")))
    }

    fn sort(&self, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        pay_items(state, self.items().values.len())?;
        let mut call = vec![Value::from(self.snapshot())];
        call.extend_from_slice(args);
        // As in Python, and unlike the filter, uppercase sorts first.
        if !args.last().is_some_and(Value::is_kwargs) {
            call.push(minijinja::value::Kwargs::from_iter([("case_sensitive", Value::from(true))]).into());
        }
        let sorted = state.apply_filter("sort", &call)?.try_iter()?.collect();
        self.items().values = sorted;
        Ok(Value::from(()))
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.items().values.get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.snapshot())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.items().values.len())
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "append" | "extend" | "insert" => self.add(state, method, args),
            "pop" => self.pop(state, args),
            "index" => self.index(state, args).map(Value::from),
            "remove" => {
                let at = self.index(state, args)?;
                self.items().values.remove(at);
                Ok(Value::from(()))
            }
            "sort" => self.sort(state, args),
            "clear" | "reverse" | "copy" => {
                let (Rest(none),): (Rest<Value>,) = from_args(args)?;
                if !none.is_empty() {
                    return Err(Error::from(ErrorKind::TooManyArguments));
                }
                pay_items(state, self.items().values.len())?;
                match method {
                    "clear" => self.take().clear(),
                    "reverse" => self.items().values.reverse(),
                    _ => return Ok(Value::from_object(Self::new(self.snapshot()))),
                }
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        dropped(self.take());
    }
}

/// Returns an insertion index; negative positions count from the end, and out-of-range ones are clamped.
fn clamp(at: i64, length: usize) -> usize {
    match usize::try_from(at) {
        Ok(at) => at.min(length),
        Err(_) => length.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}
