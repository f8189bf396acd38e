//! Data test configuration: when a test fails, and what happens then.

use std::{collections::BTreeSet, fmt};

use serde_json::{Map, Value};

use super::{
    layer::{Layer, merged},
    reader::SettingsReader,
};
use crate::{diag::Diagnostic, project::StaticAnalysis};

/// The severity of a test failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestSeverity {
    /// The tested node isn't published, and its downstream nodes don't run.
    Error,
    /// The failure is reported, and the run continues.
    Warn,
}

/// The policy for rows that violate a rule while a model is built. (Databricks' pipelines call it an
/// expectation's action.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnViolation {
    /// They go to the companion table of quarantined rows.
    Quarantine,
    /// They are dropped and counted.
    Drop,
}

/// The configuration of a data test.
#[derive(Debug, Clone)]
pub struct TestConfig {
    /// False to exclude the test from the project.
    pub enabled: bool,
    /// The severity of a failure.
    pub severity: TestSeverity,
    /// The condition on the number of failures for a warning.
    pub warn_if: Condition,
    /// The condition on the number of failures for an error, if the severity is error.
    pub error_if: Condition,
    /// The maximum number of rows to find.
    pub limit: Option<u64>,
    /// The SQL expression for the number of failures over the rows found, by default `count(*)`.
    pub fail_calc: String,
    /// True to store the rows found in a table.
    pub store_failures: bool,
    /// The name of that table, if it differs from the test's.
    pub alias: Option<String>,
    /// The policy for violating rows while the model is built. `None` if they only count as failures.
    pub on_violation: Option<OnViolation>,
    /// The mode of static analysis, if set: the consequence of an error in it.
    pub static_analysis: Option<StaticAnalysis>,
    /// The tags, for selection.
    pub tags: BTreeSet<String>,
    /// All settings, resolved, for templates and artifacts.
    pub all: Map<String, Value>,
}

impl TestConfig {
    /// Merges all layers, weakest first, and returns the configuration with its diagnostics.
    #[must_use]
    pub fn resolve(layers: Vec<Layer>) -> (Self, Vec<Diagnostic>) {
        let merged = merged(layers);
        let mut reader = SettingsReader::new(&merged);
        let severity = severity(&mut reader);
        let (asked, on_violation) = on_violation(&mut reader);
        let config = Self {
            enabled: reader.bool("enabled").unwrap_or(true),
            severity: asked.unwrap_or(severity),
            warn_if: condition(&mut reader, "warn_if"),
            error_if: condition(&mut reader, "error_if"),
            limit: reader.size("limit"),
            fail_calc: reader.text("fail_calc").unwrap_or_else(|| COUNT.into()),
            store_failures: store_failures(&mut reader),
            alias: reader.text("alias"),
            on_violation,
            static_analysis: reader.static_analysis(),
            tags: reader.list("tags").into_iter().collect(),
            all: reader.all(),
        };
        let findings = reader.findings;
        (config, findings)
    }

    /// Returns whether each row is one failure, so that failures can be counted without the query's own
    /// expression.
    #[must_use]
    pub fn counts_rows(&self) -> bool {
        self.limit.is_none() && self.fail_calc.trim().eq_ignore_ascii_case(COUNT)
    }
}

const COUNT: &str = "count(*)";

fn severity(reader: &mut SettingsReader<'_>) -> TestSeverity {
    match word(reader, "severity", &["error", "warn"]).as_deref() {
        Some("warn") => TestSeverity::Warn,
        _ => TestSeverity::Error,
    }
}

/// Reads `store_failures_as`, which wins, or `store_failures`.
fn store_failures(reader: &mut SettingsReader<'_>) -> bool {
    let stored = reader.bool("store_failures").unwrap_or(false);
    match word(reader, "store_failures_as", &["ephemeral", "table", "view"]).as_deref() {
        Some("ephemeral") => false,
        Some(_) => true,
        None => stored,
    }
}

/// Returns the severity and the policy that `on_violation` stands for.
fn on_violation(reader: &mut SettingsReader<'_>) -> (Option<TestSeverity>, Option<OnViolation>) {
    match word(reader, "on_violation", &["fail", "warn", "quarantine", "drop"]).as_deref() {
        Some("fail") => (Some(TestSeverity::Error), None),
        Some("warn") => (Some(TestSeverity::Warn), None),
        Some("quarantine") => (None, Some(OnViolation::Quarantine)),
        Some("drop") => (None, Some(OnViolation::Drop)),
        _ => (None, None),
    }
}

fn word(reader: &mut SettingsReader<'_>, key: &str, words: &[&'static str]) -> Option<String> {
    let text = reader.text(key)?.to_lowercase();
    if words.contains(&text.as_str()) {
        return Some(text);
    }
    let message = format!("`{key}` is one of {}, not `{text}`", words.join(", "));
    reader.finding(key, message, |found| found.near(&text, words.iter().copied()));
    None
}

fn condition(reader: &mut SettingsReader<'_>, key: &str) -> Condition {
    let Some(text) = reader.text(key) else { return Condition::default() };
    Condition::parse(&text).unwrap_or_else(|| {
        let message = format!("`{key}` compares the number of failures, as in `> 10`; this is `{text}`");
        reader.finding(key, message, |found| {
            found.note("the comparisons: =, !=, <, <=, >, >=, between … and …")
        });
        Condition::default()
    })
}

/// An operator and its comparison.
type Sign = (&'static str, fn(f64) -> Compare);

/// A comparison of the number of failures, such as `> 10`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    compare: Compare,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Compare {
    Equal(f64),
    NotEqual(f64),
    Less(f64),
    AtMost(f64),
    More(f64),
    AtLeast(f64),
    Between(f64, f64),
}

impl Condition {
    /// Parses a comparison, in the notation after the number in SQL.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let lower = text.to_lowercase();
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        if let Some(bounds) = lower.strip_prefix("between ") {
            let (low, high) = bounds.split_once(" and ")?;
            return Some(Self { compare: Compare::Between(number(low)?, number(high)?), text });
        }
        // Longer operators come first.
        let signs: [Sign; 8] = [
            ("!=", Compare::NotEqual),
            ("<>", Compare::NotEqual),
            ("<=", Compare::AtMost),
            (">=", Compare::AtLeast),
            ("==", Compare::Equal),
            ("=", Compare::Equal),
            ("<", Compare::Less),
            (">", Compare::More),
        ];
        let (rest, make) = signs.iter().find_map(|(sign, make)| Some((lower.strip_prefix(sign)?, make)))?;
        Some(Self { compare: make(number(rest)?), text: text.clone() })
    }

    /// Returns whether the comparison is true for this number.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "failures are whole numbers, and people ask for `= 3`")]
    pub fn holds(&self, failures: f64) -> bool {
        match self.compare {
            Compare::Equal(than) => failures == than,
            Compare::NotEqual(than) => failures != than,
            Compare::Less(than) => failures < than,
            Compare::AtMost(than) => failures <= than,
            Compare::More(than) => failures > than,
            Compare::AtLeast(than) => failures >= than,
            Compare::Between(low, high) => (low..=high).contains(&failures),
        }
    }
}

/// True for any failure at all.
impl Default for Condition {
    fn default() -> Self {
        Self { compare: Compare::NotEqual(0.0), text: "!= 0".into() }
    }
}

/// Formats as written.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_as_sql_does() {
        let holds = |text: &str, failures: f64| Condition::parse(text).map(|it| it.holds(failures));
        assert_eq!(holds("> 10", 10.0), Some(false));
        assert_eq!(holds(">10", 11.0), Some(true));
        assert_eq!(holds(" >=  10 ", 10.0), Some(true));
        assert_eq!(holds("<> 0", 0.0), Some(false));
        assert_eq!(holds("!= 0", 1.0), Some(true));
        assert_eq!(holds("= 3", 3.0), Some(true));
        assert_eq!(holds("Between 2 AND 4", 4.0), Some(true));
        assert_eq!(holds("between 2 and 4", 5.0), Some(false));
        for wrong in ["10", "", "> ten", "between 1", "is not null", "> 1 or 1 = 1"] {
            assert_eq!(Condition::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Condition::parse(">   5").map(|it| it.to_string()), Some("> 5".into()));
    }
}
