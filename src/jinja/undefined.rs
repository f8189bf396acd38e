//! Undefined values: as in dbt, printing one prints nothing. Each place that creates a printed one gets a
//! warning.

use std::sync::Arc;

use minijinja::Error;

use super::{
    captures::PrintedUndefined,
    explain::{defined_names, near},
    lexer::{self, TagKind, TokenKind},
    rendering::Rendering,
    scope::TemplateScope,
    template_file::TemplateFile,
};
use crate::{diag::Diagnostic, text::Span};

/// Returns the warnings about an undefined value that was printed.
pub(super) fn warnings(printed: &PrintedUndefined, run: &Arc<Rendering>) -> Vec<Diagnostic> {
    match warning(&printed.error, run) {
        Some(warning) => vec![warning],
        None => in_macros(&printed.template, run),
    }
}

/// Explains where the undefined value of a failed operation was created. Returns `None` if that isn't known:
/// for an argument that wasn't given, and an `if` without `else`.
///
/// The operation runs on the first line of the main template, and its message is
/// "… (`expression` is undefined, from line 2)".
fn warning(error: &Error, run: &Rendering) -> Option<Diagnostic> {
    let (before, place) = error.detail()?.rsplit_once("` is undefined")?;
    let expression = before.rsplit_once("(`")?.1;
    let place = place.trim_end_matches(')').trim_start_matches(", from ");
    let (path, line) = match (place.strip_prefix("line "), place.rsplit_once(':')) {
        (Some(line), _) => (error.name()?, line),
        (None, Some(place)) => place,
        (None, None) => (error.name()?, "1"),
    };
    let file = run.file_named(path)?;
    let text = file.rewritten.stitched.text();
    let line: usize = line.parse().ok()?;
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..)?;
    let whole = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let name = expression.split(['.', '[']).next().unwrap_or(expression);
    let of_value = expression.trim_start_matches("(...)");
    let names = [of_value, name].into_iter().filter(|name| !name.is_empty());
    let found = names.map(|text| (word(whole, text), text.len())).find(|(at, _)| at.is_some());
    let (at, length) = found.map_or((0, whole.len()), |(at, length)| (at.unwrap_or_default(), length));
    Some(prints_nothing(of_value, file.span(start + at..start + at + length), file, run))
}

/// Finds the names that a file prints and that nothing defines: in macros, `MiniJinja` doesn't remember where
/// an undefined value was created.
fn in_macros(path: &str, run: &Arc<Rendering>) -> Vec<Diagnostic> {
    let Some(file) = run.file_named(path) else { return Vec::new() };
    let (text, scope) = (file.source.text(), TemplateScope::new(Arc::clone(run)));
    let mut defined = defined_names(file);
    defined.extend(OF_MACROS.map(str::to_owned));
    let mut found = Vec::new();
    for tag in lexer::tags(text) {
        let ([token], TagKind::Expression) = (&tag.tokens[..], tag.kind) else { continue };
        let name = &text[token.range.clone()];
        let is_known = defined.iter().any(|known| known == name) || scope.lookup(name).is_some();
        if token.kind == TokenKind::Word && !is_known {
            found.push(prints_nothing(name, file.source.span(token.range.clone()), file, run));
        }
    }
    found
}

/// The names that each macro has, and constants.
const OF_MACROS: [&str; 10] =
    ["caller", "varargs", "kwargs", "loop", "true", "True", "false", "False", "none", "None"];

fn prints_nothing(name: &str, at: Span, file: &TemplateFile, run: &Rendering) -> Diagnostic {
    let message = format!("`{name}` is undefined, and prints nothing");
    let warning = Diagnostic::warning("undefined-variable", message).at(at, "");
    near(warning, name, file, run)
}

/// Returns where a text is in a line as a word of its own: preferably where it is printed.
fn word(line: &str, text: &str) -> Option<usize> {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let places = line.match_indices(text).map(|(at, _)| at);
    let is_word = |at: &usize| {
        !is_part(line[..*at].chars().next_back()) && !is_part(line[at + text.len()..].chars().next())
    };
    let is_printed = |at: &&usize| line[..**at].trim_end_matches([' ', '-']).ends_with("{{");
    let places: Vec<usize> = places.filter(is_word).collect();
    places.iter().find(is_printed).or(places.first()).copied()
}
