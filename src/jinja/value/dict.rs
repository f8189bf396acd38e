//! A dict that can be changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Enumerator, Object, Rest, ValueKind, ValueOrKwargs, from_args},
};

use super::refuse_circle;

/// Python's dict: what `{…}` makes in a template. In the order of insertion; searched from the start, since what
/// templates keep in dicts is small. The lock is held for single operations only.
#[derive(Debug, Default)]
pub(in crate::jinja) struct Dict(Mutex<Vec<(Value, Value)>>);

impl Dict {
    pub(in crate::jinja) fn new(pairs: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let dict = Self::default();
        pairs.into_iter().for_each(|(key, value)| dict.insert(key, value));
        dict
    }

    /// `dict(mapping_or_pairs, **named)`.
    pub(in crate::jinja) fn from_call(args: &[Value]) -> Result<Self, Error> {
        let dict = Self::default();
        dict.update(args)?;
        Ok(dict)
    }

    fn items(&self) -> MutexGuard<'_, Vec<(Value, Value)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn snapshot(&self) -> Vec<(Value, Value)> {
        self.items().clone()
    }

    fn get(&self, wanted: &Value) -> Option<Value> {
        self.items().iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone())
    }

    fn insert(&self, key: Value, value: Value) {
        let mut items = self.items();
        match items.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => items.push((key, value)),
        }
    }

    fn update(&self, args: &[Value]) -> Result<Value, Error> {
        let (Rest(sources),): (Rest<ValueOrKwargs>,) = from_args(args)?;
        for source in sources {
            for (key, value) in pairs(&source.into_value())? {
                refuse_circle(&value, self)?;
                self.insert(key, value);
            }
        }
        Ok(Value::from(()))
    }

    fn pop(&self, args: &[Value]) -> Result<Value, Error> {
        let (wanted, default) = key_and_default(args)?;
        let mut items = self.items();
        match items.iter().position(|(key, _)| *key == wanted) {
            Some(at) => Ok(items.remove(at).1),
            None => default.ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, format!("pop: there is no key {wanted:?}"))
            }),
        }
    }

    fn set_default(&self, args: &[Value]) -> Result<Value, Error> {
        let (key, default) = key_and_default(args)?;
        if let Some(value) = self.get(&key) {
            return Ok(value);
        }
        let default = default.unwrap_or_else(|| Value::from(()));
        refuse_circle(&default, self)?;
        self.insert(key, default.clone());
        Ok(default)
    }
}

/// A default of `none` is one too, so `Option` won't do.
fn key_and_default(args: &[Value]) -> Result<(Value, Option<Value>), Error> {
    let (key, Rest(mut default)): (Value, Rest<Value>) = from_args(args)?;
    if default.len() > 1 {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    Ok((key, default.pop()))
}

/// The pairs of a mapping, or of a sequence of pairs.
fn pairs(source: &Value) -> Result<Vec<(Value, Value)>, Error> {
    let mapping = source.kind() == ValueKind::Map || source.is_kwargs();
    source
        .try_iter()?
        .map(|item| {
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
        self.get(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.snapshot().into_iter().map(|(key, _)| key).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.items().len())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "update" => self.update(args),
            "pop" => self.pop(args),
            "setdefault" => self.set_default(args),
            "clear" | "copy" => {
                let () = from_args(args)?;
                if method == "copy" {
                    return Ok(Value::from_object(Self::new(self.snapshot())));
                }
                self.items().clear();
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}
