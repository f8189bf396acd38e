//! A date, or a time of a day.

use std::{borrow::Cow, cmp::Ordering, fmt, sync::Arc};

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc,
    format::{Item, Parsed, StrftimeItems, parse},
};
use minijinja::{
    Error, ErrorKind, State, Value,
    value::{DynObject, Kwargs, Object, ObjectRepr, from_args},
};

use super::{
    TemplateDuration, TimeZoneValue,
    duration::too_long,
    zone::{ZoneOffset, shown_offset},
};

/// Python's `datetime`, naive or with a zone, or its `date`.
#[derive(Debug, Clone)]
pub(in crate::jinja) struct TemplateMoment {
    /// The date and time that it shows.
    local: NaiveDateTime,
    date_only: bool,
    /// Its offset from UTC; `None` if it is naive.
    zone: Option<ZoneOffset>,
}

impl TemplateMoment {
    /// Returns an instant as an aware `datetime` in UTC.
    pub(in crate::jinja) fn new(at: DateTime<Utc>) -> Self {
        let local = at.naive_utc();
        Self { local, date_only: false, zone: Some(TimeZoneValue::UTC.at_instant(local)) }
    }

    /// Returns a naive `datetime`.
    pub(in crate::jinja) fn naive(local: NaiveDateTime) -> Self {
        Self { local, date_only: false, zone: None }
    }

    /// Returns a `date`.
    pub(in crate::jinja) fn of_date(date: NaiveDate) -> Self {
        Self { local: date.and_time(NaiveTime::MIN), date_only: true, zone: None }
    }

    /// Returns only the date.
    pub(in crate::jinja) fn date(&self) -> Self {
        Self::of_date(self.local.date())
    }

    /// Returns Python's naive `datetime` with the same digits.
    pub(in crate::jinja) fn without_zone(&self) -> Self {
        Self { zone: None, ..self.clone() }
    }

    /// Returns the same instant in a zone. A naive one is in UTC.
    pub(in crate::jinja) fn in_zone(&self, zone: &TimeZoneValue) -> Self {
        let utc = self.utc();
        let zone = zone.at_instant(utc);
        Self { local: utc + zone.offset, date_only: false, zone: Some(zone) }
    }

    /// Returns a naive `datetime` with its zone.
    ///
    /// # Errors
    /// If it has one.
    pub(super) fn localized(&self, zone: &TimeZoneValue) -> Result<Self, Error> {
        if self.zone.is_some() || self.date_only {
            let message = "localize: it takes a datetime without a zone";
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        Ok(self.with_zone(Some(zone)))
    }

    /// Returns the same digits in another zone.
    pub(in crate::jinja) fn with_zone(&self, zone: Option<&TimeZoneValue>) -> Self {
        Self { zone: zone.map(|zone| zone.at_local(self.local)), ..self.clone() }
    }

    /// Evaluates `datetime.strptime(text, format)`: fields that the format lacks are those of 1900-01-01.
    pub(in crate::jinja) fn parsed(text: &str, format: &str) -> Result<Self, Error> {
        let wrong = || {
            let message = format!("strptime: `{text}` doesn't match the format `{format}`");
            Error::new(ErrorKind::InvalidOperation, message)
        };
        // A fraction of a second may have up to six digits in Python.
        let format = format.replace(".%f", "%.f");
        let items: Vec<Item<'_>> = StrftimeItems::new(&format).collect();
        if items.contains(&Item::Error) {
            return Err(not_a_format("strptime", &format));
        }
        let mut fields = Parsed::new();
        parse(&mut fields, text, items.iter()).map_err(|_| wrong())?;
        completed(&mut fields).map_err(|_| wrong())?;
        let date = fields.to_naive_date().map_err(|_| wrong())?;
        let time = fields.to_naive_time().map_err(|_| wrong())?;
        let offset = fields.to_fixed_offset().ok().map(TimeZoneValue::Fixed);
        Ok(Self::naive(date.and_time(time)).with_zone(offset.as_ref()))
    }

    /// Evaluates `datetime.fromisoformat(text)`.
    pub(in crate::jinja) fn of_iso(text: &str) -> Result<Self, Error> {
        const FORMATS: [&str; 8] = [
            "%Y-%m-%dT%H:%M:%S%.f%:z",
            "%Y-%m-%d %H:%M:%S%.f%:z",
            "%Y-%m-%dT%H:%M:%S%.f",
            "%Y-%m-%d %H:%M:%S%.f",
            "%Y-%m-%dT%H:%M",
            "%Y-%m-%d %H:%M",
            "%Y-%m-%d",
            "%Y%m%d",
        ];
        let text = text.strip_suffix('Z').map_or(Cow::Borrowed(text), |text| format!("{text}+00:00").into());
        FORMATS.iter().find_map(|format| Self::parsed(&text, format).ok()).ok_or_else(|| {
            let message = format!("fromisoformat: `{text}` is no date or time of ISO 8601");
            Error::new(ErrorKind::InvalidOperation, message)
        })
    }

    /// Returns the time in UTC.
    fn utc(&self) -> NaiveDateTime {
        self.zone.as_ref().map_or(self.local, |zone| self.local - zone.offset)
    }

    /// Adds a duration. As in Python, the offset from UTC stays the same.
    pub(super) fn plus(&self, duration: TemplateDuration) -> Result<Self, Error> {
        let later = self.local.checked_add_signed(chrono::Duration::microseconds(duration.0));
        let local = later.filter(|local| (1..=9999).contains(&local.year())).ok_or_else(too_long)?;
        let local = if self.date_only { local.date().and_time(NaiveTime::MIN) } else { local };
        Ok(Self { local, ..self.clone() })
    }

    /// Returns the duration since another time.
    ///
    /// # Errors
    /// As in Python, if one is a date and the other isn't, or only one has a zone.
    pub(super) fn since(&self, other: &Self) -> Result<TemplateDuration, Error> {
        self.check_kind(other, "subtract")?;
        let micros = (self.utc() - other.utc()).num_microseconds();
        micros.and_then(TemplateDuration::new).ok_or_else(too_long)
    }

    fn check_kind(&self, other: &Self, action: &str) -> Result<(), Error> {
        let message = if self.date_only != other.date_only {
            "a date and a datetime"
        } else if self.zone.is_some() != other.zone.is_some() {
            "a datetime with a zone and one without"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::InvalidOperation, format!("can't {action} {message}")))
    }

    fn format(&self, format: &str) -> Result<String, Error> {
        let (offset, name) = self.zone.as_ref().map_or_else(Default::default, |zone| {
            (shown_offset(zone.offset, ""), zone.name.replace('%', "%%"))
        });
        let mut own = String::with_capacity(format.len());
        let mut rest = format.chars();
        while let Some(char) = rest.next() {
            match (char, if char == '%' { rest.next() } else { None }) {
                // Python's %f is microseconds, and chrono's is nanoseconds.
                ('%', Some('f')) => own.push_str("%6f"),
                ('%', Some('z')) => own.push_str(&offset),
                ('%', Some('Z')) => own.push_str(&name),
                ('%', Some(field)) => own.extend(['%', field]),
                (char, _) => own.push(char),
            }
        }
        let items: Vec<Item<'_>> = StrftimeItems::new(&own).collect();
        if items.contains(&Item::Error) {
            return Err(not_a_format("strftime", format));
        }
        Ok(self.local.and_utc().format_with_items(items.iter()).to_string())
    }

    fn iso(&self, separator: &str) -> String {
        if self.date_only {
            return self.local.format("%Y-%m-%d").to_string();
        }
        let fraction = if self.local.nanosecond() < 1_000 { "" } else { "%.6f" };
        let zone = self.zone.as_ref().map(|zone| shown_offset(zone.offset, ":")).unwrap_or_default();
        let (date, time) = (self.local.format("%Y-%m-%d"), format!("%H:%M:%S{fraction}"));
        format!("{date}{separator}{}{zone}", self.local.format(&time))
    }

    /// Evaluates `replace(year=…, …, tzinfo=…)`.
    fn replaced(&self, args: &[Value]) -> Result<Self, Error> {
        let (given, named): (&[Value], Kwargs) = from_args(args)?;
        let mut fields = self.fields();
        let count = if self.date_only { 3 } else { fields.len() };
        for (place, (name, field)) in FIELDS.iter().zip(&mut fields).take(count).enumerate() {
            let by_name: Option<i64> = named.get(name)?;
            let by_place = given.get(place).map(|value| i64::try_from(value.clone())).transpose()?;
            *field = by_place.or(by_name).unwrap_or(*field);
        }
        let zone: Option<Value> = if named.has("tzinfo") { Some(named.get("tzinfo")?) } else { None };
        named.assert_all_used()?;
        let moment = Self { local: of_fields("replace", fields)?, ..self.clone() };
        match zone {
            None => Ok(match &self.zone {
                Some(zone) => Self { zone: Some(zone.clone()), ..moment },
                None => moment,
            }),
            Some(zone) => Ok(moment.with_zone(zone_of(&zone)?.as_ref())),
        }
    }

    fn fields(&self) -> [i64; 7] {
        let at = &self.local;
        [
            i64::from(at.year()),
            i64::from(at.month()),
            i64::from(at.day()),
            i64::from(at.hour()),
            i64::from(at.minute()),
            i64::from(at.second()),
            i64::from(at.nanosecond() / 1_000),
        ]
    }
}

/// The fields of a `datetime`, in the order of its arguments.
const FIELDS: [&str; 7] = ["year", "month", "day", "hour", "minute", "second", "microsecond"];

/// Evaluates `datetime(…)`, or `date(…)` if `date_only`.
pub(in crate::jinja) fn create(args: &[Value], date_only: bool) -> Result<TemplateMoment, Error> {
    let (given, named): (&[Value], Kwargs) = from_args(args)?;
    let count = if date_only { 3 } else { FIELDS.len() };
    if given.len() > count + usize::from(!date_only) {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let mut fields = [0_i64; 7];
    for (place, (name, field)) in FIELDS.iter().zip(&mut fields).take(count).enumerate() {
        let by_name: Option<i64> = named.get(name)?;
        let by_place = given.get(place).map(|value| i64::try_from(value.clone())).transpose()?;
        match by_place.or(by_name) {
            Some(value) => *field = value,
            None if place < 3 => return Err(Error::from(ErrorKind::MissingArgument)),
            None => {}
        }
    }
    let zone: Option<Value> = if date_only { None } else { named.get("tzinfo")? };
    named.assert_all_used()?;
    let local = of_fields(if date_only { "date" } else { "datetime" }, fields)?;
    if date_only {
        return Ok(TemplateMoment::of_date(local.date()));
    }
    let zone = given.get(count).cloned().or(zone).map_or(Ok(None), |zone| zone_of(&zone))?;
    Ok(TemplateMoment::naive(local).with_zone(zone.as_ref()))
}

/// Returns the time zone in a value; none for `none`.
pub(in crate::jinja) fn zone_of(value: &Value) -> Result<Option<TimeZoneValue>, Error> {
    if value.is_none() || value.is_undefined() {
        return Ok(None);
    }
    let zone = value.downcast_object_ref::<TimeZoneValue>().cloned();
    zone.map(Some).ok_or_else(|| {
        let message = format!("{} is no time zone: write modules.pytz.timezone('…')", value.kind());
        Error::new(ErrorKind::InvalidOperation, message)
    })
}

fn of_fields(function: &str, fields: [i64; 7]) -> Result<NaiveDateTime, Error> {
    let made = || {
        let [_, month, day, hour, minute, second, micro] = fields.map(|field| u32::try_from(field).ok());
        let year = i32::try_from(fields[0]).ok().filter(|year| (1..=9999).contains(year))?;
        NaiveDate::from_ymd_opt(year, month?, day?)?.and_hms_micro_opt(hour?, minute?, second?, micro?)
    };
    made().ok_or_else(|| {
        let message = format!("{function}: there is no such date or time");
        Error::new(ErrorKind::InvalidOperation, message)
    })
}

/// Sets the fields that a format lacks.
fn completed(fields: &mut Parsed) -> chrono::ParseResult<()> {
    if fields.timestamp().is_some() {
        return Ok(());
    }
    let has_week =
        fields.isoweek().is_some() || fields.week_from_sun().is_some() || fields.week_from_mon().is_some();
    if fields.year().is_none() && fields.year_mod_100().is_none() && fields.isoyear().is_none() {
        fields.set_year(1900)?;
    }
    if fields.ordinal().is_none() && !has_week {
        if fields.month().is_none() {
            fields.set_month(1)?;
        }
        if fields.day().is_none() {
            fields.set_day(1)?;
        }
    }
    if fields.hour_mod_12().is_none() {
        fields.set_hour(0)?;
    } else if fields.hour_div_12().is_none() {
        fields.set_ampm(false)?;
    }
    if fields.minute().is_none() {
        fields.set_minute(0)?;
    }
    Ok(())
}

fn not_a_format(function: &str, format: &str) -> Error {
    let message = format!("{function}: `{format}` is not a format of date and time");
    Error::new(ErrorKind::InvalidOperation, message)
}

impl Object for TemplateMoment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if name == "tzinfo" && !self.date_only {
            return Some(match &self.zone {
                Some(zone) => Value::from_object(zone.zone.clone()),
                None => Value::from(()),
            });
        }
        let place = FIELDS.iter().position(|field| *field == name)?;
        (place < 3 || !self.date_only).then(|| Value::from(self.fields()[place]))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "strftime" => {
                let (format,): (&str,) = from_args(args)?;
                return self.format(format).map(Value::from);
            }
            "isoformat" => {
                let (given, named): (Option<String>, Kwargs) = from_args(args)?;
                let sep: Option<String> = named.get("sep")?;
                named.assert_all_used()?;
                return Ok(Value::from(self.iso(given.or(sep).as_deref().unwrap_or("T"))));
            }
            "replace" => return self.replaced(args).map(Value::from_object),
            "astimezone" if !self.date_only => {
                let (zone,): (Option<Value>,) = from_args(args)?;
                let zone = zone.map_or(Ok(None), |zone| zone_of(&zone))?;
                return Ok(Value::from_object(self.in_zone(&zone.unwrap_or(TimeZoneValue::UTC))));
            }
            _ => {}
        }
        let answer = match method {
            "date" if !self.date_only => Value::from_object(self.date()),
            "timestamp" if !self.date_only => {
                Value::from(self.utc().and_utc().timestamp_micros() as f64 / 1e6)
            }
            "tzname" if !self.date_only => {
                self.zone.as_ref().map_or(Value::from(()), |zone| Value::from(zone.name.as_str()))
            }
            "utcoffset" if !self.date_only => self.zone.as_ref().map_or(Value::from(()), |zone| {
                Value::from_object(TemplateDuration(i64::from(zone.offset.local_minus_utc()) * 1_000_000))
            }),
            "weekday" => Value::from(self.local.weekday().num_days_from_monday()),
            "isoweekday" => Value::from(self.local.weekday().number_from_monday()),
            "toordinal" => Value::from(self.local.num_days_from_ce()),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        let () = from_args(args)?;
        Ok(answer)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        self.check_kind(other, "compare").ok()?;
        Some(self.utc().cmp(&other.utc()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso(" "))
    }
}
