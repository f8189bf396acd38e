//! Time zones: those of pytz, by their names, and fixed offsets.

use std::{fmt, sync::Arc};

use chrono::{FixedOffset, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, Object, ObjectRepr, from_args},
};

use super::TemplateMoment;

/// A time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::jinja) enum TimeZoneValue {
    /// A zone of the time zone database.
    Named(Tz),
    /// An offset from UTC.
    Fixed(FixedOffset),
}

/// An offset from UTC, in a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ZoneOffset {
    pub(super) zone: TimeZoneValue,
    pub(super) offset: FixedOffset,
    /// The abbreviation, such as `CEST`.
    pub(super) name: String,
}

impl TimeZoneValue {
    /// Coordinated universal time.
    pub(in crate::jinja) const UTC: Self = Self::Named(Tz::UTC);

    /// Looks up a zone by its name: `Europe/Berlin`.
    pub(in crate::jinja) fn named(name: &str) -> Result<Self, Error> {
        name.parse().map(Self::Named).map_err(|_| {
            let message = format!("there is no time zone `{name}`");
            Error::new(ErrorKind::InvalidOperation, message)
        })
    }

    /// Returns the offset at an instant, in UTC.
    pub(super) fn at_instant(&self, utc: NaiveDateTime) -> ZoneOffset {
        match self {
            Self::Named(zone) => self.of_tz(&zone.offset_from_utc_datetime(&utc)),
            Self::Fixed(offset) => self.fixed(*offset),
        }
    }

    /// Returns the offset at a local time. Of the two in an hour that a clock shows twice, it is the later,
    /// as pytz chooses; in an hour that it skips, the one before.
    pub(super) fn at_local(&self, local: NaiveDateTime) -> ZoneOffset {
        let Self::Named(zone) = self else { return self.at_instant(local) };
        match zone.offset_from_local_datetime(&local) {
            chrono::MappedLocalTime::Single(offset) | chrono::MappedLocalTime::Ambiguous(_, offset) => {
                self.of_tz(&offset)
            }
            chrono::MappedLocalTime::None => {
                let before = local - chrono::Duration::hours(3);
                zone.offset_from_local_datetime(&before)
                    .latest()
                    .map_or_else(|| self.at_instant(local), |offset| self.of_tz(&offset))
            }
        }
    }

    fn of_tz(&self, offset: &<Tz as TimeZone>::Offset) -> ZoneOffset {
        ZoneOffset { zone: self.clone(), offset: offset.fix(), name: offset.to_string() }
    }

    fn fixed(&self, offset: FixedOffset) -> ZoneOffset {
        let name =
            if offset == Utc.fix() { "UTC".to_owned() } else { format!("UTC{}", shown_offset(offset, ":")) };
        ZoneOffset { zone: self.clone(), offset, name }
    }
}

/// Returns an offset as `+02:00`, with this text between hours and minutes.
pub(super) fn shown_offset(offset: FixedOffset, between: &str) -> String {
    let seconds = offset.local_minus_utc();
    let (sign, seconds) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let rest = if rest == 0 { String::new() } else { format!("{between}{rest:02}") };
    format!("{sign}{hours:02}{between}{minutes:02}{rest}")
}

impl Object for TimeZoneValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str()? == "zone").then(|| Value::from(self.to_string()))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let moment: Value = match method {
            "localize" => {
                let (moment, named): (Value, Kwargs) = from_args(args)?;
                // It decides about hours that a clock shows twice or skips.
                let _: Option<Value> = named.get("is_dst")?;
                named.assert_all_used()?;
                moment
            }
            "normalize" => from_args::<(Value,)>(args)?.0,
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        let Some(moment) = moment.downcast_object_ref::<TemplateMoment>() else {
            let message = format!("{method}: {} is no datetime", moment.kind());
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        };
        let placed = if method == "localize" { moment.localized(self)? } else { moment.in_zone(self) };
        Ok(Value::from_object(placed))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for TimeZoneValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Fixed(offset) => f.write_str(&self.fixed(*offset).name),
        }
    }
}
