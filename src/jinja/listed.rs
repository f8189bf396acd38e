//! The macros that there are, as they are written.

use super::{
    Jinja,
    header::Header,
    lexer::{self, Tag},
    library::File,
};
use crate::text::Source;

/// A macro as written.
#[derive(Debug, Clone)]
pub struct MacroText {
    /// Its name: `test_<name>` of a generic test.
    pub name: String,
    /// Its file.
    pub file: Source,
    /// The whole block, from the tag that opens it to the one that closes it.
    pub text: String,
    /// Whether it comes with Headwater.
    pub is_builtin: bool,
    /// What it takes, in order.
    pub parameters: Vec<String>,
    /// The other macros that its text names, each once, in order.
    pub calls: Vec<String>,
}

impl Jinja {
    /// The macros that templates can call, in the order of their names.
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

/// The tags of a macro, from the one that opens it to the one that closes it.
fn of(header: &Header, file: &File) -> Vec<Tag> {
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
