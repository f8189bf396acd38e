//! Source freshness: checks when a source was last loaded.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{clock, step_error::StepError, worker::Worker};
use crate::{
    compile::{Clock, FreshnessCheck},
    manifest::SourceFreshness,
    outcome::{AgeStatus, Outcome, SourceAge},
    project::Period,
    source,
};

impl Worker {
    /// Checks when a source was last loaded.
    pub(super) async fn freshness(&self, check: &FreshnessCheck) -> Result<Outcome, StepError> {
        let newest = match &check.clock {
            Clock::Files(spec) => source::modified(&self.engine, spec).await?,
            Clock::Rows(query) => {
                let mut tables = BTreeMap::new();
                for relation in query.relations() {
                    let table = self.published(&relation, None).await?;
                    tables.insert(relation, table);
                }
                self.engine.instant(&query.bind(&tables)?).await?
            }
        };
        let newest =
            newest.ok_or_else(|| StepError::Other("there is nothing in it that tells its age".into()))?;
        Ok(Outcome::Aged(judge(newest, clock::now(), &check.limits)))
    }
}

fn judge(newest: DateTime<Utc>, now: DateTime<Utc>, freshness: &SourceFreshness) -> SourceAge {
    let age = (now - newest).as_seconds_f64();
    let older = |than: Option<Period>| than.is_some_and(|period| age > period.seconds() as f64);
    let status = if older(freshness.error_after) {
        AgeStatus::Error
    } else if older(freshness.warn_after) {
        AgeStatus::Warn
    } else {
        AgeStatus::Pass
    };
    let period = |period: Option<Period>| {
        period.map_or_else(
            || json!({ "count": null, "period": null }),
            |period| json!({ "count": period.count, "period": period.unit.as_str() }),
        )
    };
    let criteria: Value = json!({
        "warn_after": period(freshness.warn_after),
        "error_after": period(freshness.error_after),
        "filter": freshness.filter,
    });
    SourceAge { status, max_loaded_at: newest, snapshotted_at: now, criteria }
}
