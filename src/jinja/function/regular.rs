//! `modules.re`: Python's regular expressions.
//!
//! - here: the functions, and the objects they give
//! - `python`: Python's syntax in that of the crate

mod python;

use std::{fmt, sync::Arc};

use fancy_regex::{Captures, Regex, RegexBuilder};
use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, Object, ObjectRepr, Rest, from_args},
};

use crate::jinja::value::{List, cost::pay_bytes};

/// Python's flags by name.
const FLAGS: [(&str, u32); 10] = [
    ("A", 256),
    ("ASCII", 256),
    ("I", 2),
    ("IGNORECASE", 2),
    ("M", 8),
    ("MULTILINE", 8),
    ("S", 16),
    ("DOTALL", 16),
    ("X", 64),
    ("VERBOSE", 64),
];

/// The largest compiled expression, in bytes.
const LARGEST: usize = 1 << 20;

/// The maximum number of steps back in one search. Expressions with look-around may need exponentially many.
const MOST_STEPS: usize = 1_000_000;

/// The number of an expression's characters that a message quotes.
const QUOTED: usize = 60;

/// Returns a flag of the module.
pub(super) fn flag(name: &str) -> Option<Value> {
    FLAGS.iter().find(|(known, _)| *known == name).map(|(_, bits)| Value::from(*bits))
}

/// Calls a function of the module.
pub(super) fn call(state: &mut State<'_, '_>, function: &str, args: &[Value]) -> Result<Value, Error> {
    match function {
        "compile" => {
            let (pattern, flags): (Value, Option<u32>) = from_args(args)?;
            Pattern::of(&pattern, flags.unwrap_or(0)).map(Value::from_object)
        }
        "escape" => {
            let (text,): (&str,) = from_args(args)?;
            Ok(Value::from(regex::escape(text)))
        }
        "sub" | "match" | "search" | "fullmatch" | "findall" | "split" => {
            let Some((pattern, rest)) = args.split_first() else {
                return Err(Error::from(ErrorKind::MissingArgument));
            };
            let (positional, named): (Rest<Value>, Kwargs) = from_args(rest)?;
            let expected = usize::from(function == "sub") + 1;
            // The last argument is the flags; `sub` and `split` have a count before it.
            let counts = usize::from(matches!(function, "sub" | "split"));
            let given = positional.get(expected + counts).cloned();
            let flags: Option<u32> = named.get("flags")?;
            let flags = flags.or(given.and_then(|given| u32::try_from(given).ok()));
            let pattern = Pattern::of(pattern, flags.unwrap_or(0))?;
            let count: Option<usize> = named.get(if function == "sub" { "count" } else { "maxsplit" })?;
            named.assert_all_used()?;
            let third = positional.get(expected).filter(|_| counts > 0).cloned();
            let count = count.or(third.and_then(|count| usize::try_from(count).ok()));
            let texts: Vec<&str> = positional.iter().take(expected).filter_map(Value::as_str).collect();
            pattern.call(state, function, &texts, count.unwrap_or(0))
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

/// A compiled expression.
#[derive(Debug, Clone)]
struct Pattern {
    regex: Regex,
    /// The expression as written.
    text: String,
    flags: u32,
}

impl Pattern {
    fn of(pattern: &Value, flags: u32) -> Result<Self, Error> {
        if let Some(compiled) = pattern.downcast_object_ref::<Self>() {
            return Ok(compiled.clone());
        }
        let text = pattern
            .as_str()
            .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "a regular expression must be text"))?;
        Self::new(text, text, flags)
    }

    fn new(expression: &str, text: &str, flags: u32) -> Result<Self, Error> {
        let has = |name: &str| FLAGS.iter().any(|(known, bit)| *known == name && flags & bit != 0);
        let regex = RegexBuilder::new(&python::translated(expression))
            .case_insensitive(has("I"))
            .multi_line(has("M"))
            .dot_matches_new_line(has("S"))
            .ignore_whitespace(has("X"))
            .delegate_size_limit(LARGEST)
            .backtrack_limit(MOST_STEPS)
            .build()
            .map_err(|error| failed(text, &error))?;
        Ok(Self { regex, text: text.to_owned(), flags })
    }

    /// Returns the expression between other parts.
    fn within(&self, before: &str, after: &str) -> Result<Self, Error> {
        Self::new(&format!("{before}(?:{}){after}", self.text), &self.text, self.flags)
    }

    fn call(
        &self,
        state: &mut State<'_, '_>,
        function: &str,
        texts: &[&str],
        count: usize,
    ) -> Result<Value, Error> {
        let Some(subject) = texts.last() else { return Err(Error::from(ErrorKind::MissingArgument)) };
        pay_bytes(state, subject.len())?;
        let failed = |error: fancy_regex::Error| failed(&self.text, &error);
        let found = |captures: fancy_regex::Result<Option<Captures<'_, str>>>| {
            let captures = captures.map_err(failed)?;
            Ok::<_, Error>(captures.map_or(Value::from(()), |captures| {
                Value::from_object(Match::of(&self.regex, &captures, subject))
            }))
        };
        Ok(match function {
            "match" => found(self.within("\\A", "")?.regex.captures(*subject))?,
            "fullmatch" => found(self.within("\\A", "\\z")?.regex.captures(*subject))?,
            "search" => found(self.regex.captures(*subject))?,
            "findall" => {
                let all = self.regex.captures_iter(*subject);
                let all = all.map(|captures| Ok(groups_of(&captures.map_err(failed)?)));
                Value::from_object(List::new(all.collect::<Result<_, Error>>()?))
            }
            "split" => {
                let parts: Result<Vec<&str>, _> = match count {
                    0 => self.regex.split(subject).collect(),
                    count => self.regex.splitn(subject, count.saturating_add(1)).collect(),
                };
                let parts = parts.map_err(failed)?;
                Value::from_object(List::new(parts.into_iter().map(Value::from).collect()))
            }
            _ => {
                let [replacement, subject] = texts else {
                    return Err(Error::new(
                        ErrorKind::MissingArgument,
                        "sub takes an expression and two texts",
                    ));
                };
                let matches = self.regex.find_iter(*subject).count();
                pay_bytes(state, replacement.len().saturating_mul(matches))?;
                let replaced = self.regex.try_replacen(subject, count, template(replacement).as_str());
                Value::from(replaced.map_err(failed)?.into_owned())
            }
        })
    }
}

/// Returns the error about an expression, of which it quotes the beginning.
fn failed(text: &str, error: &fancy_regex::Error) -> Error {
    let text = text.trim();
    let line = text.lines().next().unwrap_or_default();
    let mut quoted: String = line.chars().take(QUOTED).collect();
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    // The crate repeats the whole expression before the reason.
    let reason = error.to_string();
    let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let message = format!("the regular expression `{quoted}` can't be used: {reason}");
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Returns an item of `findall`: the text, or that of the groups.
fn groups_of(captures: &Captures<'_, str>) -> Value {
    let text = |index: usize| Value::from(captures.get(index).map_or("", |group| group.as_str()));
    match captures.len() {
        1 => text(0),
        2 => text(1),
        count => Value::from_object(List::new((1..count).map(text).collect())),
    }
}

/// Converts Python's references to groups (`\1`, `\g<name>`) to those of the crate.
fn template(replacement: &str) -> String {
    let mut out = String::new();
    let mut rest = replacement;
    while let Some(at) = rest.find(['\\', '$']) {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let named = after.strip_prefix("g<").and_then(|name| name.split_once('>'));
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        rest = if rest[at..].starts_with('$') {
            out.push_str("$$");
            after
        } else if let Some((name, left)) = named {
            out.extend(["${", name, "}"]);
            left
        } else if digits > 0 {
            out.extend(["${", &after[..digits], "}"]);
            &after[digits..]
        } else {
            let (letter, left) = after.split_at(after.chars().next().map_or(0, char::len_utf8));
            out.push_str(match letter {
                "n" => "\n",
                "t" => "\t",
                other => other,
            });
            left
        };
    }
    out + rest
}

impl Object for Pattern {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("pattern")).then(|| Value::from(self.text.as_str()))
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let whole: Vec<Value> =
            std::iter::once(Value::from_dyn_object(self.clone())).chain(args.iter().cloned()).collect();
        call(state, method, &whole)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "re.compile('{}')", self.text)
    }
}

#[derive(Debug)]
struct Match {
    /// The groups with their names, the whole match first.
    groups: Vec<(Option<String>, Option<Group>)>,
}

/// A group that took part in a match, with its position in characters.
#[derive(Debug)]
struct Group {
    text: String,
    start: usize,
    end: usize,
}

impl Match {
    fn of(regex: &Regex, captures: &Captures<'_, str>, subject: &str) -> Self {
        let at = |byte: usize| subject[..byte].chars().count();
        let group = |found: fancy_regex::Match<'_>| Group {
            text: found.as_str().to_owned(),
            start: at(found.start()),
            end: at(found.end()),
        };
        let names = regex.capture_names().map(|name| name.map(str::to_owned));
        Self { groups: names.zip(captures.iter().map(|found| found.map(group))).collect() }
    }

    /// Returns a group by its number or name; the whole match without either.
    fn group(&self, which: Option<&Value>) -> Result<Option<&Group>, Error> {
        let Some(which) = which else { return Ok(self.groups.first().and_then(|(_, group)| group.as_ref())) };
        let found = match which.as_str() {
            Some(name) => self.groups.iter().find(|(known, _)| known.as_deref() == Some(name)),
            None => usize::try_from(which.clone()).ok().and_then(|index| self.groups.get(index)),
        };
        let missing = || Error::new(ErrorKind::InvalidOperation, format!("no such group: {which}"));
        found.map(|(_, group)| group.as_ref()).ok_or_else(missing)
    }
}

impl Object for Match {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let text =
            |group: Option<&Group>| group.map_or(Value::from(()), |group| Value::from(group.text.as_str()));
        // As in Python, a group that took no part is at -1.
        let position =
            |place: Option<usize>| Value::from(place.map_or(-1, |at| i64::try_from(at).unwrap_or(-1)));
        let group = self.group(args.first())?;
        let (start, end) = (group.map(|group| group.start), group.map(|group| group.end));
        match method {
            "group" => Ok(text(group)),
            "groups" => {
                let all = self.groups.iter().skip(1).map(|(_, group)| text(group.as_ref()));
                Ok(Value::from_object(List::new(all.collect())))
            }
            "start" => Ok(position(start)),
            "end" => Ok(position(end)),
            "span" => Ok(Value::from_object(List::new(vec![position(start), position(end)]))),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            self.groups.first().and_then(|(_, group)| group.as_ref()).map_or("", |group| group.text.as_str());
        write!(f, "<re.Match object; match='{text}'>")
    }
}
