//! Listing of the available macros, with their source text.

use super::{
    header::MacroHeader,
    lexer::{self, Tag},
    renderer::Jinja,
    template_file::TemplateFile,
};
use crate::text::Source;

/// A macro's source text.
#[derive(Debug, Clone)]
pub struct MacroText {
    /// The macro's name; for a generic test, `test_<name>`.
    pub name: String,
    /// The file that declares the macro.
    pub file: Source,
    /// The whole block, from its opening tag to its closing tag.
    pub text: String,
    /// Whether the macro is built in.
    pub is_builtin: bool,
    /// The parameter names, in order.
    pub parameters: Vec<String>,
    /// The other macros that its text mentions, without duplicates, in order.
    pub calls: Vec<String>,
}

impl Jinja {
    /// Returns the macros that templates can call, sorted by name.
    #[must_use]
    pub fn macros(&self) -> Vec<MacroText> {
        let library = &self.shared.library;
        let listed = library.names().filter_map(|name| {
            let place = library.find(name)?;
            let (file, header) = (library.file(place.file)?, library.header(place)?);
            let tags = of(header, file);
            let text = file.source.text();
            let whole = tags.first()?.range.start..tags.last()?.range.end;
            let mut calls: Vec<String> = Vec::new();
            let words =
                tags.iter().skip(1).flat_map(|tag| &tag.tokens).map(|token| &text[token.range.clone()]);
            for word in words.filter(|word| *word != name && library.find(word).is_some()) {
                if !calls.iter().any(|known| known == word) {
                    calls.push(word.to_owned());
                }
            }
            Some(MacroText {
                name: name.to_owned(),
                file: file.source.clone(),
                text: text[whole].to_owned(),
                is_builtin: library.is_builtin(place),
                parameters: header.parameters.iter().map(|parameter| parameter.name.clone()).collect(),
                calls,
            })
        });
        listed.collect()
    }
}

/// Returns the tags of a macro, from its opening tag to its closing tag.
fn of(header: &MacroHeader, file: &TemplateFile) -> Vec<Tag> {
    const OPENING: [&str; 4] = ["macro", "test", "data_test", "materialization"];
    let text = file.source.text();
    let at = header.name_range.start;
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for tag in lexer::tags(text).into_iter().skip_while(|tag| tag.range.end <= at) {
        let keyword = tag.keyword(text).unwrap_or_default();
        if OPENING.contains(&keyword) {
            depth += 1;
        } else if keyword.strip_prefix("end").is_some_and(|opened| OPENING.contains(&opened)) {
            depth = depth.saturating_sub(1);
        }
        found.push(tag);
        if depth == 0 {
            break;
        }
    }
    found
}
