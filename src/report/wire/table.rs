//! The location of a table, and a time range.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{interval::Interval, name::Relation};

/// A table's location.
#[derive(Serialize)]
pub(in crate::report) struct RelationJson<'a> {
    schema: &'a str,
    name: &'a str,
}

impl<'a> From<&'a Relation> for RelationJson<'a> {
    fn from(relation: &'a Relation) -> Self {
        Self { schema: &relation.schema, name: &relation.name }
    }
}

/// A time range; the end is exclusive.
#[derive(Serialize)]
pub(in crate::report) struct IntervalJson {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl From<&Interval> for IntervalJson {
    fn from(interval: &Interval) -> Self {
        Self { start: interval.start, end: interval.end }
    }
}
