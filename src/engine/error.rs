//! SQL errors: translates DataFusion's errors into the user's terms, with positions in the statement.

use std::ops::Range;

use datafusion::{
    common::{Column, SchemaError, Span},
    error::DataFusionError,
};

use super::{message::message, parse_budget::TOO_MANY_ATTEMPTS};
use crate::{diag::near, text::Source};

/// The code of the error about a table that wasn't declared.
pub const UNKNOWN_TABLE: &str = "unknown-table";

/// The maximum number of columns that a note lists.
const LISTED: usize = 20;

/// A statement that can't be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// A kebab-case name of the kind of error.
    pub code: &'static str,
    /// The message, one sentence.
    pub message: String,
    /// The byte range in the statement, if known.
    pub at: Option<Range<usize>>,
    /// Facts that help to understand the error.
    pub notes: Vec<String>,
    /// Suggested fixes.
    pub helps: Vec<String>,
}

impl SqlError {
    pub(super) fn new(error: &DataFusionError, sql: &str) -> Self {
        let text = Source::new("", sql);
        let plain = message(error);
        let mut made = Self {
            code: code(error),
            message: sentence(&plain),
            at: position(&text, &plain),
            notes: Vec::new(),
            helps: Vec::new(),
        };
        if let Some(found) = error.diagnostic() {
            if !found.message.is_empty() {
                made.message = sentence(&found.message);
            }
            let spans = found.span.into_iter().chain(found.notes.iter().filter_map(|note| note.span));
            made.at = spans.map(|span| bytes(&text, span)).next().or(made.at);
            for note in &found.notes {
                let subject = note.span.map(|span| format!("`{}` ", &sql[bytes(&text, span)]));
                made.notes.push(format!("{}{}", subject.unwrap_or_default(), sentence(&note.message)));
            }
            made.helps = found.helps.iter().map(|help| help.message.clone()).collect();
        }
        made.explain(error, &plain);
        made.in_plain_words(&text);
        if made.at.is_none() {
            made.at = quoted(sql, &made.message);
        }
        made
    }

    /// Replaces DataFusion's terms with the user's.
    fn explain(&mut self, error: &DataFusionError, plain: &str) {
        if let DataFusionError::SchemaError(found, _) = error.find_root() {
            match found.as_ref() {
                SchemaError::FieldNotFound { field, valid_fields } => {
                    self.unknown_column(field, valid_fields);
                }
                SchemaError::AmbiguousReference { field } if field.relation.is_some() => {
                    self.twice(&field.name);
                }
                SchemaError::DuplicateQualifiedField { name, .. }
                | SchemaError::DuplicateUnqualifiedField { name } => self.twice(name),
                SchemaError::AmbiguousReference { .. } => self.code = "ambiguous-column",
            }
        } else if let Some(name) = repeated_expression(plain) {
            self.twice(&name);
        } else if plain.contains("only supports a single SQL statement") {
            self.message = "a model is one SELECT statement, but this file has several".into();
            self.helps.push("give each its own file, or join them into one query".into());
        } else if plain.starts_with("No SQL statements were provided") {
            self.message = "there is no SQL in this model".into();
        }
        for note in std::mem::take(&mut self.notes) {
            match note.strip_prefix("possible function '").and_then(|rest| rest.strip_suffix('\'')) {
                Some(name) => self.helps.push(format!("did you mean `{name}`?")),
                None => self.notes.push(note),
            }
        }
    }

    /// Replaces messages that contain names and types of the engine's internals.
    fn in_plain_words(&mut self, text: &Source) {
        if let Some(at) = debugged(&self.message) {
            self.at = places(text, &self.message[at..]).or(self.at.take());
            let words = self.message[..at].trim_end_matches([' ', ':']);
            self.message = match words.strip_prefix("unsupported ast node") {
                Some(_) => "this syntax is not supported".into(),
                None => words.to_owned(),
            };
        }
        let said = self.message.as_str();
        let (message, help) = if said.starts_with("failed to unify argument types of make_array") {
            ("the elements of this list have no common type".to_owned(), "cast them to one type")
        } else if let Some(rest) = said.strip_prefix("inconsistent data type across values list at row ") {
            let column = rest.split(" column ").nth(1).and_then(|rest| rest.split('.').next());
            let column = column.and_then(|column| column.parse::<usize>().ok()).unwrap_or(0) + 1;
            (
                format!("the rows of VALUES have no common type in column {column}"),
                "cast its values to one type",
            )
        } else if let Some(rest) = said.strip_prefix("failed to coerce arguments to satisfy a call to '") {
            let name = rest.split('\'').next().unwrap_or_default();
            (format!("`{name}` doesn't take values of these types"), "cast them to what it takes")
        } else if let Some((name, _)) = said.split_once(" does not support type ") {
            (format!("`{name}` doesn't take values of these types"), "cast them to what it takes")
        } else if said.starts_with("recursionLimitExceeded") {
            let message = "parentheses, calls or subqueries are nested too deeply here".to_owned();
            (message, "compute parts of it in CTEs")
        } else if said.starts_with(TOO_MANY_ATTEMPTS) {
            (TOO_MANY_ATTEMPTS.to_owned(), "compute parts of it in CTEs")
        } else if said.starts_with("cannot access field at argument ") {
            ("only structs and maps have fields".to_owned(), "for JSON, use json_extract(…)")
        } else {
            return;
        };
        self.message = message;
        self.helps = vec![help.to_owned()];
    }

    fn unknown_column(&mut self, wanted: &Column, valid: &[Column]) {
        let names: Vec<&str> = valid.iter().map(|column| column.name.as_str()).collect();
        self.notes.clear();
        // Without a position, the engine lists every column in the message itself.
        if self.message.contains("Valid fields are") || self.message.contains("Did you mean") {
            self.message = format!("column '{}' not found", wanted.name);
        }
        if let Some(question) = near::question(&wanted.name, names.iter().copied()) {
            self.helps.push(question);
        } else if !names.is_empty() {
            let more = if names.len() > LISTED { ", …" } else { "" };
            let listed: Vec<&str> = names.into_iter().take(LISTED).collect();
            self.notes.push(format!("the columns here: {}{more}", listed.join(", ")));
        }
    }

    fn twice(&mut self, name: &str) {
        self.code = "duplicate-column";
        self.message = format!("two columns are called `{name}`");
        self.helps.push("give one of them another name with `as`".into());
    }

    /// Returns the error for a subquery that can't be computed. Replaces messages about the engine's internal
    /// plans.
    pub(super) fn of_subquery(error: &DataFusionError, sql: &str) -> Self {
        let plain = message(error);
        let is_internal =
            ["Physical plan does not support", "correlated", "OuterReference", "outer_ref", "$in"];
        if !is_internal.iter().any(|word| plain.contains(word)) {
            return Self::new(error, sql);
        }
        Self {
            code: "sql-unsupported",
            message: "this subquery reads outer columns in a way that isn't supported".into(),
            at: None,
            notes: vec!["supported are comparisons with `=` between its columns and those outside".into()],
            helps: vec!["join the tables, and group by the columns from outside".into()],
        }
    }

    pub(super) fn at_start(sql: &str, message: &str, help: Option<&str>) -> Self {
        let start = sql.len() - sql.trim_start().len();
        let length = sql[start..].split_whitespace().next().map_or(0, str::len);
        Self {
            code: "sql-unsupported",
            message: message.into(),
            at: Some(start..start + length),
            notes: Vec::new(),
            helps: help.map(Into::into).into_iter().collect(),
        }
    }

    pub(super) fn about(sql: &str, clause: &str, message: &str, note: &str) -> Self {
        // Keywords are ASCII; upper case can change the length of other letters.
        let at = sql.to_ascii_uppercase().find(clause);
        Self {
            code: "sql-unsupported",
            message: message.into(),
            at: at.map(|at| at..at + clause.len()),
            notes: vec![note.into()],
            helps: Vec::new(),
        }
    }
}

/// Returns the position at which a message continues with the parser's internals, if it does.
fn debugged(message: &str) -> Option<usize> {
    if !message.contains("Span(Location(") && !message.contains("Ident {") {
        return None;
    }
    let is_name = |word: &str| {
        let name = word.split(['(', '{']).next().unwrap_or_default();
        name.starts_with(char::is_uppercase) && name.len() > 3 && name.chars().all(char::is_alphabetic)
    };
    let words = message.split(' ').scan(0, |at, word| {
        let start = *at;
        *at += word.len() + 1;
        Some((start, word))
    });
    let mut words = words.peekable();
    while let Some((start, word)) = words.next() {
        let opens = word.contains('(') || words.peek().is_some_and(|(_, next)| *next == "{");
        if opens && is_name(word) {
            return Some(start);
        }
    }
    None
}

/// Returns the first span in the parser's debug output: `Span(Location(1,7)..Location(1,9))`.
fn places(text: &Source, debugged: &str) -> Option<Range<usize>> {
    let (_, rest) = debugged.split_once("Span(Location(")?;
    let (start, rest) = rest.split_once(")..Location(")?;
    let (end, _) = rest.split_once(')')?;
    let offset = |place: &str| {
        let (line, column) = place.split_once(',')?;
        Some(text.offset(line.trim().parse().ok()?, column.trim().parse().ok()?))
    };
    let start = offset(start)?;
    Some(start..offset(end)?.max(start))
}

fn code(error: &DataFusionError) -> &'static str {
    match error.find_root() {
        DataFusionError::SQL(..) => "sql-syntax",
        DataFusionError::Plan(text) if text.starts_with("table '") && text.contains("' not found") => {
            UNKNOWN_TABLE
        }
        DataFusionError::SchemaError(..) => "unknown-column",
        DataFusionError::NotImplemented(_) => "sql-unsupported",
        _ => "sql-invalid",
    }
}

/// Returns the range of the constant that a message quotes, or of the function that it begins with, if it
/// occurs exactly once in the statement.
fn quoted(sql: &str, message: &str) -> Option<Range<usize>> {
    let function = message.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
    if let Some(name) = function.filter(|name| name.starts_with(char::is_alphabetic)) {
        return only(sql, &format!("{name}(")).map(|at| at.start..at.start + name.len());
    }
    let start = message.find('\'')?;
    let end = start + 1 + message[start + 1..].find('\'')? + 1;
    only(sql, &message[start..end]).filter(|at| at.len() > 2)
}

/// Returns the range of a piece of text if it occurs exactly once, ignoring case.
fn only(sql: &str, piece: &str) -> Option<Range<usize>> {
    let (sql, piece) = (sql.to_ascii_lowercase(), piece.to_ascii_lowercase());
    let mut found = sql.match_indices(&piece);
    let (at, _) = found.next()?;
    found.next().is_none().then(|| at..at + piece.len())
}

/// Returns the column name in DataFusion's error about two expressions with one name.
fn repeated_expression(plain: &str) -> Option<String> {
    let rest = plain.strip_prefix("Projections require unique expression names but the expression \"")?;
    let (expression, _) = rest.split_once("\" at position")?;
    let name = match expression.rsplit_once(" AS ") {
        // A cast has AS too: `CAST(t.id AS Int32)`.
        Some((_, alias)) if alias.matches('(').count() == alias.matches(')').count() => alias,
        _ => innermost(expression),
    };
    Some(name.rsplit('.').next().unwrap_or(name).to_owned())
}

/// Strips the cast from an expression that is only a cast, and the type from a constant: `Int64(1)`.
fn innermost(expression: &str) -> &str {
    let within = |before: &str| expression.strip_prefix(before).and_then(|rest| rest.strip_suffix(')'));
    if let Some((inner, _)) = within("CAST(").and_then(|inner| inner.rsplit_once(" AS ")) {
        return innermost(inner);
    }
    ["Int64(", "Int32(", "Float64(", "Boolean(", "Utf8("].into_iter().find_map(within).unwrap_or(expression)
}

/// Formats a message: first letter in lower case unless it begins a name, no full stop, no "at Line…".
fn sentence(message: &str) -> String {
    let message = message.split(" at Line:").next().unwrap_or(message).trim_end_matches('.');
    let mut characters = message.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(message.chars().skip(1)).collect()
        }
        _ => message.to_string(),
    }
}

pub(super) fn bytes(text: &Source, span: Span) -> Range<usize> {
    let place = |at: datafusion::common::Location| {
        text.offset(usize::try_from(at.line).unwrap_or(1), usize::try_from(at.column).unwrap_or(1))
    };
    let start = place(span.start);
    start..place(span.end).max(start)
}

/// Returns the range of the position that the parser writes into its messages: `at Line: 3, Column: 8`.
fn position(text: &Source, message: &str) -> Option<Range<usize>> {
    let (_, place) = message.rsplit_once("at Line: ")?;
    let (line, rest) = place.split_once(", Column: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let start = text.offset(line.trim().parse().ok()?, digits.parse().ok()?);
    let word = text.text()[start..].split(|c: char| c.is_whitespace() || ",;()".contains(c)).next();
    Some(start..start + word.map_or(0, str::len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_is_found_behind_letters_that_grow_in_upper_case() {
        let sql = "select 'ŉ ß' as ﬁrst from t tablesample (1)";
        let found = SqlError::about(sql, "TABLESAMPLE", "", "");
        assert_eq!(&sql[found.at.unwrap()], "tablesample");
    }

    #[test]
    fn a_repeated_column_has_the_name_that_was_written() {
        let name = |expression: &str| {
            let plain = "Projections require unique expression names but the expression";
            repeated_expression(&format!("{plain} \"{expression}\" at position 0 and …")).unwrap()
        };
        assert_eq!(name("CAST(people.id AS Int32)"), "id");
        assert_eq!(name("CAST(Int64(1) AS Int32)"), "1");
        assert_eq!(name("CAST(people.id AS Int32) AS key"), "key");
        assert_eq!(name("people.id AS count(*)"), "count(*)");
        assert_eq!(name("people.id"), "id");
    }
}
