//! How each message reads: dbt's lines, the brackets of the status lines under one another.

use std::collections::BTreeMap;

use crate::{
    outcome::{Outcome, Rejected, Skipped},
    plan::{Action, Step},
};

use super::{
    Counts, Failure, SetAside,
    line::{Line, Tone},
    message::{Message, Place},
    node,
    width::{columns, pad, printable, shorten},
};

/// Where a status line's bracket starts, as dbt's `printer_width`.
pub(super) const PRINTER_WIDTH: usize = 80;

/// The columns a bracket and the gap after it take, so that the remarks stand under one another too.
const BRACKET: usize = 29;

/// A name is not shortened below this, however narrow the line.
const NAME: usize = 12;

/// Which of dbt's lines are worded how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wording {
    /// Columns before the bracket.
    pub(super) width: usize,
    /// Whether the line that ends a step says why it ran; otherwise the one that starts it does.
    pub(super) reason_at_end: bool,
}

impl Wording {
    /// The message's lines; a blank one is one empty line.
    pub(super) fn lines(self, message: &Message) -> Vec<Line> {
        match message {
            Message::Version => {
                vec![Line::plain(concat!("Running with headwater=", env!("CARGO_PKG_VERSION")))]
            }
            Message::Found(info) => vec![Line::plain(format!("Found {}", list(&info.found)))],
            Message::Concurrency(info) => vec![Line::plain(format!(
                "Concurrency: {} (target='{}')",
                node::count(info.threads, "thread"),
                info.target
            ))],
            Message::NothingToDo => {
                vec![Line::new(Tone::Caution, "Nothing to do: no node that is selected has to be built.")]
            }
            Message::Blank => vec![Line::default()],
            Message::Started(place) => {
                let remark = (!self.reason_at_end).then(|| place.step.reason.to_string());
                vec![self.status(place, "START sql", (Tone::Plain, "RUN".to_owned()), remark)]
            }
            Message::Finished { place, outcome, seconds } => vec![self.finished(place, outcome, *seconds)],
            Message::Skipped { place, because } => {
                vec![self.status(place, "SKIP", (Tone::Caution, "SKIP".to_owned()), Some(why(because)))]
            }
            Message::Cancelling => {
                vec![Line::new(Tone::Caution, "CANCEL requested: the steps that run now are being stopped")]
            }
            Message::Ran { kinds, seconds } => vec![ran(kinds, *seconds)],
            Message::Summary { counts, cancelled } => vec![summary(*counts, *cancelled)],
            Message::Failed { failure, path } => failed(failure, path.as_deref()),
            Message::SetAside { set_aside, path } => aside(set_aside, path.as_deref()),
            Message::Totals(counts) => vec![totals(*counts)],
            Message::Completed { command, success, seconds } => vec![Line::plain(format!(
                "Command `{command}` {} after {seconds:.2} seconds",
                if *success { "succeeded" } else { "failed" }
            ))],
        }
    }

    fn finished(self, place: &Place, outcome: &Outcome, seconds: f64) -> Line {
        let doing = match place.step.action {
            Action::Table => ("created", "creating"),
            Action::View => ("checked", "checking"),
            Action::Test | Action::UnitTest | Action::Freshness => ("tested", "testing"),
        };
        let reason = self.reason_at_end.then(|| place.step.reason.to_string());
        match outcome {
            Outcome::Published { rows, rejected, .. } => {
                let (tone, word) = match rejected {
                    Some(_) => (Tone::Caution, "WARN"),
                    None => (Tone::Good, "OK"),
                };
                let status = format!("{word} {} in {seconds:.2}s", rows_of(*rows));
                let remark = rejected.as_ref().map(|it| format!("{} set aside", extent(it))).or(reason);
                self.status(place, &format!("{word} {} sql", doing.0), (tone, status), remark)
            }
            Outcome::Checked => {
                let status = (Tone::Good, format!("OK in {seconds:.2}s"));
                self.status(place, &format!("OK {} sql", doing.0), status, reason)
            }
            Outcome::Tested(_) | Outcome::Aged(_) => {
                let status = (Tone::Good, format!("PASS in {seconds:.2}s"));
                self.status(place, "PASS", status, reason)
            }
            Outcome::Withheld(_) | Outcome::Failed { .. } => {
                let status = (Tone::Bad, format!("ERROR in {seconds:.2}s"));
                self.status(place, &format!("ERROR {} sql", doing.1), status, reason)
            }
        }
    }

    /// `3 of 9 OK created sql table model staging.x ........ [OK in 0.12s]  first build`
    fn status(self, place: &Place, verb: &str, status: (Tone, String), remark: Option<String>) -> Line {
        let Place { step, index, total } = place;
        let lead = match verb {
            "SKIP" => format!("{index} of {total} SKIP relation "),
            _ => format!("{index} of {total} {verb} {} ", description(step)),
        };
        let room = self.width.saturating_sub(columns(&lead) + 1).max(NAME);
        let name = printable(&step.name);
        let before = pad(&format!("{lead}{} ", shorten(&name, room)), self.width, ".");
        let (tone, status) = status;
        let gap = BRACKET.saturating_sub(columns(&status) + 2).max(1);
        let line = Line::plain(format!("{before} [")).and(tone, status).and(Tone::Plain, "]");
        match remark {
            Some(remark) => line.and(Tone::Faint, format!("{}{remark}", " ".repeat(gap))),
            None => line,
        }
    }
}

/// `table model`.
fn description(step: &Step) -> String {
    format!("{} {}", step.action.materialization(), node::kind(&step.node))
}

fn why(because: &Skipped) -> String {
    match because {
        Skipped::Upstream { failed } => format!("{} failed", node::name(failed)),
        Skipped::FailFast => "another step failed (--fail-fast)".to_owned(),
        Skipped::Cancelled => "cancelled".to_owned(),
    }
}

fn ran(kinds: &BTreeMap<String, usize>, seconds: f64) -> Line {
    let hours = (seconds / 3600.0).floor();
    let minutes = (seconds / 60.0).floor() - hours * 60.0;
    let rest = (seconds - hours * 3600.0 - minutes * 60.0).max(0.0);
    Line::plain(format!(
        "Finished running {} in {hours:.0} hours {minutes:.0} minutes and {rest:.2} seconds ({seconds:.2}s).",
        list(kinds)
    ))
}

fn summary(counts: Counts, cancelled: bool) -> Line {
    let errors = node::count(counts.error, "error");
    let warnings = node::count(counts.warn, "warning");
    let (tone, troubles) = match counts {
        Counts { error: 1.., .. } => {
            (Tone::Bad, format!(" with {errors}, 0 partial successes, and {warnings}:"))
        }
        Counts { warn: 1.., .. } => (Tone::Caution, format!(" with {warnings}:")),
        Counts { skip: 1.., .. } => {
            (Tone::Caution, format!(" with {} skipped", node::count(counts.skip, "step")))
        }
        _ if cancelled => (Tone::Caution, String::new()),
        _ => (Tone::Good, " successfully".to_owned()),
    };
    let verb = if cancelled { "Cancelled" } else { "Completed" };
    let tone = if cancelled && tone == Tone::Good { Tone::Caution } else { tone };
    Line::new(tone, format!("{verb}{troubles}"))
}

fn failed(failure: &Failure, path: Option<&str>) -> Vec<Line> {
    let mut lines = vec![Line::new(Tone::Bad, "[ERROR]").and(Tone::Plain, subject(&failure.step, path))];
    lines.extend(printable(failure.message.trim_end()).lines().map(indented));
    if let Some(compiled) = &failure.compiled {
        lines.push(Line::default());
        lines.push(indented(&format!("compiled code at {compiled}")));
    }
    lines
}

fn aside(SetAside { step, rejected }: &SetAside, path: Option<&str>) -> Vec<Line> {
    let table = &rejected.relation;
    let mut lines = vec![
        Line::new(Tone::Caution, "[WARNING]").and(Tone::Plain, subject(step, path)),
        indented(&format!("{} of {} set aside in {table}", extent(rejected), step.name)),
    ];
    lines.extend(rejected.sample.iter().flat_map(|sample| {
        printable(sample).lines().map(|line| indented(&format!("  {line}"))).collect::<Vec<_>>()
    }));
    lines.push(indented(&format!("to see them: headwater show --inline \"select * from {table}\"")));
    lines
}

/// `: in model x (models/x.sql)`
fn subject(step: &Step, path: Option<&str>) -> String {
    let path = path.map(|path| format!(" ({path})")).unwrap_or_default();
    printable(&format!(": in {} {}{path}", node::kind(&step.node), node::name(&step.node)))
}

fn indented(text: &str) -> Line {
    if text.trim().is_empty() { Line::default() } else { Line::plain(format!("  {text}")) }
}

fn totals(counts: Counts) -> Line {
    let Counts { pass, warn, error, skip } = counts;
    let total = counts.total();
    Line::plain(format!(
        "Done. PASS={pass} WARN={warn} ERROR={error} SKIP={skip} NO-OP=0 REUSED=0 TOTAL={total}"
    ))
}

/// `3 rows and 2 files`; what there is none of is left out.
fn extent(rejected: &Rejected) -> String {
    let files = match rejected.files {
        1 => "1 file".to_owned(),
        files => format!("{} files", thousands(files)),
    };
    match (rejected.rows, rejected.files) {
        (rows, 0) => rows_of(rows),
        (0, _) => files,
        (rows, _) => format!("{} and {files}", rows_of(rows)),
    }
}

fn rows_of(rows: u64) -> String {
    match rows {
        1 => "1 row".to_owned(),
        _ => format!("{} rows", thousands(rows)),
    }
}

/// `1,440`.
pub(super) fn thousands(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// `9 models, 4 sources`.
fn list<Noun: AsRef<str>>(counts: &BTreeMap<Noun, usize>) -> String {
    counts.iter().map(|(noun, number)| node::count(*number, noun.as_ref())).collect::<Vec<_>>().join(", ")
}
