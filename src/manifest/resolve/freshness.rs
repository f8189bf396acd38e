//! The freshness limits of a source table. Its own settings override those of its source.

use crate::{
    manifest::source::SourceFreshness,
    project::{FreshnessDecl, FreshnessSetting, SourceDecl, SourceTableDecl},
};

/// Returns the limits. `None` if there are none, or if the table turns them off.
pub(super) fn of(source: &SourceDecl, table: &SourceTableDecl) -> Option<SourceFreshness> {
    let (above, own) = match (&source.freshness, &table.freshness) {
        (FreshnessSetting::Set(above), FreshnessSetting::Inherit) => (Some(above), None),
        (FreshnessSetting::Set(above), FreshnessSetting::Set(own)) => (Some(above), Some(own)),
        (_, FreshnessSetting::Set(own)) => (None, Some(own)),
        (_, FreshnessSetting::Off | FreshnessSetting::Inherit) => return None,
    };
    let period = |of: fn(&FreshnessDecl) -> Option<crate::project::Period>| {
        own.and_then(of).or_else(|| above.and_then(of))
    };
    let warn_after = period(|it| it.warn_after.as_ref().map(|period| period.value));
    let error_after = period(|it| it.error_after.as_ref().map(|period| period.value));
    if warn_after.is_none() && error_after.is_none() {
        return None;
    }
    let filter = own.and_then(|it| it.filter.clone()).or_else(|| above.and_then(|it| it.filter.clone()));
    Some(SourceFreshness {
        warn_after,
        error_after,
        filter: filter.map(|filter| filter.value),
        loaded_at_field: table.loaded_at_field.clone().or_else(|| source.loaded_at_field.clone()),
        loaded_at_query: table.loaded_at_query.clone().or_else(|| source.loaded_at_query.clone()),
        span: table.name.span.clone(),
    })
}
