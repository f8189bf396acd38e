//! A timestamp.

use std::{fmt, sync::Arc};

use chrono::{
    DateTime, Datelike, Timelike, Utc,
    format::{Item, StrftimeItems},
};
use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, from_args},
};

/// Python's aware `datetime` in UTC, or its `date`; it can be read and formatted, but doesn't support
/// arithmetic.
#[derive(Debug, Clone)]
pub(in crate::jinja) struct TemplateMoment {
    at: DateTime<Utc>,
    date_only: bool,
    /// True if it prints its offset from UTC.
    has_zone: bool,
}

impl TemplateMoment {
    pub(in crate::jinja) fn new(at: DateTime<Utc>) -> Self {
        Self { at, date_only: false, has_zone: true }
    }

    /// Returns only the date.
    pub(in crate::jinja) fn date(&self) -> Self {
        Self { date_only: true, ..self.clone() }
    }

    /// Returns Python's naive `datetime` with the same digits.
    pub(in crate::jinja) fn without_zone(&self) -> Self {
        Self { has_zone: false, ..self.clone() }
    }

    fn format(&self, format: &str) -> Result<String, Error> {
        // Python's %f is microseconds, and chrono's is nanoseconds.
        let format = format.replace("%f", "%6f");
        let items: Vec<Item<'_>> = StrftimeItems::new(&format).collect();
        if items.contains(&Item::Error) {
            let message = format!("strftime: `{format}` is not a format of date and time");
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        Ok(self.at.format_with_items(items.iter()).to_string())
    }

    fn iso(&self, separator: char) -> String {
        if self.date_only {
            return self.at.format("%Y-%m-%d").to_string();
        }
        let fraction = if self.at.timestamp_subsec_micros() == 0 { "" } else { ".%6f" };
        let zone = if self.has_zone { "+00:00" } else { "" };
        self.at.format(&format!("%Y-%m-%d{separator}%H:%M:%S{fraction}{zone}")).to_string()
    }
}

impl Object for TemplateMoment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "year" => Value::from(self.at.year()),
            "month" => Value::from(self.at.month()),
            "day" => Value::from(self.at.day()),
            "hour" if !self.date_only => Value::from(self.at.hour()),
            "minute" if !self.date_only => Value::from(self.at.minute()),
            "second" if !self.date_only => Value::from(self.at.second()),
            "microsecond" if !self.date_only => Value::from(self.at.timestamp_subsec_micros()),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if method == "strftime" {
            let (format,): (&str,) = from_args(args)?;
            return self.format(format).map(Value::from);
        }
        let answer = match method {
            "isoformat" => Value::from(self.iso('T')),
            "date" if !self.date_only => Value::from_object(self.date()),
            "timestamp" if !self.date_only => Value::from(self.at.timestamp_micros() as f64 / 1e6),
            "weekday" => Value::from(self.at.weekday().num_days_from_monday()),
            "isoweekday" => Value::from(self.at.weekday().number_from_monday()),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        let () = from_args(args)?;
        Ok(answer)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso(' '))
    }
}
