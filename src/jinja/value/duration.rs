//! A length of time.

use std::{cmp::Ordering, fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{DynObject, Kwargs, Object, ObjectRepr, from_args},
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Python's longest `timedelta` has 999,999,999 days, and all of them fit into this many microseconds.
const LONGEST: i64 = i64::MAX / 4;

/// Python's `timedelta`, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::jinja) struct TemplateDuration(pub(super) i64);

impl TemplateDuration {
    /// Evaluates `timedelta(…)`, whose arguments may be negative and have fractions.
    pub(in crate::jinja) fn create(args: &[Value]) -> Result<Self, Error> {
        const UNITS: [(&str, i64); 7] = [
            ("days", DAY),
            ("seconds", SECOND),
            ("microseconds", 1),
            ("milliseconds", 1_000),
            ("minutes", 60 * SECOND),
            ("hours", 3_600 * SECOND),
            ("weeks", 7 * DAY),
        ];
        let (given, named): (&[Value], Kwargs) = from_args(args)?;
        if given.len() > UNITS.len() {
            return Err(Error::from(ErrorKind::TooManyArguments));
        }
        let mut sum = 0_f64;
        let mut whole = 0_i64;
        for (place, (name, size)) in UNITS.iter().enumerate() {
            let by_name: Option<Value> = named.get(name)?;
            let Some(value) = given.get(place).cloned().or(by_name) else { continue };
            match (i64::try_from(value.clone()), f64::try_from(value.clone())) {
                (Ok(number), _) if !value.is_true() || value.is_integer() => {
                    whole = number
                        .checked_mul(*size)
                        .and_then(|more| whole.checked_add(more))
                        .ok_or_else(too_long)?;
                }
                (_, Ok(number)) => sum += number * *size as f64,
                _ => {
                    let message = format!("timedelta: `{name}` is a number, not {}", value.kind());
                    return Err(Error::new(ErrorKind::InvalidOperation, message));
                }
            }
        }
        named.assert_all_used()?;
        if sum.abs() > LONGEST as f64 {
            return Err(too_long());
        }
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
        let micros = whole.checked_add(sum.round_ties_even() as i64);
        micros.and_then(Self::new).ok_or_else(too_long)
    }

    /// Returns a duration unless it is too long.
    pub(super) fn new(micros: i64) -> Option<Self> {
        (micros.abs() <= LONGEST).then_some(Self(micros))
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::new)
    }

    pub(super) fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::new)
    }
}

/// The error about a duration or time that Python can't represent either.
pub(super) fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, "the time is out of range")
}

impl Object for TemplateDuration {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0 != 0
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(Value::from(match key.as_str()? {
            "days" => self.0.div_euclid(DAY),
            "seconds" => self.0.rem_euclid(DAY) / SECOND,
            "microseconds" => self.0.rem_euclid(SECOND),
            _ => return None,
        }))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let () = from_args(args)?;
        match method {
            "total_seconds" => Ok(Value::from(self.0 as f64 / SECOND as f64)),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        if days != 0 {
            let plural = if days.abs() == 1 { "" } else { "s" };
            write!(f, "{days} day{plural}, ")?;
        }
        let (seconds, micros) = (rest / SECOND, rest % SECOND);
        write!(f, "{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)?;
        if micros == 0 { Ok(()) } else { write!(f, ".{micros:06}") }
    }
}
