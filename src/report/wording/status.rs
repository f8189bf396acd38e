//! A step's lines during the run: `3 of 9 OK created sql table model staging.x .... [OK in 0.12s]`.

use crate::{
    outcome::{
        AgeStatus, Outcome, Quarantined, Rejected, RowChanges, Skipped, SourceAge, TestStatus, Verdict,
    },
    plan::{Action, Step},
};

use super::{
    super::{
        line::{Line, Tone},
        message::Position,
        node,
        width::{columns, pad, printable, shorten},
    },
    Wording, amounts,
};

/// The width of a bracket and the gap after it, so that remarks line up too.
const BRACKET: usize = 29;

/// The minimum width of a shortened name, however narrow the line.
const NAME: usize = 12;

/// The parts of the line that reports a finished step.
struct StatusLine {
    tone: Tone,
    /// The start of the bracket: `OK 1,440 rows`.
    status: String,
    /// The text before the name: `OK created sql table model`.
    lead: String,
    remark: Option<String>,
}

impl Wording {
    pub(super) fn started(self, position: &Position) -> Line {
        let remark = (!self.reason_at_end).then(|| reason(&position.step)).flatten();
        let lead = format!("START {}", words(&position.step));
        self.status(position, &lead, (Tone::Plain, "RUN".to_owned()), remark)
    }

    pub(super) fn finished(self, position: &Position, outcome: &Outcome, seconds: f64) -> Line {
        let status_line = status_line(&position.step, outcome);
        let reason = self.reason_at_end.then(|| reason(&position.step)).flatten();
        let status = (status_line.tone, format!("{} in {seconds:.2}s", status_line.status));
        self.status(position, &status_line.lead, status, status_line.remark.or(reason))
    }

    pub(super) fn skipped(self, position: &Position, because: &Skipped) -> Line {
        let lead = match position.step.action {
            Action::Table | Action::Incremental | Action::View | Action::Seed | Action::Snapshot => {
                "SKIP relation".to_owned()
            }
            Action::Test | Action::UnitTest | Action::Freshness => format!("SKIP {}", words(&position.step)),
        };
        self.status(position, &lead, (Tone::Caution, "SKIP".to_owned()), Some(why(because)))
    }

    fn status(self, position: &Position, lead: &str, status: (Tone, String), remark: Option<String>) -> Line {
        let lead = format!("{} of {} {lead} ", position.index, position.total);
        let room = self.width.saturating_sub(columns(&lead) + 1).max(NAME);
        let name = printable(&position.step.name);
        let before = pad(&format!("{lead}{} ", shorten(&name, room)), self.width, ".");
        let (tone, status) = status;
        let gap = BRACKET.saturating_sub(columns(&status) + 2).max(1);
        let line = Line::plain(format!("{before} [")).and(tone, status).and(Tone::Plain, "]");
        match remark {
            Some(remark) => line.and(Tone::Faint, format!("{}{}", " ".repeat(gap), printable(&remark))),
            None => line,
        }
    }
}

/// Returns the reason a table is built. The reason for a test or a freshness check is obvious.
fn reason(step: &Step) -> Option<String> {
    (step.action.is_table() || step.action == Action::View).then(|| step.reason.to_string())
}

/// Returns dbt's description of a step: `sql table model raw.readings`, `test unique_orders_id`.
pub(in crate::report) fn what(step: &Step) -> String {
    format!("{} {}", words(step), step.name)
}

/// Returns the words before the name.
fn words(step: &Step) -> String {
    match step.action {
        Action::Table | Action::Incremental | Action::View => {
            format!("sql {} {}", step.action.materialization(), node::kind(&step.node))
        }
        Action::Seed => "seed file".to_owned(),
        Action::Snapshot => "snapshot".to_owned(),
        Action::Test => "test".to_owned(),
        Action::UnitTest => "unit_test".to_owned(),
        Action::Freshness => "freshness of".to_owned(),
    }
}

/// Describes the changes to a table's rows, and the rows kept out of it.
fn remark(
    changed: Option<&RowChanges>,
    rejected: Option<&Rejected>,
    quarantined: Option<&Quarantined>,
) -> Option<String> {
    let done = changed.and_then(amounts::changed);
    let parts: Vec<String> = done.into_iter().chain(amounts::taken_out(rejected, quarantined)).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn status_line(step: &Step, outcome: &Outcome) -> StatusLine {
    match outcome {
        Outcome::Published { rows, changed, rejected, quarantined, .. } => {
            let (tone, word) = match rejected {
                Some(_) => (Tone::Caution, "WARN"),
                None => (Tone::Good, "OK"),
            };
            let rows = changed.as_deref().map_or(*rows, RowChanges::total);
            let remark = remark(changed.as_deref(), rejected.as_ref(), quarantined.as_ref());
            let (status, verb) = match step.action {
                Action::Seed => (format!("INSERT {rows}"), "loaded"),
                _ => (format!("{word} {}", amounts::rows_of(rows)), "created"),
            };
            let lead = match step.action {
                Action::Snapshot => format!("{word} snapshotted"),
                _ => format!("{word} {verb} {}", words(step)),
            };
            StatusLine { tone, status, lead, remark }
        }
        Outcome::Unchanged { rows, changed, rejected, quarantined, .. } => {
            unchanged(step, *rows, changed.as_deref(), (rejected.as_ref(), quarantined.as_ref()))
        }
        Outcome::Partial(partial) => StatusLine {
            tone: Tone::Bad,
            status: amounts::batches(partial),
            lead: format!("PARTIAL SUCCESS creating {}", words(step)),
            remark: amounts::changed(&partial.changed),
        },
        Outcome::Reused { rejected } => {
            let taken_out = amounts::taken_out(rejected.as_ref(), None);
            let remark =
                Some(["up to date".to_owned()].into_iter().chain(taken_out).collect::<Vec<_>>().join("; "));
            let (tone, status) = match rejected {
                Some(_) => (Tone::Caution, "WARN".to_owned()),
                None => (Tone::Faint, "REUSED".to_owned()),
            };
            StatusLine { tone, status, lead: format!("REUSED {}", words(step)), remark }
        }
        Outcome::Checked => {
            let lead = format!("OK checked {}", words(step));
            StatusLine { tone: Tone::Good, status: "OK".to_owned(), lead, remark: None }
        }
        Outcome::Withheld(withheld) => StatusLine {
            tone: Tone::Bad,
            status: "WITHHELD".to_owned(),
            lead: format!("WITHHELD {}", words(step)),
            remark: Some(amounts::tests_failed(withheld)),
        },
        Outcome::Tested(verdict) => tested(verdict),
        Outcome::Aged(age) => aged(age),
        Outcome::Failed { .. } => {
            let lead = match step.action {
                Action::Table | Action::Incremental => format!("ERROR creating {}", words(step)),
                Action::View => format!("ERROR checking {}", words(step)),
                Action::Seed => format!("ERROR loading {}", words(step)),
                Action::Snapshot => "ERROR snapshotting".to_owned(),
                Action::Test | Action::UnitTest => "ERROR".to_owned(),
                Action::Freshness => "ERROR freshness of".to_owned(),
            };
            StatusLine { tone: Tone::Bad, status: "ERROR".to_owned(), lead, remark: None }
        }
    }
}

fn unchanged(
    step: &Step,
    rows: u64,
    changed: Option<&RowChanges>,
    (rejected, quarantined): (Option<&Rejected>, Option<&Quarantined>),
) -> StatusLine {
    let (tone, word) = match rejected {
        Some(_) => (Tone::Caution, "WARN"),
        None => (Tone::Good, "UNCHANGED"),
    };
    let status = format!("{word} {}", amounts::rows_of(rows));
    // Rows that came out unchanged aren't news, but removed files are.
    let files = changed.map(|changed| RowChanges { inserted: 0, updated: 0, deleted: 0, ..*changed });
    let remark = remark(files.as_ref(), rejected, quarantined);
    StatusLine { tone, status, lead: format!("UNCHANGED {}", words(step)), remark }
}

fn tested(verdict: &Verdict) -> StatusLine {
    let count = amounts::thousands(verdict.failures);
    let (tone, lead) = match verdict.status {
        TestStatus::Pass => (Tone::Good, "PASS".to_owned()),
        TestStatus::Warn => (Tone::Caution, format!("WARN {count}")),
        TestStatus::Fail => (Tone::Bad, format!("FAIL {count}")),
    };
    StatusLine { tone, status: lead.clone(), lead, remark: None }
}

fn aged(age: &SourceAge) -> StatusLine {
    let (tone, word) = match age.status {
        AgeStatus::Pass => (Tone::Good, "PASS"),
        AgeStatus::Warn => (Tone::Caution, "WARN"),
        AgeStatus::Error => (Tone::Bad, "ERROR STALE"),
    };
    let lead = format!("{word} freshness of");
    StatusLine { tone, status: word.to_owned(), lead, remark: Some(amounts::old(age)) }
}

fn why(because: &Skipped) -> String {
    match because {
        Skipped::Upstream { failed } => format!("{} failed", node::name(failed)),
        Skipped::FailFast => "another step failed (--fail-fast)".to_owned(),
        Skipped::Cancelled => "cancelled".to_owned(),
    }
}
