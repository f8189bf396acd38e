//! Conversion of `MiniJinja`'s errors to diagnostics with positions in the user's files.

use minijinja::{Error, ErrorKind};

use super::{
    environment::FUEL,
    fault::TemplateFault,
    lexer::{self, TokenKind},
    library::missing_package,
    rendering::Rendering,
    scope::TemplateScope,
    template_file::{TemplateFile, code, message, place},
};
use crate::{diag::Diagnostic, text::Span};

/// Explains why a template can't be rendered: the cause's position first, then the calls that led to it.
pub(super) fn render_error(error: &Error, run: &Rendering) -> Diagnostic {
    let chain = chain(error);
    let cause = chain.last().copied().unwrap_or(error);
    // Infinite recursion has no position of its own, so use that of its last call.
    let known = chain.iter().rev().find(|error| error.range().or(error.line().map(|_| 0..0)).is_some());
    let placed = known.copied().unwrap_or(cause);
    let file = run.file_at(placed.name().unwrap_or_default());
    let cause_place = place(placed, file);
    let mut finding = if run.take_return().is_some() {
        Diagnostic::error("return-outside-macro", "`return` outside a macro")
            .hint("a template writes its text; only macros give values back")
    } else {
        explain(cause, file, &cause_place, run)
    };
    finding.labels.clear();
    finding = finding.at(cause_place, "");
    for call in chain.iter().rev().skip(1).filter(|call| call.kind() != ErrorKind::BadInclude) {
        let span = place(call, run.file_at(call.name().unwrap_or_default()));
        if finding.labels.iter().all(|label| label.span != span) {
            finding = finding.at(span, call.detail().unwrap_or_default());
        }
    }
    finding
}

/// Returns an error and those of its causes that are `MiniJinja` errors, outermost first.
fn chain(error: &Error) -> Vec<&Error> {
    std::iter::successors(Some(error), |error| {
        std::error::Error::source(*error).and_then(|cause| cause.downcast_ref::<Error>())
    })
    .collect()
}

fn explain(cause: &Error, file: &TemplateFile, place: &Span, run: &Rendering) -> Diagnostic {
    if let Some(TemplateFault(finding)) =
        std::error::Error::source(cause).and_then(|cause| cause.downcast_ref())
    {
        return finding.clone();
    }
    if cause.kind() == ErrorKind::OutOfFuel {
        let millions = FUEL / 1_000_000;
        return Diagnostic::error("template-budget", "this template exceeded its budget of steps here")
            .note(format!("one rendering may take {millions} million steps, and each 64 bytes of text count as one"))
            .hint("look for loops within loops, or for text that grows with each turn; large data belongs in a seed or a model");
    }
    let detail = cause.detail().unwrap_or_default();
    if detail == "recursion limit exceeded" {
        return Diagnostic::error("template-recursion", "these macros call each other endlessly")
            .hint("add a case in which the macro doesn't call itself");
    }
    let uncallable = detail.starts_with("value of type undefined is not callable");
    if cause.kind() == ErrorKind::UnknownFunction || uncallable {
        let name = detail.strip_suffix(" is unknown").map(str::to_owned);
        let name = name.or_else(|| quoted(detail)).or_else(|| unknown_word(place, file, run));
        let name = name.unwrap_or_else(|| place.text().to_owned());
        let finding =
            Diagnostic::error("unknown-macro", format!("there is no macro or function named `{name}`"));
        return near(finding, &name, file, run);
    }
    let is_undefined =
        cause.kind() == ErrorKind::UnknownMethod && detail.starts_with("undefined has no method");
    if cause.kind() == ErrorKind::UndefinedError || quoted(detail).is_some() || is_undefined {
        let name = quoted(detail).or_else(|| unknown_word(place, file, run));
        let what = name.as_ref().map_or("a value here".to_owned(), |name| format!("`{name}`"));
        let finding = Diagnostic::error("undefined-variable", format!("{what} is undefined"));
        return near(finding, name.as_deref().unwrap_or_default(), file, run);
    }
    Diagnostic::error(code(cause.kind()), message(cause))
}

/// Extracts the expression from "`expression` is undefined".
fn quoted(detail: &str) -> Option<String> {
    let (before, _) = detail.rsplit_once("` is undefined")?;
    Some(before.rsplit('`').next()?.to_owned())
}

/// Returns the names that the template itself defines: variables, loop variables, macros and parameters.
pub(super) fn defined_names(file: &TemplateFile) -> Vec<String> {
    let text = file.source.text();
    let mut names = Vec::new();
    for tag in lexer::tags(text) {
        let end = match tag.keyword(text) {
            Some("set") => "=",
            Some("for") => "in",
            _ => continue,
        };
        let words = tag.tokens.iter().skip(1).map(|token| &text[token.range.clone()]);
        let words = words.take_while(|word| *word != end).filter(|word| *word != ",");
        names.extend(words.map(str::to_owned));
    }
    for header in &file.rewritten.headers {
        names.push(header.name.clone());
        names.extend(header.parameters.iter().map(|parameter| parameter.name.clone()));
    }
    names
}

/// Adds the similar names that a template knows.
pub(super) fn near(finding: Diagnostic, wanted: &str, file: &TemplateFile, run: &Rendering) -> Diagnostic {
    // The attributes of a value aren't known here.
    if wanted.contains('.') {
        return finding;
    }
    let names = [defined_names(file), TemplateScope::names(run)].concat();
    let is_namespace = file.source.text().contains(&format!("{wanted}."));
    let finding = finding.near(wanted, names.iter().map(String::as_str));
    if is_namespace && !wanted.is_empty() { finding.hint(missing_package(wanted)) } else { finding }
}

/// Returns the first unknown word of an expression: inside macros, `MiniJinja` doesn't report which name was
/// undefined.
fn unknown_word(place: &Span, file: &TemplateFile, run: &Rendering) -> Option<String> {
    const WORDS: [&str; 14] = [
        "if", "else", "and", "or", "not", "in", "is", "none", "None", "true", "True", "false", "False",
        "loop",
    ];
    let names = [defined_names(file), TemplateScope::names(run)].concat();
    let expression = format!("{{{{{}}}}}", place.text());
    let tag = lexer::tags(&expression).into_iter().next()?;
    let unknown = tag.tokens.iter().enumerate().find(|(index, token)| {
        let word = &expression[token.range.clone()];
        let bare = *index == 0 || !matches!(tag.tokens[index - 1].kind, TokenKind::Sign(b'.' | b'|'));
        let known = WORDS.contains(&word) || names.iter().any(|name| name == word);
        token.kind == TokenKind::Word && bare && !known
    });
    unknown.map(|(_, token)| expression[token.range.clone()].to_owned())
}
