//! Verdicts: judge the number that a test counted. Pure.

use crate::{
    manifest::{Condition, TestConfig, TestSeverity},
    outcome::{TestStatus, Verdict},
};

/// Returns the verdict for a number of failures under a test's settings.
pub(super) fn judge(config: &TestConfig, failures: f64) -> Verdict {
    let (status, word, condition) =
        if config.severity == TestSeverity::Error && config.error_if.holds(failures) {
            (TestStatus::Fail, "fail", &config.error_if)
        } else if config.warn_if.holds(failures) {
            (TestStatus::Warn, "warn", &config.warn_if)
        } else {
            return Verdict { failures: whole(failures), ..Verdict::pass() };
        };
    Verdict {
        status,
        failures: whole(failures),
        message: Some(message(failures, word, condition)),
        ..Verdict::pass()
    }
}

/// Formats dbt's message.
fn message(failures: f64, word: &str, condition: &Condition) -> String {
    let plural = if whole(failures) == 1 { "" } else { "s" };
    format!("Got {failures} result{plural}, configured to {word} if {condition}")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count that was clamped to what fits"
)]
fn whole(failures: f64) -> u64 {
    failures.round().clamp(0.0, 9e15) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{manifest::config::Setting, text::Source};

    fn config(settings: &[(&str, &str)]) -> TestConfig {
        let span = Source::new("t", "").span(0..0);
        let layer: BTreeMap<String, Setting> = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Setting { value: (*value).into(), span: span.clone() }))
            .collect();
        let (config, findings) = TestConfig::resolve(vec![layer]);
        assert!(findings.is_empty());
        config
    }

    fn check(settings: &[(&str, &str)], failures: f64, status: TestStatus, message: Option<&str>) {
        let verdict = judge(&config(settings), failures);
        assert_eq!((verdict.status, verdict.message.as_deref()), (status, message));
    }

    #[test]
    fn dbts_rules_of_severity_and_thresholds() {
        check(&[], 0.0, TestStatus::Pass, None);
        check(&[], 1.0, TestStatus::Fail, Some("Got 1 result, configured to fail if != 0"));
        let warn = Some("Got 2 results, configured to warn if != 0");
        check(&[("severity", "warn")], 2.0, TestStatus::Warn, warn);
        check(&[("severity", "warn"), ("error_if", "> 0")], 2.0, TestStatus::Warn, warn);
        check(&[("error_if", "> 10")], 2.0, TestStatus::Warn, warn);
        let fail = Some("Got 11 results, configured to fail if > 10");
        check(
            &[("error_if", ">10")],
            11.0,
            TestStatus::Fail,
            Some("Got 11 results, configured to fail if >10"),
        );
        check(&[("error_if", "> 10")], 11.0, TestStatus::Fail, fail);
        check(&[("warn_if", "> 5"), ("error_if", "> 10")], 5.0, TestStatus::Pass, None);
        check(&[("on_violation", "warn")], 2.0, TestStatus::Warn, warn);
    }
}
