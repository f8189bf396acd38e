//! Terminal output of a diagnostic: rustc's layout, by rustc's own renderer.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Label, Severity};
use crate::{
    secret::concealed_source,
    text::{Source, Span, is_bidi},
};

/// The maximum size of a snippet in bytes. A longer one is split into the lines near each label.
const MOST: usize = 10_000;

/// Renders a diagnostic as text, with ANSI colours if `colour`.
#[must_use]
pub fn to_string(diagnostic: &Diagnostic, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(tame(&diagnostic.message)).id(diagnostic.code));
    let mut done: Vec<&Source> = Vec::new();
    for label in &diagnostic.labels {
        let source = &label.span.source;
        if done.contains(&source) {
            continue;
        }
        done.push(source);
        let labels = diagnostic.labels.iter().enumerate().filter(|(_, other)| other.span.source == *source);
        let cut = lines(source, labels.clone().map(|(_, other)| &other.span));
        if cut.len() <= MOST {
            group = group.element(snippet(source, &cut, labels).path(source.path()));
            continue;
        }
        // The labels are far apart, or on a very long line: show each location separately.
        for (index, label) in labels {
            let (line, column) = label.span.line_column();
            let around = narrow(source, &label.span);
            group = group
                .element(Origin::path(source.path()).line(line).char_column(column))
                .element(snippet(source, &around, std::iter::once((index, label))));
        }
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(tame(note)));
    }
    for hint in &diagnostic.hints {
        group = group.element(Level::HELP.message(tame(hint)));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// Returns a part of a source with the labels in it.
fn snippet<'a>(
    source: &Source,
    cut: &Range<usize>,
    labels: impl Iterator<Item = (usize, &'a Label)>,
) -> Snippet<'a, Annotation<'a>> {
    // Include the surrounding text, so that secrets in a truncated URL are still recognized.
    let wide = source.span(cut.start.saturating_sub(1_000)..cut.end.saturating_add(1_000)).range();
    let text = concealed_source(&source.text()[wide.clone()]);
    let text = &text[cut.start - wide.start..cut.end - wide.start];
    let mut snippet = Snippet::source(tame(text)).line_start(source.line_at(cut.start).0);
    for (index, label) in labels {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let range = label.span.range();
        let within = |at: usize| at.saturating_sub(cut.start).min(cut.len());
        let range = within(range.start)..within(range.end);
        snippet = snippet.annotation(kind.span(range).label(tame(&label.message)));
    }
    snippet
}

/// Returns the part of a long line to show: some text before a location, and its beginning.
fn narrow(source: &Source, span: &Span) -> Range<usize> {
    let line = lines(source, std::iter::once(span));
    let start = line.start.max(span.start.saturating_sub(100));
    let end = line.end.min(span.start.saturating_add(400)).max(start);
    source.span(start..end).range()
}

/// Replaces characters that control a terminal or the direction of text with others of the same byte length,
/// so that spans stay valid. The renderer replaces the ASCII control characters.
fn tame(text: &str) -> String {
    let one = |c: char| match c {
        '\u{80}'..='\u{9f}' | '\u{61c}' => '·',
        c if is_bidi(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(one).collect()
}

/// Returns the range of whole lines that contain the spans. Only these go to the renderer, which scans all of
/// its input: for many diagnostics in a long file that would be quadratic.
fn lines<'a>(source: &Source, spans: impl Iterator<Item = &'a Span>) -> Range<usize> {
    let text = source.text();
    let (mut start, mut end) = (text.len(), 0);
    for span in spans {
        start = start.min(span.range().start);
        end = end.max(span.range().end);
    }
    // A location behind the last newline belongs to the last line.
    let start = source.line_at(start.min(text.trim_end_matches('\n').len())).1;
    start..source.line_end(end.max(start).min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_with_two_places() {
        let source = Source::new("models/a.sql", "select *\nfrom {{ ref('stg_reading') }}\n");
        let yaml = Source::new("models/schema.yml", "models:\n  - name: a\n");
        let finding = Diagnostic::error("unknown-ref", "no model is called `stg_reading`")
            .at(source.span(22..35), "not found")
            .at(yaml.span(20..21), "described here")
            .near("stg_reading", ["stg_readings"]);
        insta::assert_snapshot!(to_string(&finding, false));
    }

    #[test]
    fn long_lines_are_cut_around_their_places() {
        let text = format!("a\nb{}[wrong{}\n", "é".repeat(100_000), "x".repeat(100_000));
        let source = Source::new("m.sql", text);
        let finding = Diagnostic::error("x", "no")
            .at(source.span(200_003..300_000), "here")
            .at(source.span(0..1), "and");
        let shown = to_string(&finding, false);
        assert!(shown.len() < 4_000, "{}", shown.len());
        assert!(
            shown.contains("m.sql:2:100002") && shown.contains("[wrong") && shown.contains("here"),
            "{shown}"
        );
        assert!(shown.contains("m.sql:1:1") && shown.contains("and"), "{shown}");
        let source = Source::new(
            "m.sql",
            format!("{}https://me:{}@host/ wrong", "x".repeat(20_000), "hush".repeat(30)),
        );
        let at = source.text().len() - 5;
        let shown = to_string(&Diagnostic::error("x", "no").at(source.span(at..at + 5), ""), false);
        assert!(shown.contains("wrong") && !shown.contains("hush"), "{shown}");
    }
}
