//! Supported expressions: all of them for a test, but only those whose longest match is the first one if the
//! match is returned.
//!
//! A repetition or alternation is decided by the next character alone if its possible first characters are
//! disjoint from those that may follow it. Then there is only one way to match, and both rules find it. If
//! only parts of fixed length follow, a repeated character may also occur in them: the most repetitions make
//! the longest match.

use std::ops::Deref;

use regex::{Regex, RegexBuilder};

pub(in crate::engine::function::postgres) use super::parse::PatternFault;
use super::parse::{PatternNode, Set, parse, refuse};

/// The use of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatternUse {
    /// To check whether it matches.
    Test,
    /// To find the first match.
    First,
    /// To find all matches.
    All,
    /// SIMILAR TO.
    Similar,
}

/// A compiled expression.
#[derive(Debug)]
pub(super) struct AdvancedPattern(Regex);

impl Deref for AdvancedPattern {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        &self.0
    }
}

/// Compiles an expression for a use.
pub(super) fn compile(pattern: &str, flags: &str, to: PatternUse) -> Result<AdvancedPattern, PatternFault> {
    let mut any_case = false;
    for flag in flags.chars() {
        match flag {
            'i' => any_case = true,
            'c' => any_case = false,
            other => {
                return refuse(format!("the option `{other}` is not read"), "use the options g and i");
            }
        }
    }
    let text = if to == PatternUse::Similar {
        similar(pattern)?
    } else {
        let branches = parse(pattern)?;
        if matches!(to, PatternUse::First | PatternUse::All) {
            let rest = Rest { first: Set::default(), may_end: true, fixed: true };
            let is_lazy = lazy_alone(&branches);
            if !is_lazy && !trims(&branches) && !branches_decided(&branches, &rest, any_case) {
                return refuse(
                    "what it matches could be longer in PostgreSQL",
                    "make each repetition stop at what follows, as in [^,]*, or test with ~",
                );
            }
            if to == PatternUse::All && branches.iter().any(|branch| sequence(branch).1) {
                return refuse("it matches the empty text", "use + for *");
            }
        }
        written(&branches)
    };
    match RegexBuilder::new(&text).case_insensitive(any_case).build() {
        Ok(made) => Ok(AdvancedPattern(made)),
        Err(_) => refuse("it is too big or malformed", "write a simpler expression"),
    }
}

fn written(branches: &[Vec<PatternNode>]) -> String {
    let branch = |nodes: &Vec<PatternNode>| nodes.iter().map(node_text).collect::<String>();
    branches.iter().map(branch).collect::<Vec<_>>().join("|")
}

fn node_text(node: &PatternNode) -> String {
    match node {
        PatternNode::Place(text) => (*text).to_owned(),
        PatternNode::Character(text, _) => text.clone(),
        PatternNode::Group { captures, branches } => {
            format!("({}{})", if *captures { "" } else { "?:" }, written(branches))
        }
        PatternNode::Repeat { node, times, greedy, .. } => {
            format!("{}{times}{}", node_text(node), if *greedy { "" } else { "?" })
        }
    }
}

/// The continuation of a part: its possible first characters, whether the match may end there, and whether
/// its length is fixed.
#[derive(Debug, Clone, Copy)]
struct Rest {
    first: Set,
    may_end: bool,
    fixed: bool,
}

/// Returns the possible first characters of a part, and whether it may be empty.
fn first(node: &PatternNode) -> (Set, bool) {
    match node {
        PatternNode::Place(_) => (Set::default(), true),
        PatternNode::Character(_, set) => (*set, false),
        PatternNode::Group { branches, .. } => branches
            .iter()
            .map(|branch| sequence(branch))
            .fold((Set::default(), false), |all, one| (all.0.with(one.0), all.1 || one.1)),
        PatternNode::Repeat { node, may_be_none, .. } => {
            let (set, empty) = first(node);
            (set, empty || *may_be_none)
        }
    }
}

fn sequence(nodes: &[PatternNode]) -> (Set, bool) {
    let mut set = Set::default();
    for node in nodes {
        let (own, empty) = first(node);
        set = set.with(own);
        if !empty {
            return (set, false);
        }
    }
    (set, true)
}

fn is_fixed(node: &PatternNode) -> bool {
    match node {
        PatternNode::Place(_) | PatternNode::Character(..) => true,
        PatternNode::Group { branches, .. } => branches.len() == 1 && branches[0].iter().all(is_fixed),
        PatternNode::Repeat { node, varies, .. } => !varies && is_fixed(node),
    }
}

fn branches_decided(branches: &[Vec<PatternNode>], rest: &Rest, any_case: bool) -> bool {
    let folded = |set: Set| if any_case { set.any_case() } else { set };
    let firsts: Vec<(Set, bool)> = branches.iter().map(|branch| sequence(branch)).collect();
    for (at, (own, empty)) in firsts.iter().enumerate() {
        let others = firsts[at + 1..].iter().any(|(other, _)| folded(*own).meets(folded(*other)));
        if others || (branches.len() > 1 && *empty) {
            return false;
        }
    }
    branches.iter().all(|branch| {
        (0..branch.len()).all(|at| {
            let (set, empty) = sequence(&branch[at + 1..]);
            let follows = Rest {
                first: if empty { set.with(rest.first) } else { set },
                may_end: empty && rest.may_end,
                fixed: rest.fixed && branch[at + 1..].iter().all(is_fixed),
            };
            decided(&branch[at], &follows, any_case)
        })
    })
}

fn decided(node: &PatternNode, rest: &Rest, any_case: bool) -> bool {
    let folded = |set: Set| if any_case { set.any_case() } else { set };
    match node {
        PatternNode::Place(_) | PatternNode::Character(..) => true,
        PatternNode::Group { branches, .. } => branches_decided(branches, rest, any_case),
        PatternNode::Repeat { node, varies, greedy, .. } => {
            let (own, empty) = first(node);
            if !greedy || empty {
                return false;
            }
            let is_character = matches!(node.as_ref(), PatternNode::Character(..));
            let apart = !folded(own).meets(folded(rest.first));
            if *varies && !apart && !(is_character && rest.fixed) {
                return false;
            }
            let within = Rest { first: rest.first.with(own), may_end: true, fixed: false };
            is_character || decided(node, &within, any_case)
        }
    }
}

/// Returns whether the only repetition is a lazy one of a single character, between parts of fixed length.
fn lazy_alone(branches: &[Vec<PatternNode>]) -> bool {
    let [branch] = branches else { return false };
    let mut repeats = branch.iter().filter(|node| !is_fixed(node));
    let is_lazy = |node: &PatternNode| match node {
        PatternNode::Repeat { node, greedy: false, .. } => is_fixed(node),
        PatternNode::Group { branches, .. } => lazy_alone(branches),
        _ => false,
    };
    repeats.next().is_some_and(is_lazy) && repeats.next().is_none()
}

/// Returns whether an expression is `^x+|x+$` with a single class: where both branches match, they match the
/// same text.
fn trims(branches: &[Vec<PatternNode>]) -> bool {
    let repeated = |node: &PatternNode| match node {
        PatternNode::Repeat { node, times, greedy: true, .. } if times == "+" => match node.as_ref() {
            PatternNode::Character(text, _) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    };
    match branches {
        [start, end] => match (start.as_slice(), end.as_slice()) {
            ([PatternNode::Place("^"), first], [last, PatternNode::Place("$")]) => {
                repeated(first).is_some() && repeated(first) == repeated(last)
            }
            _ => false,
        },
        _ => false,
    }
}

/// Translates a SIMILAR TO pattern to a regular expression.
fn similar(pattern: &str) -> Result<String, PatternFault> {
    let mut text = String::from(r"\A(?:");
    let mut rest = pattern.chars();
    let mut bracket = false;
    while let Some(next) = rest.next() {
        match next {
            '\\' => match rest.next() {
                Some(c) => text.push_str(&regex::escape(&c.to_string())),
                None => return refuse("it ends with a backslash", "write two"),
            },
            ']' if bracket => {
                bracket = false;
                text.push(']');
            }
            '[' | '&' | '~' if bracket => return refuse("a bracket holds a special character", "use ~"),
            c if bracket => text.push(c),
            '[' => {
                bracket = true;
                text.push('[');
            }
            '%' => text.push_str("(?s:.*)"),
            '_' => text.push_str("(?s:.)"),
            '(' => text.push_str("(?:"),
            '|' | '*' | '+' | '?' | ')' | '{' | '}' => text.push(next),
            other => text.push_str(&regex::escape(&other.to_string())),
        }
    }
    Ok(text + r")\z")
}

#[cfg(test)]
mod tests {
    use super::{PatternUse, compile};

    #[test]
    fn what_matches_is_taken_only_where_both_rules_agree() {
        for pattern in ["[0-9]+", "[^,]*,", r"(\d+)-(\d+)", "a.*b", "<.*?>", "(foo|bar)x", r"[^a-z]+"] {
            assert!(compile(pattern, "", PatternUse::First).is_ok(), "{pattern}");
        }
        assert!(compile(r"^\s+|\s+$", "", PatternUse::All).is_ok());
        for pattern in ["a|ab", "a?(ab)?", "(a+)+", ".*b*", "(?=a)", r"(a)\1", r"\bx", "a**", "x{"] {
            assert!(compile(pattern, "", PatternUse::First).is_err(), "{pattern}");
        }
        assert!(compile("b*", "", PatternUse::All).is_err());
        assert!(compile("a|ab", "", PatternUse::Test).is_ok());
        assert!(
            compile("a%|_b", "", PatternUse::Similar)
                .is_ok_and(|made| made.is_match("xb") && !made.is_match("b"))
        );
    }
}
