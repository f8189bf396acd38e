//! The location and drift policy of a source table.

use crate::{
    diag::Diagnostic,
    jinja::Jinja,
    manifest::source::External,
    project::{DriftDecl, SourceDecl, SourceTableDecl},
    secret::{has_credentials, hide_credentials},
};

/// Renders a table's location. Returns `None` for a table in the lake.
pub(super) fn external(table: &SourceTableDecl, jinja: &Jinja) -> Option<Result<External, Diagnostic>> {
    let declared = table.external.as_ref()?;
    let at = &declared.location.span;
    Some(jinja.render_value(&declared.location.value, at).and_then(|location| {
        if has_credentials(&location) {
            hide_credentials(&location);
            return Err(Diagnostic::error(
                "credentials-in-location",
                "a location can't hold a password, token or signature",
            )
            .at(at.clone(), "everyone who reads the documentation, lineage or logs sees it")
            .hint("give credentials as `storage_options` of the target"));
        }
        Ok(External { location, declared: declared.clone() })
    }))
}

/// Returns a table's drift policy. Settings next to its location win over the table's, and these over its
/// source's.
pub(super) fn drift(source: &SourceDecl, table: &SourceTableDecl) -> DriftDecl {
    let external = table.external.as_ref().map(|external| external.drift.clone()).unwrap_or_default();
    external.or(&table.drift).or(&source.drift)
}
