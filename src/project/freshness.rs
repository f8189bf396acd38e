//! `freshness:` and `loaded_at_…:` of sources and their tables: the maximum age of their rows, and how to
//! determine it.
//!
//! Both may be set directly on the source or under its `config:`, which wins.

use super::{
    keys::{self, Section},
    reader::{YamlReader, mismatch},
    yaml::{Yaml, YamlValue},
};
use crate::{diag::Diagnostic, text::Spanned};

/// The freshness setting of a source or one of its tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FreshnessSetting {
    /// Not set: a table inherits its source's setting.
    #[default]
    Inherit,
    /// `freshness: null`: no limit, whatever the source says.
    Off,
    /// These limits.
    Set(FreshnessDecl),
}

/// The ages at which rows are too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshnessDecl {
    /// The age that is a warning.
    pub warn_after: Option<PeriodDecl>,
    /// The age that is an error.
    pub error_after: Option<PeriodDecl>,
    /// A SQL condition for the rows that count; may contain Jinja.
    pub filter: Option<Spanned<String>>,
}

/// A duration, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodDecl {
    /// The number of units.
    pub count: PeriodCount,
    pub unit: PeriodUnit,
}

/// The number of units of a [`PeriodDecl`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeriodCount {
    Number(u64),
    /// Jinja that renders to the number.
    Template(Spanned<String>),
}

/// A duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The number of units.
    pub count: u64,
    pub unit: PeriodUnit,
}

/// The unit of a [`Period`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodUnit {
    /// Sixty seconds.
    Minute,
    /// Sixty minutes.
    Hour,
    /// Twenty-four hours.
    Day,
}

impl FreshnessSetting {
    /// Reads `freshness:` of the current item.
    pub(super) fn of(reader: &mut YamlReader<'_, '_>) -> Self {
        let own = reader.written("freshness");
        let configured = reader.take("config").and_then(|config| config.get("freshness"));
        configured.or(own).map_or(Self::Inherit, |yaml| Self::of_value(yaml, reader.diagnostics()))
    }

    /// Reads the value of `freshness:`.
    pub(super) fn of_value(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Self {
        if yaml.is_null() {
            return Self::Off;
        }
        FreshnessDecl::read(yaml, diagnostics).map_or(Self::Inherit, Self::Set)
    }
}

impl FreshnessDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::FRESHNESS, yaml, diagnostics)?;
        let mut period = |section, key| {
            let yaml = reader.take(key)?;
            PeriodDecl::read(section, yaml, reader.diagnostics())
        };
        let warn_after = period(&keys::WARN_AFTER, "warn_after");
        let error_after = period(&keys::ERROR_AFTER, "error_after");
        let filter = reader.string("filter");
        reader.finish(None);
        Some(Self { warn_after, error_after, filter })
    }
}

impl Period {
    /// Returns the duration in seconds.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.count.saturating_mul(self.unit.seconds())
    }
}

impl PeriodDecl {
    fn read(section: &'static Section, yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(section, yaml, diagnostics)?;
        let count = reader.needed("count").and_then(|yaml| {
            let count = match &yaml.value {
                YamlValue::Int(count) => u64::try_from(*count).ok().map(PeriodCount::Number),
                YamlValue::String(text) if text.contains("{{") => {
                    Some(PeriodCount::Template(Spanned::new(text.clone(), yaml.span.clone())))
                }
                _ => None,
            };
            if count.is_none() {
                let finding = mismatch("`count` must be a whole number, zero or more".to_owned(), yaml);
                reader.diagnostics().push(finding);
            }
            count
        });
        let unit = reader.required("period").and_then(|written| {
            let unit = PeriodUnit::ALL.into_iter().find(|unit| unit.as_str() == written.value);
            if unit.is_none() {
                reader.none_of("period", &written, &PeriodUnit::ALL.map(PeriodUnit::as_str));
            }
            unit
        });
        reader.finish(None);
        Some(Self { count: count?, unit: unit? })
    }
}

impl PeriodUnit {
    const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Returns the name, as written in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    fn seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        }
    }
}

/// The source of load times: a field, a query, or neither.
#[derive(Debug, Default)]
pub(super) struct LoadedAt {
    pub(super) field: Option<Spanned<String>>,
    pub(super) query: Option<Spanned<String>>,
}

impl LoadedAt {
    /// Reads `loaded_at_field:` or `loaded_at_query:` of the current item.
    pub(super) fn of(reader: &mut YamlReader<'_, '_>) -> Self {
        let own = Self::read(reader);
        // A `config:` that isn't a mapping is reported where the configuration is read.
        let config = reader.take("config").filter(|config| matches!(config.value, YamlValue::Map(_)));
        let configured = config
            .and_then(|config| YamlReader::new(&keys::SOURCE_CONFIG, config, reader.diagnostics()))
            .map(|mut config| Self::read(&mut config))
            .unwrap_or_default();
        let both = Self { field: configured.field.or(own.field), query: configured.query.or(own.query) };
        if let Self { field: Some(field), query: Some(query) } = &both {
            let message = "`loaded_at_field` and `loaded_at_query` are both set";
            let finding = Diagnostic::error("ambiguous-age", message)
                .at(query.span.clone(), "the query")
                .at(field.span.clone(), "the field")
                .hint("keep one of them");
            reader.diagnostics().push(finding);
        }
        both
    }

    fn read(reader: &mut YamlReader<'_, '_>) -> Self {
        Self { field: reader.string("loaded_at_field"), query: reader.string("loaded_at_query") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{project::parse, text::Source};

    fn freshness(text: &str) -> FreshnessSetting {
        let mut diagnostics = Vec::new();
        let yaml = parse::yaml(&Source::new("x.yml", text), &mut diagnostics).unwrap();
        let mut reader = YamlReader::new(&keys::SOURCE, &yaml, &mut diagnostics).unwrap();
        let freshness = FreshnessSetting::of(&mut reader);
        assert_eq!(diagnostics, []);
        freshness
    }

    #[test]
    fn nothing_null_and_limits_are_three_things() {
        assert_eq!(freshness("name: a\n"), FreshnessSetting::Inherit);
        assert_eq!(freshness("freshness:\n"), FreshnessSetting::Off);
        let text =
            "freshness: {warn_after: {count: 36, period: hour}, error_after: {count: 2, period: day}}\n";
        let FreshnessSetting::Set(limits) = freshness(text) else { panic!("limits") };
        let two_days = PeriodDecl { count: PeriodCount::Number(2), unit: PeriodUnit::Day };
        assert_eq!(limits.error_after, Some(two_days));
        assert_eq!(limits.filter, None);
    }

    #[test]
    fn configuration_wins() {
        assert_eq!(freshness("freshness: {filter: x}\nconfig: {freshness: null}\n"), FreshnessSetting::Off);
        let FreshnessSetting::Set(limits) = freshness("freshness:\nconfig: {freshness: {filter: x}}\n")
        else {
            panic!("limits")
        };
        assert_eq!(limits.filter.unwrap().value, "x");
    }

    #[test]
    fn a_period_never_overflows() {
        assert_eq!(Period { count: u64::MAX, unit: PeriodUnit::Day }.seconds(), u64::MAX);
    }
}
