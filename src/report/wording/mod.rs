//! The text of each message, in dbt's style.
//!
//! - [`status`]: a step's lines during the run, with aligned brackets
//! - [`block`]: the details of each problem at the end
//! - [`mod@row_table`]: sample rows as aligned lines
//! - [`amounts`]: numbers of rows and files, and ages, in words

mod amounts;
mod block;
mod row_table;
mod status;

use std::collections::BTreeMap;

use crate::outcome::Repaired;

use super::{
    StepCounts,
    line::{Line, Tone},
    message::Message,
    node,
};

pub(super) use self::{
    amounts::{batches, rows_of, withheld},
    block::DIFFERS,
    row_table::lines as row_table,
    status::what,
};

/// The column at which a status line's bracket starts, as dbt's `printer_width`.
pub(super) const PRINTER_WIDTH: usize = 80;

/// Settings for the wording of dbt's lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wording {
    /// The number of columns before the bracket.
    pub(super) width: usize,
    /// Whether a step's last line gives the reason it ran; otherwise its first line does.
    pub(super) reason_at_end: bool,
}

impl Wording {
    /// Renders the message. A blank message is one empty line.
    pub(super) fn lines(self, message: &Message) -> Vec<Line> {
        match message {
            Message::Version => {
                vec![Line::plain(concat!("Running with headwater=", env!("CARGO_PKG_VERSION")))]
            }
            Message::Found(info) => {
                vec![Line::plain(format!("Found {}", list(&info.found)))]
            }
            Message::Repaired(Repaired { run, files }) => vec![Line::plain(format!(
                "Removed {} that run {run} left behind when it was killed",
                node::count(*files, "file")
            ))],
            Message::Concurrency(info) => vec![Line::plain(format!(
                "Concurrency: {} (target='{}')",
                node::count(info.threads, "thread"),
                info.target
            ))],
            Message::NothingToDo => {
                vec![Line::new(Tone::Caution, "Nothing to do: no node that is selected has to be built.")]
            }
            Message::Blank => vec![Line::default()],
            Message::Started(position) => vec![self.started(position)],
            Message::Moved { table, to, why, .. } => {
                let text = format!("Moved the files of {table} to {to}: {why}");
                vec![Line::new(Tone::Caution, text)]
            }
            Message::ClockWentBack { step, clock, newest } => {
                let table = step.relation.as_ref().map_or_else(|| step.name.clone(), ToString::to_string);
                let [clock, newest] = [clock, newest].map(|time| time.format("%Y-%m-%d %H:%M:%S"));
                let text = format!(
                    "The clock went back: it is set to {clock}, before the newest time in {table} ({newest}), after which \
                     the new version is dated; set the clock"
                );
                vec![Line::new(Tone::Caution, text)]
            }
            Message::Finished { position, outcome, seconds } => {
                vec![self.finished(position, outcome, *seconds)]
            }
            Message::Skipped { position, because } => vec![self.skipped(position, because)],
            Message::Cancelling => {
                vec![Line::new(Tone::Caution, "CANCEL requested: the steps that run now are being stopped")]
            }
            Message::Ran { kinds, seconds } => vec![ran(kinds, *seconds)],
            Message::Summary { counts, cancelled, next } => {
                let next = next.map(|command| {
                    let text = format!(
                        "  note: readers see the last version of each table that was not published\n  \
                         help: run `{command}` to run the remaining steps"
                    );
                    text.lines().map(|line| Line::new(Tone::Caution, line)).collect::<Vec<_>>()
                });
                std::iter::once(summary(*counts, *cancelled)).chain(next.into_iter().flatten()).collect()
            }
            Message::Problem(block) => block::lines(block),
            Message::Totals(counts) => vec![totals(*counts)],
            Message::Completed { command, success, seconds } => vec![Line::plain(format!(
                "Command `{command}` {} after {seconds:.2} seconds",
                if *success { "succeeded" } else { "failed" }
            ))],
        }
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

fn summary(counts: StepCounts, cancelled: bool) -> Line {
    let errors = node::count(counts.error - counts.partial, "error");
    let partial = match counts.partial {
        1 => "1 partial success".to_owned(),
        many => format!("{many} partial successes"),
    };
    let warnings = node::count(counts.warn, "warning");
    let (tone, troubles) = match counts {
        StepCounts { error: 1.., .. } => (Tone::Bad, format!(" with {errors}, {partial}, and {warnings}:")),
        StepCounts { warn: 1.., .. } => (Tone::Caution, format!(" with {warnings}:")),
        StepCounts { skip: 1.., .. } => {
            (Tone::Caution, format!(" with {} skipped", node::count(counts.skip, "step")))
        }
        _ if cancelled => (Tone::Caution, String::new()),
        _ => (Tone::Good, " successfully".to_owned()),
    };
    let verb = if cancelled { "Cancelled" } else { "Completed" };
    let tone = if cancelled && tone == Tone::Good { Tone::Caution } else { tone };
    Line::new(tone, format!("{verb}{troubles}"))
}

fn totals(counts: StepCounts) -> Line {
    let StepCounts { pass, warn, error, skip, reused, .. } = counts;
    let total = counts.total();
    Line::plain(format!(
        "Done. PASS={pass} WARN={warn} ERROR={error} SKIP={skip} NO-OP=0 REUSED={reused} TOTAL={total}"
    ))
}

/// `9 models, 4 sources, 30 data tests`: models first, tests last.
fn list<Noun: AsRef<str>>(counts: &BTreeMap<Noun, usize>) -> String {
    let mut counts: Vec<_> = counts.iter().map(|(noun, number)| (noun.as_ref(), *number)).collect();
    counts.sort_by_key(|(noun, _)| match *noun {
        noun if noun.ends_with("model") => 0,
        noun if noun.ends_with("test") => 2,
        _ => 1,
    });
    counts.into_iter().map(|(noun, number)| node::count(number, noun)).collect::<Vec<_>>().join(", ")
}
