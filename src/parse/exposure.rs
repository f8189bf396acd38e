//! Inputs of exposures: each item of `depends_on` is a call of `ref` or `source`.

use super::placeholder::captures;
use crate::{
    diag::Diagnostic,
    jinja::{Captures, Jinja},
    name::NodeId,
    project::ExposureDecl,
};

/// An exposure whose inputs are known by name.
#[derive(Debug, Clone)]
pub struct ParsedExposure {
    /// The exposure's id.
    pub id: NodeId,
    /// The exposure as declared.
    pub declared: ExposureDecl,
    /// The calls in its `depends_on`.
    pub captures: Captures,
}

pub(super) fn parse(
    declared: &ExposureDecl,
    project: &str,
    jinja: &Jinja,
) -> Result<ParsedExposure, Diagnostic> {
    let id = NodeId::exposure(project, &declared.name.value);
    let mut all = Captures::default();
    for written in &declared.depends_on {
        let text = written.value.trim();
        let call = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map_or(text, str::trim);
        let template = written.span.source.with_text(format!("{{{{ {call} }}}}"));
        let mut found = captures(jinja, &template, "exposure", &id, None).map_err(|mut found| {
            for label in found.labels.iter_mut().filter(|label| label.span.source == template) {
                label.span = written.span.clone();
            }
            found
        })?;
        if found.refs.is_empty() && found.sources.is_empty() {
            return Err(Diagnostic::error("invalid-input", format!("`{text}` can't be a dependency"))
                .at(written.span.clone(), "")
                .hint("write ref('model') or source('source', 'table')"));
        }
        let refs = found.refs.iter_mut().map(|call| &mut call.span);
        for span in refs.chain(found.sources.iter_mut().map(|call| &mut call.span)) {
            span.clone_from(&written.span);
        }
        all = all.and(found);
    }
    Ok(ParsedExposure { id, declared: declared.clone(), captures: all })
}
