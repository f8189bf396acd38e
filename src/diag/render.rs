//! A finding as a terminal shows it: rustc's layout, by rustc's own renderer.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity};

/// The finding as lines of text, with ANSI colours if `colour`.
#[must_use]
pub fn to_string(diagnostic: &Diagnostic, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.code));
    let mut done: Vec<&crate::text::Source> = Vec::new();
    for label in &diagnostic.labels {
        if done.contains(&&label.span.source) {
            continue;
        }
        done.push(&label.span.source);
        let mut snippet = Snippet::source(label.span.source.text()).path(label.span.source.path());
        for (index, other) in diagnostic.labels.iter().enumerate() {
            if other.span.source == label.span.source {
                let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                snippet = snippet.annotation(kind.span(other.span.range()).label(&other.message));
            }
        }
        group = group.element(snippet);
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note));
    }
    for hint in &diagnostic.hints {
        group = group.element(Level::HELP.message(hint));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
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
