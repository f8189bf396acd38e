//! `macros:`: documentation of macros in properties files.

use super::{common_keys, keys, reader::YamlReader, yaml::Yaml};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// The documentation of a macro in a properties file.
#[derive(Debug, Clone, PartialEq)]
pub struct MacroProperties {
    /// The macro's name.
    pub name: Spanned<String>,
    /// The description; may contain Jinja.
    pub description: Option<Spanned<String>>,
    pub arguments: Vec<ArgumentDecl>,
    /// The user's metadata.
    pub meta: Option<Yaml>,
    /// The span of the declaration.
    pub span: Span,
}

/// An argument of a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentDecl {
    pub name: String,
    /// The type, in free form.
    pub data_type: Option<String>,
    pub description: String,
}

impl MacroProperties {
    /// Reads an item of `macros:`. Returns `None` if it lacks a name.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::MACRO, yaml, diagnostics)?;
        let name = reader.required("name");
        let description = reader.string("description");
        let mut arguments = Vec::new();
        for argument in reader.list("arguments") {
            arguments.extend(ArgumentDecl::read(argument, reader.diagnostics()));
        }
        let meta = common_keys::meta(&mut reader);
        reader.finish(Some(common_keys::META_HINT));
        Some(Self { name: name?, description, arguments, meta, span: yaml.span.clone() })
    }
}

impl ArgumentDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::ARGUMENT, yaml, diagnostics)?;
        let name = reader.required("name");
        let data_type = reader.string("type").map(|data_type| data_type.value);
        let description = reader.string("description").map(|text| text.value).unwrap_or_default();
        reader.finish(None);
        Some(Self { name: name?.value, data_type, description })
    }
}
