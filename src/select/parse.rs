//! Parser of the selection language: spaces mean union; commas mean intersection and bind tighter.

use super::{criterion::Criterion, expr::Expr};
use crate::{
    diag::Diagnostic,
    text::{Source, Span},
};

/// Parses an expression and collects its errors. Invalid parts are left out, so that the rest is still
/// checked.
pub(super) fn parse(source: &Source) -> (Expr<Criterion>, Vec<Diagnostic>) {
    let mut errors = Vec::new();
    let mut union = Vec::new();
    for word in split(&source.span(0..source.text().len()), char::is_whitespace) {
        if word.text().is_empty() {
            continue;
        }
        let parts = split(&word, |c| c == ',');
        errors.extend(parts.iter().find(|part| part.text().is_empty()).map(|gap| lone_comma(gap, &word)));
        let mut criteria = Vec::new();
        for part in parts.iter().filter(|part| !part.text().is_empty()) {
            match Criterion::parse(source, part.range()) {
                Ok(criterion) => criteria.push(Expr::Criterion(criterion)),
                Err(error) => errors.push(error),
            }
        }
        union.push(Expr::Intersection(criteria));
    }
    (Expr::Union(union), errors)
}

fn lone_comma(gap: &Span, word: &Span) -> Diagnostic {
    let comma = if gap.start > word.start { gap.start - 1 } else { gap.end };
    Diagnostic::error("empty-criterion", "a comma must stand between two criteria")
        .at(gap.source.span(comma..comma + 1), "nothing on one side of it")
        .hint("write an intersection without blanks: `tag:nightly,stg_*`")
}

/// Splits a span at separators, and keeps empty parts.
fn split(whole: &Span, separator: impl Fn(char) -> bool) -> Vec<Span> {
    let mut start = whole.start;
    let ends = whole.text().match_indices(separator).map(|(at, text)| (whole.start + at, text.len()));
    ends.chain([(whole.end, 0)])
        .map(|(end, width)| {
            let part = whole.source.span(start..end);
            start = end + width;
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::select::criterion::{GraphOperators, OperatorDepth};

    /// Formats the parts of a criterion: parents, method, value and children, separated by bars.
    fn shown(criterion: &Criterion) -> String {
        let depth = |depth: Option<OperatorDepth>| match depth.map(OperatorDepth::limit) {
            None => String::new(),
            Some(None) => "+".to_owned(),
            Some(Some(steps)) => steps.to_string(),
        };
        let (parents, children) = match criterion.reach {
            GraphOperators::Around => ("@".to_owned(), String::new()),
            GraphOperators::Lines { parents, children } => (depth(parents), depth(children)),
        };
        let method = criterion.method.as_ref().map_or("", |method| method.span.text());
        assert_eq!(criterion.value.value, criterion.value.span.text());
        format!("{parents}|{method}|{}|{children}", criterion.value.value)
    }

    fn check(text: &str, expect: &str) {
        let (Expr::Union(union), errors) = parse(&Source::new("--select", text)) else { panic!("no union") };
        let words: Vec<String> = union
            .iter()
            .map(|word| match word {
                Expr::Intersection(parts) => {
                    let parts = parts.iter().map(|part| match part {
                        Expr::Criterion(criterion) => shown(criterion),
                        other => panic!("{other:?}"),
                    });
                    parts.collect::<Vec<_>>().join(" and ")
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let mut found = words.join(" or ");
        for error in errors {
            found = format!("{found} !{}", error.labels[0].span.text());
        }
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn a_criterion_has_four_parts() {
        check("a", "||a|");
        check("+a", "+||a|");
        check("2+a+10", "2||a|10");
        check("a+", "||a|+");
        check("@a", "@||a|");
        check("@2+a", "@||a|");
        check("3+tag:x+", "3|tag|x|+");
        check("config.meta.a:é:b", "|config.meta.a|é:b|");
        check("99999999999999999999+a", &format!("{}||a|", usize::MAX));
    }

    #[test]
    fn what_looks_like_a_part_may_belong_to_the_value() {
        check("a+b", "||a+b|");
        check("a+1b", "||a+1b|");
        check("2a", "||2a|");
        check("a++", "||a+|+");
        check("++a", "+||+a|");
        check("a@b", "||a@b|");
        check("*:a", "||*:a|");
        check(":a", "||:a|");
    }

    #[test]
    fn a_blank_is_union_and_a_comma_intersection() {
        check(" a  b,c\td ", "||a| or ||b| and ||c| or ||d|");
        check("", "");
    }

    #[test]
    fn errors_do_not_hide_each_other() {
        check("a, + tag: @b+ c", "||a| or  or  or  or ||c| !, !+ !tag: !+");
        check(",,", " !,");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            parse(&Source::new("--select", text));
        }
    }
}
