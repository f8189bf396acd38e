//! A mutable set.

use std::{
    cmp::Ordering,
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{DynObject, Enumerator, Object, ObjectRepr, Rest, from_args},
};

use super::{
    Dict, List,
    cost::{paid_items, pay_items},
};

/// Python's set, created by `set(…)`. It iterates in the order in which items were added, so that SQL made of
/// one is the same in every run. As in Python, it can't hold lists, dicts or sets.
#[derive(Debug)]
pub(in crate::jinja) struct Set(Mutex<SetItems>);

#[derive(Debug, Default)]
struct SetItems {
    ordered: Vec<Value>,
    known: BTreeSet<Value>,
}

impl SetItems {
    fn add(&mut self, item: Value) {
        if self.known.insert(item.clone()) {
            self.ordered.push(item);
        }
    }

    fn retain(&mut self, keep: impl Fn(&Value) -> bool) {
        self.ordered.retain(|item| keep(item));
        self.known.retain(|item| keep(item));
    }
}

impl FromIterator<Value> for SetItems {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        let mut set = Self::default();
        items.into_iter().for_each(|item| set.add(item));
        set
    }
}

impl Set {
    /// Creates a set of items.
    ///
    /// # Errors
    /// If an item can be changed.
    pub(in crate::jinja) fn new(items: Vec<Value>) -> Result<Self, Error> {
        items.iter().try_for_each(fixed)?;
        Ok(items.into_iter().collect())
    }

    fn items(&self) -> MutexGuard<'_, SetItems> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> Vec<Value> {
        self.items().ordered.clone()
    }

    /// Removes an item. Returns whether it was there.
    fn remove(&self, item: &Value) -> bool {
        let mut items = self.items();
        let is_known = items.known.contains(item);
        if is_known {
            items.retain(|other| other != item);
        }
        is_known
    }

    /// Evaluates a method that combines it with other collections.
    fn combined(&self, state: &State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let mut all = Vec::new();
        for other in args {
            all.push(paid_items(state, other)?.into_iter().collect::<BTreeSet<_>>());
        }
        pay_items(state, self.items().ordered.len())?;
        let own = self.snapshot();
        let known = |item: &Value| self.items().known.contains(item);
        let others = || all.iter().flatten();
        let every = |item: &Value| all.iter().all(|other| other.contains(item));
        let any = |item: &Value| all.iter().any(|other| other.contains(item));
        let combined: Vec<Value> = match method {
            "union" | "update" => own.iter().chain(others()).cloned().collect(),
            "intersection" => own.iter().filter(|item| every(item)).cloned().collect(),
            "difference" | "difference_update" => own.iter().filter(|item| !any(item)).cloned().collect(),
            "symmetric_difference" => {
                let more = others().filter(|item| !known(item));
                own.iter().filter(|item| !any(item)).chain(more).cloned().collect()
            }
            "issubset" => return Ok(own.iter().all(every).into()),
            "issuperset" => return Ok(others().all(known).into()),
            _ => return Ok((!own.iter().any(any)).into()),
        };
        let combined = Self::new(combined)?;
        if matches!(method, "update" | "difference_update") {
            *self.items() = std::mem::take(&mut *combined.items());
            return Ok(Value::from(()));
        }
        Ok(Value::from_object(combined))
    }
}

impl FromIterator<Value> for Set {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self(Mutex::new(items.into_iter().collect()))
    }
}

/// Rejects a value that can change, which Python can't put into a set.
fn fixed(value: &Value) -> Result<(), Error> {
    let kind = if value.downcast_object_ref::<List>().is_some() {
        "list"
    } else if value.downcast_object_ref::<Dict>().is_some() {
        "dict"
    } else if value.downcast_object_ref::<Set>().is_some() {
        "set"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidOperation, format!("a set can't hold a {kind}")))
}

impl Object for Set {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.snapshot())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.items().ordered.len())
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "add" => {
                let (item,): (Value,) = from_args(args)?;
                fixed(&item)?;
                pay_items(state, 1)?;
                self.items().add(item);
                Ok(Value::from(()))
            }
            "remove" | "discard" => {
                let (item,): (Value,) = from_args(args)?;
                pay_items(state, self.items().ordered.len())?;
                if !self.remove(&item) && method == "remove" {
                    let message = format!("{item} is not in the set");
                    return Err(Error::new(ErrorKind::InvalidOperation, message));
                }
                Ok(Value::from(()))
            }
            "clear" | "copy" => {
                let (Rest(none),): (Rest<Value>,) = from_args(args)?;
                if !none.is_empty() {
                    return Err(Error::from(ErrorKind::TooManyArguments));
                }
                pay_items(state, self.items().ordered.len())?;
                if method == "clear" {
                    *self.items() = SetItems::default();
                    return Ok(Value::from(()));
                }
                Ok(Value::from_object(self.snapshot().into_iter().collect::<Self>()))
            }
            "union"
            | "update"
            | "intersection"
            | "difference"
            | "difference_update"
            | "symmetric_difference"
            | "issubset"
            | "issuperset"
            | "isdisjoint" => self.combined(state, method, args),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    /// Compares without regard to the order in which items were added.
    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        let other = other.items().known.clone();
        Some(self.items().known.cmp(&other))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.snapshot();
        if items.is_empty() {
            return f.write_str("set()");
        }
        for (index, item) in items.iter().enumerate() {
            f.write_str(if index == 0 { "{" } else { ", " })?;
            write!(f, "{item:?}")?;
        }
        f.write_str("}")
    }
}
