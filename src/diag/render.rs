//! A finding as a terminal shows it: rustc's layout, by rustc's own renderer.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity};
use crate::{
    secret::concealed,
    text::{Span, is_bidi},
};

/// The finding as lines of text, with ANSI colours if `colour`.
#[must_use]
pub fn to_string(diagnostic: &Diagnostic, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(tame(&diagnostic.message)).id(diagnostic.code));
    let mut done: Vec<&crate::text::Source> = Vec::new();
    for label in &diagnostic.labels {
        if done.contains(&&label.span.source) {
            continue;
        }
        done.push(&label.span.source);
        let text = label.span.source.text();
        let cut = lines(
            text,
            diagnostic.labels.iter().map(|other| &other.span).filter(|span| span.source == label.span.source),
        );
        let mut snippet = Snippet::source(tame(&concealed(&text[cut.clone()])))
            .line_start(text[..cut.start].matches('\n').count() + 1)
            .path(label.span.source.path());
        for (index, other) in diagnostic.labels.iter().enumerate() {
            if other.span.source == label.span.source {
                let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let range = other.span.range();
                let within = |at: usize| at.saturating_sub(cut.start).min(cut.len());
                let range = within(range.start)..within(range.end);
                snippet = snippet.annotation(kind.span(range).label(tame(&other.message)));
            }
        }
        group = group.element(snippet);
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

/// Replaces characters that control a terminal or the direction of text by others of the same length in bytes, so
/// that spans stay valid. The renderer replaces the ASCII control characters.
fn tame(text: &str) -> String {
    let one = |c: char| match c {
        '\u{80}'..='\u{9f}' | '\u{61c}' => '·',
        c if is_bidi(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(one).collect()
}

/// The range of whole lines that the spans are in. Only these are given to the renderer, which reads all that it is
/// given: for many findings in a long file that would be quadratic.
fn lines<'a>(text: &str, spans: impl Iterator<Item = &'a Span>) -> Range<usize> {
    let (mut start, mut end) = (text.len(), 0);
    for span in spans {
        start = start.min(span.range().start);
        end = end.max(span.range().end);
    }
    // A place behind the last line end is on that line.
    let start = text[..start.min(text.trim_end_matches('\n').len())].rfind('\n').map_or(0, |at| at + 1);
    let end = end.max(start).min(text.len());
    start..text[end..].find('\n').map_or(text.len(), |at| end + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Source;

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
}
