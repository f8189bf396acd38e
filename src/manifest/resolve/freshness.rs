//! The freshness limits of a source table. Its own settings override those of its source.

use super::resolver::Resolver;
use crate::{
    diag::Diagnostic,
    manifest::source::SourceFreshness,
    project::{
        FreshnessDecl, FreshnessSetting, Period, PeriodCount, PeriodDecl, SourceDecl, SourceTableDecl,
    },
};

impl Resolver<'_> {
    /// Returns the limits of a source table. `None` if there are none, or if the table turns them off.
    pub(super) fn freshness(
        &mut self,
        source: &SourceDecl,
        table: &SourceTableDecl,
    ) -> Option<SourceFreshness> {
        let (above, own) = match (&source.freshness, &table.freshness) {
            (FreshnessSetting::Set(above), FreshnessSetting::Inherit) => (Some(above), None),
            (FreshnessSetting::Set(above), FreshnessSetting::Set(own)) => (Some(above), Some(own)),
            (_, FreshnessSetting::Set(own)) => (None, Some(own)),
            (_, FreshnessSetting::Off | FreshnessSetting::Inherit) => return None,
        };
        let mut period = |of: fn(&FreshnessDecl) -> Option<&PeriodDecl>| {
            let written = own.and_then(of).or_else(|| above.and_then(of))?;
            self.period(written)
        };
        let warn_after = period(|it| it.warn_after.as_ref());
        let error_after = period(|it| it.error_after.as_ref());
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

    /// Renders the count of a period.
    fn period(&mut self, written: &PeriodDecl) -> Option<Period> {
        let count = match &written.count {
            PeriodCount::Number(count) => Ok(*count),
            PeriodCount::Template(text) => {
                self.jinja.render_value(&text.value, &text.span).and_then(|rendered| {
                    rendered.trim().parse().map_err(|_| {
                        let message = format!(
                            "`count` must be a whole number, zero or more, not `{}`",
                            rendered.trim()
                        );
                        Diagnostic::error("wrong-type", message).at(text.span.clone(), "")
                    })
                })
            }
        };
        let count = count.map_err(|found| self.findings.push(found)).ok()?;
        Some(Period { count, unit: written.unit })
    }
}
