//! `macros:`: what properties files say of macros.

use super::{properties, reader::Reader, yaml::Yaml};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// What a properties file says of a macro.
#[derive(Debug, Clone, PartialEq)]
pub struct MacroProperties {
    /// Which macro.
    pub name: Spanned<String>,
    /// What it does; may hold Jinja.
    pub description: Option<Spanned<String>>,
    /// What it is called with.
    pub arguments: Vec<ArgumentDecl>,
    /// The user's own data about it.
    pub meta: Option<Yaml>,
    /// Where it is described.
    pub span: Span,
}

/// An argument of a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentDecl {
    /// Its name.
    pub name: String,
    /// What it is, in words.
    pub data_type: Option<String>,
    /// What it is for.
    pub description: String,
}

impl MacroProperties {
    /// One item of `macros:`; `None` if it has no name.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::new("a macro", yaml, diagnostics)?;
        let name = reader.required("name");
        let description = reader.string("description");
        let mut arguments = Vec::new();
        for argument in reader.list("arguments") {
            arguments.extend(ArgumentDecl::read(argument, reader.diagnostics()));
        }
        let meta = properties::meta(&mut reader);
        reader.accept(&["config", "docs"]);
        reader.finish(Some(properties::META_HINT));
        Some(Self { name: name?, description, arguments, meta, span: yaml.span.clone() })
    }
}

impl ArgumentDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::new("an argument", yaml, diagnostics)?;
        let name = reader.required("name");
        let data_type = reader.string("type").map(|data_type| data_type.value);
        let description = reader.string("description").map(|text| text.value).unwrap_or_default();
        reader.finish(None);
        Some(Self { name: name?.value, data_type, description })
    }
}
