//! Listing of the available macros, with their source text.

use super::{
    header::MacroHeader,
    lexer::{self, Tag},
    library::{DBT, MacroLibrary, MacroPosition},
    renderer::Jinja,
    template_file::TemplateFile,
};
use crate::{name::PackageName, text::Source};

/// A macro's source text.
#[derive(Debug, Clone)]
pub struct MacroText {
    /// The package and the name; for a generic test, `test_<name>`. The package of a built-in macro is `dbt`.
    pub name: PackageName,
    /// The file that declares the macro.
    pub file: Source,
    /// The whole block, from its opening tag to its closing tag.
    pub text: String,
    /// Whether the macro is built in.
    pub is_builtin: bool,
    /// The parameter names, in order.
    pub parameters: Vec<String>,
    /// The other macros that its text mentions, without duplicates, in order.
    pub calls: Vec<PackageName>,
}

impl Jinja {
    /// Returns the macros of the project, of its packages and the built-in ones.
    #[must_use]
    pub fn macros(&self) -> Vec<MacroText> {
        let library = &self.shared.library;
        let listed = library.all().filter_map(|(name, place)| {
            let package = library.package_of(place);
            let (file, header) = (library.file(place.file)?, library.header(place)?);
            let tags = of(header, file);
            let text = file.source.text();
            let whole = tags.first()?.range.start..tags.last()?.range.end;
            let calls = tags.iter().skip(1).flat_map(|tag| library.calls(package, tag, text));
            let mut known: Vec<PackageName> = Vec::new();
            for call in calls.filter(|call| *call != place) {
                let header = library.header(call)?;
                let call = PackageName::new(library.package_of(call), header.name.as_str());
                if !known.contains(&call) {
                    known.push(call);
                }
            }
            Some(MacroText {
                name: PackageName::new(package, name),
                file: file.source.clone(),
                text: text[whole].to_owned(),
                is_builtin: library.is_builtin(place),
                parameters: header.parameters.iter().map(|parameter| parameter.name.clone()).collect(),
                calls: known,
            })
        });
        listed.collect()
    }
}

impl MacroLibrary {
    /// Returns the macros that a tag mentions, by their names alone or after that of their package.
    fn calls(&self, package: &str, tag: &Tag, text: &str) -> Vec<MacroPosition> {
        let words: Vec<&str> = tag.tokens.iter().map(|token| &text[token.range.clone()]).collect();
        let named = words.iter().enumerate().filter_map(|(at, word)| {
            let before = at.checked_sub(2).filter(|_| words[at - 1] == ".").map(|at| words[at]);
            match before.filter(|before| *before == DBT || self.package(before).is_some()) {
                Some(package) => self.find_in(package, word),
                None => self.find(package, word),
            }
        });
        named.collect()
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
