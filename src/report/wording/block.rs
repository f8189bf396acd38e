//! The details of each problem at the end of a run: where and what it is, sample rows, and where to look
//! next.
//!
//! ```text
//! [ERROR]: in model stg_readings (models/staging/stg_readings.sql)
//!   withheld: 1 of its 9 tests failed; 1,440 rows were not published; version 3 is still current
//!
//!   FAIL not_null_stg_readings_id: got 3 results, configured to fail if != 0
//!        id  consumption
//!        ──  ───────────
//!        ·           1.5
//! ```

use crate::{
    name::Relation,
    outcome::{Outcome, Partial, Rejected, SourceAge, Verdict, Withheld},
    plan::Step,
};

use super::{
    super::{
        StepProblem,
        level::{self, Level},
        line::{Line, Tone},
        node,
        problem::ProblemBlock,
        width::printable,
    },
    amounts, row_table,
};

/// The heading above the rows in which a unit test's actual and expected results differ.
pub(in crate::report) const DIFFERS: &str = "actual differs from expected:";

/// The indentation of a block below its first line, in columns.
const INDENT: usize = 2;

/// The details of a problem.
#[derive(Default)]
struct Finding {
    /// The description of the problem, one element per line.
    messages: Vec<String>,
    /// Sample rows.
    rows: Vec<Line>,
    /// Suggestions where to look next.
    pointers: Vec<String>,
}

/// Renders a block.
pub(super) fn lines(block: &ProblemBlock) -> Vec<Line> {
    let Finding { messages, rows, pointers } = finding(block);
    let mut lines = vec![subject(block)];
    lines.extend(messages.into_iter().map(|text| Line::plain(text).indented(INDENT)));
    // An error's own text can end in anything; rows are already set apart by their layout.
    let is_path_next = matches!(block.problem.outcome, Outcome::Failed { .. } | Outcome::Tested(_));
    if rows.is_empty() && !pointers.is_empty() && is_path_next {
        lines.push(Line::default());
    }
    lines.extend(rows.into_iter().map(|row| row.indented(2 * INDENT)));
    lines.extend(pointers.into_iter().map(|text| Line::plain(text).indented(INDENT)));
    lines.extend(block.tests.iter().flat_map(beneath));
    lines
}

/// `[ERROR]: in model x (models/x.sql)`
fn subject(block: &ProblemBlock) -> Line {
    let step = &block.problem.step;
    let (tone, mark) = match level::of(&block.problem.outcome) {
        Level::Error => (Tone::Bad, "[ERROR]"),
        _ => (Tone::Caution, "[WARNING]"),
    };
    let path = block.path.as_ref().map(|path| format!(" ({path})")).unwrap_or_default();
    let kind = node::kind(&step.node).replace('_', " ");
    Line::new(tone, mark).and(Tone::Plain, printable(&format!(": in {kind} {}{path}", node::label(step))))
}

fn finding(block: &ProblemBlock) -> Finding {
    let step = &block.problem.step;
    let mut finding = match &block.problem.outcome {
        Outcome::Withheld(it) => withheld(it, step, block),
        Outcome::Tested(verdict) => tested(verdict),
        Outcome::Failed { message, compiled } => failed(message, compiled.as_deref()),
        Outcome::Aged(age) => aged(age),
        Outcome::Partial(partial) => batches(partial),
        Outcome::Published { rejected: Some(rejected), .. }
        | Outcome::Unchanged { rejected: Some(rejected), .. }
        | Outcome::Reused { rejected: Some(rejected) } => set_aside(rejected, step),
        Outcome::Published { .. } | Outcome::Unchanged { .. } | Outcome::Reused { .. } | Outcome::Checked => {
            Finding::default()
        }
    };
    if block.skipped > 0 {
        let skipped = match block.skipped {
            1 => "1 step that depends on it was skipped".to_owned(),
            steps => format!("{steps} steps that depend on it were skipped"),
        };
        // A withheld version has no pointers of its own; its tests do.
        let last = if block.tests.is_empty() { &mut finding.pointers } else { &mut finding.messages };
        last.push(skipped);
    }
    finding
}

/// The maximum number of failed batches to list.
const BATCHES: usize = 5;

fn batches(partial: &Partial) -> Finding {
    let total = partial.done.len() + partial.failed.len();
    let mut messages = vec![format!(
        "{} of {total} batches failed; the others are published in version {}, and these are made again by the next run",
        partial.failed.len(),
        partial.version
    )];
    messages.extend(
        partial.failed.iter().take(BATCHES).map(|failed| format!("{}: {}", failed.batch, failed.message)),
    );
    let more = partial.failed.len().saturating_sub(BATCHES);
    messages.extend((more > 0).then(|| format!("and {more} more")));
    Finding { messages, ..Finding::default() }
}

fn withheld(withheld: &Withheld, step: &Step, block: &ProblemBlock) -> Finding {
    let total = block.gates.max(withheld.tests.len());
    let of_its_tests = |number| match total {
        1 => "its only test".to_owned(),
        _ => format!("{number} of its {total} tests"),
    };
    let broken = block.tests.iter().filter(|test| matches!(test.outcome, Outcome::Failed { .. })).count();
    let tests = match (withheld.tests.len().saturating_sub(broken), broken) {
        (failed, 0) => format!("{} failed", of_its_tests(failed)),
        (0, broken) => format!("{} could not be run", of_its_tests(broken)),
        (failed, broken) => format!("{} failed, {broken} could not be run", of_its_tests(failed)),
    };
    let mut messages = vec![format!("withheld: {tests}; {}", amounts::unpublished(withheld))];
    if withheld.kept.is_some() {
        messages.push(format!("its rows: headwater show --staged -s {}", node::name(&step.node)));
    }
    Finding { messages, ..Finding::default() }
}

/// Renders a failed test below the model it withheld: the first line follows the name, the rest goes below
/// it.
fn beneath(StepProblem { step, outcome }: &StepProblem) -> Vec<Line> {
    let (word, finding) = match outcome {
        Outcome::Tested(verdict) => {
            let mut finding = tested(verdict);
            finding.messages.iter_mut().take(1).for_each(|text| *text = uncapitalised(text));
            ("FAIL", finding)
        }
        Outcome::Failed { message, compiled } => ("ERROR", failed(message, compiled.as_deref())),
        _ => ("ERROR", Finding::default()),
    };
    let Finding { messages, rows, pointers } = finding;
    let mut messages = messages.into_iter();
    let first = messages.next().map(|text| format!(": {text}")).unwrap_or_default();
    let head = Line::new(Tone::Bad, word).and(Tone::Plain, format!(" {}{first}", printable(&step.name)));
    let rest = messages.map(Line::plain).chain(rows).chain(pointers.into_iter().map(Line::plain));
    let mut lines = vec![Line::default(), head.indented(INDENT)];
    lines.extend(rest.map(|line| line.indented(INDENT + word.len() + 1)));
    lines
}

fn tested(verdict: &Verdict) -> Finding {
    let sample = verdict.sample.as_deref();
    let is_diff = sample.is_some_and(|sample| sample.differences.is_some());
    let messages = match &verdict.message {
        _ if is_diff => vec![DIFFERS.to_owned()],
        Some(message) => spelt(message),
        None => Vec::new(),
    };
    let sample = sample.map(row_table::lines).unwrap_or_default();
    let sample = sample.iter().flat_map(|text| spelt(text));
    let rows = sample.map(|row| if is_diff { compared(&row) } else { Line::plain(row) }).collect();
    let mut pointers = compiled(verdict.compiled.as_deref());
    pointers.extend(verdict.stored.as_ref().map(|table| format!("to see them: {}", show(table))));
    Finding { messages, rows, pointers }
}

/// Renders a row of a comparison with its mark in colour.
fn compared(row: &str) -> Line {
    let tone = match row.chars().next() {
        Some('-') => Tone::Bad,
        Some('+') => Tone::Good,
        Some('≠') => Tone::Caution,
        _ => return Line::plain(row),
    };
    let (mark, rest) = row.split_at(row.chars().next().map_or(0, char::len_utf8));
    Line::new(tone, mark).and(Tone::Plain, rest)
}

fn failed(message: &str, path: Option<&str>) -> Finding {
    Finding { messages: spelt(message), rows: Vec::new(), pointers: compiled(path) }
}

fn aged(age: &SourceAge) -> Finding {
    let newest = age.max_loaded_at.format("%Y-%m-%d %H:%M:%S UTC");
    let limits = amounts::limits(age).map(|limits| format!("; configured to {limits}")).unwrap_or_default();
    let messages = vec![format!("{}: last loaded at {newest}{limits}", amounts::old(age))];
    Finding { messages, ..Finding::default() }
}

fn set_aside(rejected: &Rejected, step: &Step) -> Finding {
    let table = &rejected.relation;
    let mut messages: Vec<String> = rejected.notes.iter().flat_map(|text| spelt(text)).collect();
    if rejected.rows + rejected.files == 0 {
        return Finding { messages, ..Finding::default() };
    }
    messages.push(format!("{} of {} set aside in {table}", amounts::extent(rejected), printable(&step.name)));
    let rows = rejected.sample.iter().flat_map(|text| spelt(text)).map(Line::plain).collect();
    let mut pointers = vec![format!("to see them: {}", show(table))];
    let accept = |source: &String| format!("if that is as it should be: headwater source accept {source}");
    pointers.extend(rejected.sources.iter().map(accept).map(|text| printable(&text)));
    Finding { messages, rows, pointers }
}

fn compiled(path: Option<&str>) -> Vec<String> {
    path.map(|path| format!("compiled code at {}", printable(path))).into_iter().collect()
}

/// Returns a command that shows a table's rows, ready to paste into a shell.
fn show(table: &Relation) -> String {
    let is_plain = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let command = if is_plain(&table.schema) && is_plain(&table.name) {
        format!("headwater show --inline \"select * from {table}\"")
    } else {
        format!("headwater show --inline 'select * from {}'", table.quoted().replace('\'', r"'\''"))
    };
    printable(&command)
}

/// Splits text into lines and escapes control characters.
fn spelt(text: &str) -> Vec<String> {
    printable(text.trim_end()).lines().map(str::to_owned).collect()
}

/// Lower-cases the first letter for use after a colon (`Got 3 results`), but leaves acronyms alone (`JSON
/// error`).
fn uncapitalised(text: &str) -> String {
    let mut rest = text.chars();
    match (rest.next(), rest.as_str().chars().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(rest).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_whatever_the_table_is_called() {
        let shown = [("raw", "a_1"), ("raw", "Öl's"), ("1st", "x")].map(|(s, n)| show(&Relation::new(s, n)));
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn only_words_lose_their_capital() {
        let shown = ["Got 3 results", "JSON error", "A", ""].map(uncapitalised);
        assert_eq!(shown, ["got 3 results", "JSON error", "A", ""]);
    }
}
