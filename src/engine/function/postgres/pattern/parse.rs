//! Parser for PostgreSQL's advanced regular expressions, which are rewritten for the `regex` crate.

/// A character set: one bit per ASCII character, and whether it contains any others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Set {
    ascii: u128,
    beyond: bool,
}

impl Set {
    pub(super) fn one(c: char) -> Self {
        let mut set = Self::default();
        set.add(c);
        set
    }

    fn all() -> Self {
        Self { ascii: u128::MAX, beyond: true }
    }

    fn add(&mut self, c: char) {
        if c.is_ascii() { self.ascii |= 1 << u32::from(c) } else { self.beyond = true }
    }

    fn add_range(&mut self, from: char, to: char) {
        for code in u32::from(from)..=u32::from(to).min(127) {
            self.ascii |= 1 << code;
        }
        self.beyond |= !to.is_ascii();
    }

    fn add_all(&mut self, other: Self) {
        self.ascii |= other.ascii;
        self.beyond |= other.beyond;
    }

    pub(super) fn with(mut self, other: Self) -> Self {
        self.add_all(other);
        self
    }

    fn negated(self) -> Self {
        Self { ascii: !self.ascii, beyond: true }
    }

    /// Adds the other case of every letter.
    pub(super) fn any_case(mut self) -> Self {
        for lower in 'a'..='z' {
            let (lower, upper) =
                (1_u128 << u32::from(lower), 1_u128 << u32::from(lower.to_ascii_uppercase()));
            if self.ascii & (lower | upper) != 0 {
                self.ascii |= lower | upper;
            }
        }
        self
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.ascii & other.ascii != 0 || (self.beyond && other.beyond)
    }
}

/// A part of an expression.
#[derive(Debug, Clone)]
pub(super) enum PatternNode {
    /// A zero-width assertion: `^`, `\y` and so on.
    Place(&'static str),
    /// One character.
    Character(String, Set),
    Group {
        captures: bool,
        branches: Vec<Vec<PatternNode>>,
    },
    Repeat {
        node: Box<PatternNode>,
        /// The quantifier in the syntax of the `regex` crate.
        times: String,
        may_be_none: bool,
        /// True if the number of repetitions isn't fixed.
        varies: bool,
        greedy: bool,
    },
}

/// Why an expression is rejected, and what to write instead.
#[derive(Debug)]
pub(in crate::engine::function::postgres) struct PatternFault {
    pub(in crate::engine::function::postgres) what: String,
    pub(in crate::engine::function::postgres) help: &'static str,
}

/// Returns a rejection.
pub(super) fn refuse<T>(what: impl Into<String>, help: &'static str) -> Result<T, PatternFault> {
    Err(PatternFault { what: what.into(), help })
}

const SIMPLER: &str = "write a simpler expression";

/// Parses a whole expression.
pub(super) fn parse(pattern: &str) -> Result<Vec<Vec<PatternNode>>, PatternFault> {
    if pattern.starts_with("***") || pattern.starts_with("(?i)") || pattern.starts_with("(?q)") {
        return refuse("options at its start are not read", "give options as flags, or use ~*");
    }
    let mut parser = Parser { rest: pattern, depth: 0 };
    let branches = parser.branches()?;
    if parser.rest.is_empty() { Ok(branches) } else { refuse("it has a parenthesis too many", SIMPLER) }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn branches(&mut self) -> Result<Vec<Vec<PatternNode>>, PatternFault> {
        let mut branches = vec![Vec::new()];
        while let Some(next) = self.peek() {
            match next {
                '|' => {
                    self.next();
                    branches.push(Vec::new());
                }
                ')' => break,
                _ => {
                    let node = self.repeated()?;
                    if let Some(last) = branches.last_mut() {
                        last.push(node);
                    }
                }
            }
        }
        Ok(branches)
    }

    fn repeated(&mut self) -> Result<PatternNode, PatternFault> {
        let node = self.atom()?;
        let start = self.rest;
        let (may_be_none, varies) = match self.peek() {
            Some('*' | '?') => (true, true),
            Some('+') => (false, true),
            Some('{') => {
                let Some(end) = self.rest.find('}') else {
                    return refuse("`{` has no end", "write \\{ for the character");
                };
                let bounds = &self.rest[1..end];
                let (low, high) = bounds.split_once(',').unwrap_or((bounds, bounds));
                let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number <= 255);
                let Some(low) = number(low) else {
                    return refuse("`{` is not followed by a number", "write \\{ for the character");
                };
                let high = if high.is_empty() { None } else { number(high) };
                if high.is_none() && !bounds.ends_with(',') {
                    return refuse("`{` is not followed by numbers", SIMPLER);
                }
                self.rest = &self.rest[end..];
                (low == 0, high != Some(low))
            }
            _ => return Ok(node),
        };
        self.next();
        if matches!(node, PatternNode::Place(_)) {
            return refuse("a place can't be repeated", SIMPLER);
        }
        let times = start[..start.len() - self.rest.len()].to_owned();
        let greedy = self.peek() != Some('?');
        if !greedy {
            self.next();
        }
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return refuse("a repetition can't be repeated", "put the inner one in parentheses");
        }
        Ok(PatternNode::Repeat { node: Box::new(node), times, may_be_none, varies, greedy })
    }

    fn atom(&mut self) -> Result<PatternNode, PatternFault> {
        let Some(next) = self.next() else { return refuse("it ends too soon", SIMPLER) };
        Ok(match next {
            '^' => PatternNode::Place("^"),
            '$' => PatternNode::Place("$"),
            '.' => PatternNode::Character("(?s:.)".into(), Set::all()),
            '(' => return self.group(),
            '[' => return self.bracket(),
            '\\' => return self.escape(),
            '*' | '+' | '?' => {
                return refuse(format!("`{next}` repeats nothing"), "write a backslash before the character");
            }
            '{' => return refuse("`{` repeats nothing", "write \\{ for the character"),
            plain => character(plain),
        })
    }

    fn group(&mut self) -> Result<PatternNode, PatternFault> {
        self.depth += 1;
        if self.depth > 100 {
            return refuse("it is nested too deeply", SIMPLER);
        }
        let captures = !self.rest.starts_with('?');
        if !captures {
            let Some(rest) = self.rest.strip_prefix("?:") else {
                return refuse("it looks ahead or behind", "compare parts of the text in SQL");
            };
            self.rest = rest;
        }
        let branches = self.branches()?;
        if self.next() != Some(')') {
            return refuse("a parenthesis is not closed", SIMPLER);
        }
        self.depth -= 1;
        Ok(PatternNode::Group { captures, branches })
    }

    fn escape(&mut self) -> Result<PatternNode, PatternFault> {
        let Some(next) = self.next() else { return refuse("it ends with a backslash", "write two") };
        Ok(match next {
            'm' => PatternNode::Place(r"\b{start}"),
            'M' => PatternNode::Place(r"\b{end}"),
            'y' => PatternNode::Place(r"\b"),
            'Y' => PatternNode::Place(r"\B"),
            'A' => PatternNode::Place(r"\A"),
            'Z' => PatternNode::Place(r"\z"),
            'b' => return refuse("`\\b` is a backspace in PostgreSQL", "write \\y for the edge of a word"),
            '1'..='9' => return refuse("it refers back to a group", "compare parts of the text in SQL"),
            letter => match class(letter) {
                Some((text, set)) => PatternNode::Character(format!("[{text}]"), set),
                None => character(Self::literal(letter)?),
            },
        })
    }

    /// Returns the character that an escape denotes.
    fn literal(letter: char) -> Result<char, PatternFault> {
        Ok(match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'f' => '\u{c}',
            'v' => '\u{b}',
            letter if letter.is_alphanumeric() => {
                return refuse(format!("`\\{letter}` is not read"), "write the character itself");
            }
            other => other,
        })
    }

    fn bracket(&mut self) -> Result<PatternNode, PatternFault> {
        const OPEN: &str = "write \\[ for the character";
        let negated = self.peek() == Some('^');
        if negated {
            self.next();
        }
        let (mut text, mut set, mut first) = (String::new(), Set::default(), true);
        loop {
            let Some(next) = self.next() else { return refuse("`[` has no end", OPEN) };
            let from = match next {
                ']' if !first => break,
                '[' if self.rest.starts_with(':') => {
                    let Some(end) = self.rest.find(":]") else { return refuse("`[:` has no end", OPEN) };
                    let Some((class, chars)) = named(&self.rest[1..end]) else {
                        return refuse(format!("there is no class `{}`", &self.rest[1..end]), SIMPLER);
                    };
                    self.rest = &self.rest[end + 2..];
                    text.push_str(class);
                    set.add_all(chars);
                    first = false;
                    continue;
                }
                '[' if self.rest.starts_with(['.', '=']) => {
                    return refuse("it names a collating element", SIMPLER);
                }
                '\\' => {
                    let Some(letter) = self.next() else { return refuse("`[` has no end", OPEN) };
                    if let (Some((class, chars)), true) = (class(letter), letter.is_lowercase()) {
                        text.push_str(class);
                        set.add_all(chars);
                        first = false;
                        continue;
                    }
                    Self::literal(letter)?
                }
                plain => plain,
            };
            first = false;
            let mut after = self.rest.chars();
            if after.next() == Some('-') && !matches!(after.next(), Some(']') | None) {
                self.next();
                let Some(mut to) = self.next() else { return refuse("`[` has no end", OPEN) };
                if to == '\\' {
                    let Some(letter) = self.next() else { return refuse("`[` has no end", OPEN) };
                    to = Self::literal(letter)?;
                }
                if to == '[' || to < from {
                    return refuse(format!("`{from}-{to}` is no range"), SIMPLER);
                }
                text.push_str(&[in_bracket(from), in_bracket(to)].join("-"));
                set.add_range(from, to);
            } else {
                text.push_str(&in_bracket(from));
                set.add(from);
            }
        }
        let set = if negated { set.negated() } else { set };
        Ok(PatternNode::Character(format!("[{}{text}]", if negated { "^" } else { "" }), set))
    }
}

fn character(c: char) -> PatternNode {
    PatternNode::Character(regex::escape(&c.to_string()), Set::one(c))
}

fn in_bracket(c: char) -> String {
    if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() }
}

fn alphanumeric() -> Set {
    let mut set = Set { ascii: 0, beyond: true };
    set.add_range('0', '9');
    set.add_range('A', 'Z');
    set.add_range('a', 'z');
    set
}

fn space() -> Set {
    let mut set = Set { ascii: 0, beyond: true };
    "\t\n\u{b}\u{c}\r ".chars().for_each(|c| set.add(c));
    set
}

/// Returns the class of an escape: its text within brackets, and its characters.
fn class(letter: char) -> Option<(&'static str, Set)> {
    let mut digits = Set::default();
    digits.add_range('0', '9');
    Some(match letter {
        'd' => ("0-9", digits),
        'D' => ("^0-9", digits.negated()),
        'w' => (r"\p{Alphabetic}\p{Nd}_", alphanumeric().with(Set::one('_'))),
        'W' => (r"^\p{Alphabetic}\p{Nd}_", alphanumeric().with(Set::one('_')).negated()),
        's' => (r"\s", space()),
        'S' => (r"^\s", space().negated()),
        _ => return None,
    })
}

/// Looks up a class by name: its text within brackets, and its characters.
fn named(name: &str) -> Option<(&'static str, Set)> {
    let range = |from, to| {
        let mut set = Set::default();
        set.add_range(from, to);
        set
    };
    let beyond = Set { ascii: 0, beyond: true };
    Some(match name {
        "alpha" => (r"\p{Alphabetic}", range('a', 'z').with(range('A', 'Z')).with(beyond)),
        "digit" => ("0-9", range('0', '9')),
        "alnum" => (r"\p{Alphabetic}\p{Nd}", alphanumeric()),
        "upper" => (r"\p{Lu}", range('A', 'Z').with(beyond)),
        "lower" => (r"\p{Ll}", range('a', 'z').with(beyond)),
        "space" => (r"\s", space()),
        "blank" => (r" \t", Set::one(' ').with(Set::one('\t'))),
        "xdigit" => ("0-9A-Fa-f", range('0', '9').with(range('A', 'F')).with(range('a', 'f'))),
        "punct" => (r"[[:punct:]]\p{P}\p{S}", Set::all()),
        _ => return None,
    })
}
