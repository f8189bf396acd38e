//! Translation of RE2's syntax, as used by DuckDB, to the `regex` crate, which has other spellings and
//! classes.
//!
//! In RE2, classes such as `\d` are ASCII, `&&` has no special meaning in a class, `\<` is a literal `<`, and
//! `{` may be a literal character.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use datafusion::error::Result;
use regex::{Regex, RegexBuilder};

use super::call::fail;

/// Expression options, parsed from DuckDB's option letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub(super) struct Options {
    ignore_case: bool,
    literal: bool,
    dot_matches_newline: bool,
    /// `g`: replace all matches.
    pub(super) global: bool,
    /// Whether the whole text must match.
    pub(super) whole: bool,
}

impl Options {
    /// Parses option letters; `g` is allowed only in replacements.
    pub(super) fn parse(letters: Option<&str>, replacing: bool) -> Result<Self> {
        let Some(letters) = letters else {
            return fail("the options of a regular expression can't be NULL");
        };
        let mut options = Self::default();
        for letter in letters.chars() {
            match letter {
                'c' => options.ignore_case = false,
                'i' => options.ignore_case = true,
                'l' => options.literal = true,
                'm' | 'n' | 'p' => options.dot_matches_newline = false,
                's' => options.dot_matches_newline = true,
                'g' if replacing => options.global = true,
                'g' => return fail("the option g of a regular expression is for regexp_replace only"),
                ' ' | '\t' | '\n' => {}
                other => {
                    return fail(format!(
                        "unknown option `{other}` of a regular expression: use c, i, l, m, n, p, s or g"
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// Compiled expressions, cached by their text for columns of patterns.
#[derive(Default)]
pub(super) struct ExpressionCache(RefCell<HashMap<(String, Options), Arc<Regex>>>);

/// The maximum number of expressions in a cache.
const CACHED: usize = 256;

impl ExpressionCache {
    pub(super) fn get(&self, pattern: &str, options: Options) -> Result<Arc<Regex>> {
        let mut cache = self.0.borrow_mut();
        let key = (pattern.to_owned(), options);
        if let Some(found) = cache.get(&key) {
            return Ok(Arc::clone(found));
        }
        let compiled = Arc::new(compile(pattern, options)?);
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// Compiles an expression.
pub(super) fn compile(pattern: &str, options: Options) -> Result<Regex> {
    let translated = if options.literal {
        regex::escape(pattern)
    } else {
        match translate(pattern) {
            Ok(translated) => translated,
            Err(reason) => return fail(format!("invalid regular expression `{pattern}`: {reason}")),
        }
    };
    let whole = if options.whole { format!(r"\A(?:{translated})\z") } else { translated };
    let built = RegexBuilder::new(&whole)
        .case_insensitive(options.ignore_case)
        .dot_matches_new_line(options.dot_matches_newline)
        .build();
    match built {
        Ok(built) => Ok(built),
        Err(regex::Error::CompiledTooBig(_)) => {
            fail(format!("the regular expression `{pattern}` is too big"))
        }
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            fail(format!("invalid regular expression `{pattern}`: {reason}"))
        }
    }
}

/// A reader over a pattern, with lookahead.
struct Re2Pattern<'a> {
    rest: &'a str,
}

impl Re2Pattern<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

type Translated<T = String> = std::result::Result<T, String>;

fn translate(pattern: &str) -> Translated {
    let mut from = Re2Pattern { rest: pattern };
    let mut to = String::with_capacity(pattern.len() + 16);
    // True after a repetition, which must not be repeated.
    let mut repeated = false;
    while let Some(next) = from.next() {
        let mut repeats = false;
        match next {
            '\\' => escape(&mut from, &mut to)?,
            '[' => class(&mut from, &mut to)?,
            ']' => to.push_str(r"\]"),
            '}' => to.push_str(r"\}"),
            '{' => match repetition(from.rest)? {
                Some(length) if !repeated => {
                    to.push('{');
                    to.push_str(&from.rest[..length]);
                    from.rest = &from.rest[length..];
                    repeats = true;
                }
                Some(_) => return Err("a repetition of a repetition".into()),
                None => to.push_str(r"\{"),
            },
            '*' | '+' | '?' => {
                if repeated {
                    return Err("a repetition of a repetition".into());
                }
                to.push(next);
                repeats = true;
            }
            '(' => group(&mut from, &mut to)?,
            other => to.push(other),
        }
        if repeats && from.take("?") {
            to.push('?');
        }
        repeated = repeats;
    }
    Ok(to)
}

/// Translates what follows `(`: flags, a name, or neither.
fn group(from: &mut Re2Pattern, to: &mut String) -> Translated<()> {
    to.push('(');
    if !from.rest.starts_with('?') || from.rest.starts_with("?:") || from.rest.starts_with("?P<") {
        if from.take("?P<") {
            to.push_str("?P<");
        } else if from.take("?:") {
            to.push_str("?:");
        }
        return Ok(());
    }
    let flags: String = from.rest[1..].chars().take_while(|c| !":)".contains(*c)).collect();
    if !flags.chars().all(|c| "imsU-".contains(c)) {
        let start: String = from.rest.chars().take(2).collect();
        return Err(format!("`({start}` is not supported"));
    }
    to.push('?');
    to.push_str(&flags);
    from.rest = &from.rest[1 + flags.len()..];
    Ok(())
}

/// Returns the length of `2,3}` after a brace if it is a repetition.
fn repetition(rest: &str) -> Translated<Option<usize>> {
    let Some(end) = rest.find('}') else { return Ok(None) };
    let (least, most) = match rest[..end].split_once(',') {
        Some((least, most)) => (least, most),
        None => (&rest[..end], ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if least.is_empty() || !digits(least) || !digits(most) {
        return Ok(None);
    }
    for count in [least, most] {
        if !count.is_empty() && count.parse::<u32>().is_ok_and(|count| count > 1000) {
            return Err(format!("the repetition {{{count}}} is more than 1000"));
        }
    }
    Ok(Some(end + 1))
}

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0C\r ";

/// Translates an escape outside a class.
fn escape(from: &mut Re2Pattern, to: &mut String) -> Translated<()> {
    match from.peek() {
        Some('b') => to.push_str(r"(?-u:\b)"),
        Some('A') => to.push_str(r"\A"),
        Some('z') => to.push_str(r"\z"),
        Some('Q') => {
            from.next();
            let literal = match from.rest.split_once(r"\E") {
                Some((literal, rest)) => {
                    from.rest = rest;
                    literal
                }
                None => std::mem::take(&mut from.rest),
            };
            // A following repetition applies to the last character only, as elsewhere.
            to.push_str(&regex::escape(literal));
            return Ok(());
        }
        Some('E') => {}
        Some('d' | 'D' | 'w' | 'W' | 's' | 'S') => {
            to.push_str(&shorthand(from.next().unwrap_or('d')));
            return Ok(());
        }
        Some('p' | 'P') => {
            property(from, to);
            return Ok(());
        }
        _ => {
            let character = character(from)?;
            to.push_str(&regex::escape(&character.to_string()));
            return Ok(());
        }
    }
    from.next();
    Ok(())
}

/// Translates `\d`, `\w` and `\s` and their negations to a class.
fn shorthand(letter: char) -> String {
    let inner = match letter.to_ascii_lowercase() {
        'd' => DIGIT,
        'w' => WORD,
        _ => SPACE,
    };
    let not = if letter.is_ascii_uppercase() { "^" } else { "" };
    format!("[{not}{inner}]")
}

/// Translates a Unicode property: `\pL`, `\p{Greek}`, `\P…`.
fn property(from: &mut Re2Pattern, to: &mut String) {
    to.push('\\');
    to.extend(from.next());
    if from.peek() == Some('{') {
        while let Some(next) = from.next() {
            to.push(next);
            if next == '}' {
                return;
            }
        }
    } else {
        to.extend(from.next());
    }
}

/// Parses the character that an escape denotes, after its backslash.
fn character(from: &mut Re2Pattern) -> Translated<char> {
    let Some(next) = from.next() else { return Err(r"a trailing `\`".into()) };
    Ok(match next {
        'a' => '\u{7}',
        'f' => '\u{c}',
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        'v' => '\u{b}',
        'x' => {
            let digits: String = if from.take("{") {
                let digits = from.rest.chars().take_while(|c| *c != '}').collect::<String>();
                from.rest = from.rest[digits.len()..].strip_prefix('}').ok_or(r"an open `\x{`")?;
                digits
            } else {
                let digits = from.rest.chars().take(2).collect::<String>();
                from.rest = &from.rest[digits.len()..];
                digits
            };
            let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
            code.ok_or_else(|| format!(r"`\x{digits}` is no character"))?
        }
        '0'..='7' if next == '0' || from.peek().is_some_and(|c| c.is_digit(8)) => {
            let more: String = from.rest.chars().take(2).take_while(|c| c.is_digit(8)).collect();
            from.rest = &from.rest[more.len()..];
            let code = u32::from_str_radix(&format!("{next}{more}"), 8).ok().and_then(char::from_u32);
            code.ok_or("an octal escape that is no character")?
        }
        other if other.is_ascii_alphanumeric() => return Err(format!(r"`\{other}` is not supported")),
        other => other,
    })
}

/// Translates a class, after its opening bracket.
fn class(from: &mut Re2Pattern, to: &mut String) -> Translated<()> {
    to.push('[');
    if from.take("^") {
        to.push('^');
    }
    let mut first = true;
    loop {
        if from.peek() == Some(']') && !first {
            from.next();
            to.push(']');
            return Ok(());
        }
        first = false;
        if from.rest.starts_with("[:") {
            let end = from.rest.find(":]").ok_or("an open `[:`")? + 2;
            to.push_str(&from.rest[..end]);
            from.rest = &from.rest[end..];
            continue;
        }
        match item(from)? {
            BracketItem::Set(set) => to.push_str(&set),
            BracketItem::Character(start) => {
                push_member(to, start);
                let mut ahead = from.rest.chars();
                if ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']') {
                    from.next();
                    let BracketItem::Character(end) = item(from)? else {
                        return Err("a range that ends in a class".into());
                    };
                    if end < start {
                        return Err(format!("the range {start}-{end} is empty"));
                    }
                    to.push('-');
                    push_member(to, end);
                }
            }
        }
    }
}

enum BracketItem {
    Set(String),
    Character(char),
}

fn item(from: &mut Re2Pattern) -> Translated<BracketItem> {
    match from.next() {
        None => Err("missing `]`".into()),
        Some('\\') => match from.peek() {
            Some('d' | 'D' | 'w' | 'W' | 's' | 'S') => {
                Ok(BracketItem::Set(shorthand(from.next().unwrap_or('d'))))
            }
            Some('p' | 'P') => {
                let mut set = String::new();
                property(from, &mut set);
                Ok(BracketItem::Set(set))
            }
            _ => character(from).map(BracketItem::Character),
        },
        Some(other) => Ok(BracketItem::Character(other)),
    }
}

fn push_member(to: &mut String, member: char) {
    if r"[]\^-&~".contains(member) {
        to.push('\\');
    }
    to.push(member);
}
