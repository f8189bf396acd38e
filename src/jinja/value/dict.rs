//! A mutable dict.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Enumerator, Object, Rest, ValueKind, ValueOrKwargs, from_args},
};

use super::{
    cost::{Extent, pay_items},
    dropped, refuse_circle,
};

/// Python's dict, created by `{…}` in templates; keeps insertion order. The lock is held only for single
/// operations.
#[derive(Debug, Default)]
pub(in crate::jinja) struct Dict(Mutex<DictItems>);

#[derive(Debug, Default)]
struct DictItems {
    pairs: Vec<(Value, Value)>,
    /// The index of each key's pair.
    places: HashMap<Value, usize>,
    extent: Extent,
}

impl DictItems {
    fn insert(&mut self, key: Value, value: Value) {
        self.extent = self.extent.and(&value);
        if let Some(at) = self.places.get(&key) {
            self.pairs[*at].1 = value;
        } else {
            self.places.insert(key.clone(), self.pairs.len());
            self.pairs.push((key, value));
        }
    }

    fn get(&self, key: &Value) -> Option<&Value> {
        self.places.get(key).map(|at| &self.pairs[*at].1)
    }

    fn remove(&mut self, at: usize) -> Value {
        let (key, value) = self.pairs.remove(at);
        self.places.remove(&key);
        for (key, _) in &self.pairs[at..] {
            if let Some(place) = self.places.get_mut(key) {
                *place -= 1;
            }
        }
        value
    }
}

impl Dict {
    pub(in crate::jinja) fn new(pairs: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let mut items = DictItems { extent: Extent::around([]), ..DictItems::default() };
        pairs.into_iter().for_each(|(key, value)| items.insert(key, value));
        Self(Mutex::new(items))
    }

    /// Evaluates `dict(mapping_or_pairs, **named)`.
    pub(in crate::jinja) fn from_call(state: &State<'_, '_>, args: &[Value]) -> Result<Self, Error> {
        let dict = Self::new([]);
        dict.update(state, args)?;
        Ok(dict)
    }

    fn items(&self) -> MutexGuard<'_, DictItems> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn extent(&self) -> Extent {
        self.items().extent
    }

    pub(super) fn snapshot(&self) -> Vec<(Value, Value)> {
        self.items().pairs.clone()
    }

    /// Removes and returns all values.
    pub(super) fn take(&self) -> Vec<Value> {
        let pairs = std::mem::take(&mut *self.items()).pairs;
        pairs.into_iter().map(|(_, value)| value).collect()
    }

    fn insert(&self, key: Value, value: Value) -> Result<(), Error> {
        let mut items = self.items();
        items.extent.and(&value).checked()?;
        items.insert(key, value);
        Ok(())
    }

    fn update(&self, state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (Rest(sources),): (Rest<ValueOrKwargs>,) = from_args(args)?;
        for source in sources {
            for (key, value) in pairs(state, &source.into_value())? {
                refuse_circle(state, &value, self)?;
                self.insert(key, value)?;
            }
        }
        Ok(Value::from(()))
    }

    fn pop(&self, state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (wanted, default) = key_and_default(args)?;
        let mut items = self.items();
        match items.places.get(&wanted).copied() {
            Some(at) => {
                // The indices of all later pairs change.
                pay_items(state, items.pairs.len() - at)?;
                Ok(items.remove(at))
            }
            None => default.ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, format!("pop: there is no key {wanted:?}"))
            }),
        }
    }

    fn set_default(&self, state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (key, default) = key_and_default(args)?;
        if let Some(value) = self.items().get(&key) {
            return Ok(value.clone());
        }
        let default = default.unwrap_or_else(|| Value::from(()));
        refuse_circle(state, &default, self)?;
        self.insert(key, default.clone())?;
        Ok(default)
    }
}

/// Parses the arguments. `none` is a valid default, so a single `Option` isn't enough.
fn key_and_default(args: &[Value]) -> Result<(Value, Option<Value>), Error> {
    let (key, Rest(mut default)): (Value, Rest<Value>) = from_args(args)?;
    if default.len() > 1 {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    Ok((key, default.pop()))
}

/// Returns the pairs of a mapping, or of a sequence of pairs.
fn pairs(state: &State<'_, '_>, source: &Value) -> Result<Vec<(Value, Value)>, Error> {
    let mapping = source.kind() == ValueKind::Map || source.is_kwargs();
    source
        .try_iter()?
        .checked()
        .map(|item| {
            let item = item?;
            pay_items(state, 1)?;
            if mapping {
                let value = source.get_item(&item)?;
                return Ok((item, value));
            }
            let pair: Vec<Value> = item.try_iter()?.collect();
            match <[Value; 2]>::try_from(pair) {
                Ok([key, value]) => Ok((key, value)),
                Err(other) => Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("a dict is made of pairs, not of {} values", other.len()),
                )),
            }
        })
        .collect()
}

impl Object for Dict {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.items().get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.snapshot().into_iter().map(|(key, _)| key).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.items().pairs.len())
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "update" => self.update(state, args),
            "pop" => self.pop(state, args),
            "setdefault" => self.set_default(state, args),
            "clear" | "copy" => {
                let () = from_args(args)?;
                pay_items(state, self.items().pairs.len())?;
                if method == "copy" {
                    return Ok(Value::from_object(Self::new(self.snapshot())));
                }
                drop(self.take());
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl Drop for Dict {
    fn drop(&mut self) {
        dropped(self.take());
    }
}
