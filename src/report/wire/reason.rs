//! The action of a planned step, and the reason for it.

use serde::Serialize;

use super::table::IntervalJson;
use crate::{
    name::NodeId,
    plan::{Action, Reason},
};

/// Returns the name of an action.
pub(in crate::report) fn action(action: Action) -> &'static str {
    match action {
        // dbt's word for the materialization of a unit test is shorter.
        Action::UnitTest => "unit_test",
        _ => action.materialization(),
    }
}

/// The reason for a step.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(in crate::report) enum ReasonJson<'a> {
    FirstBuild,
    TableMissing,
    SqlChanged,
    ConfigChanged { key: &'a str },
    UpstreamChanged { node: &'a NodeId },
    SourceAdvanced { node: &'a NodeId, was: u64, files: u64 },
    FileChanged,
    ModifiedOutside { version: u64 },
    Volatile,
    BatchesDue { batches: usize, first: &'a str },
    Backfill { time: Vec<IntervalJson> },
    Forced,
    FullRefresh { columns_changed: bool },
    Selected,
    Gates { node: &'a NodeId },
    UpToDate,
    Warned { failures: u64 },
    Damaged { set_aside: bool },
    CompiledLater { node: &'a NodeId },
    Unreadable { node: &'a NodeId },
    ColumnsDiffer { node: &'a NodeId },
    QueryFailed { node: &'a NodeId },
    Invalid { node: &'a NodeId },
}

impl<'a> From<&'a Reason> for ReasonJson<'a> {
    fn from(reason: &'a Reason) -> Self {
        match reason {
            Reason::FirstBuild => Self::FirstBuild,
            Reason::TableMissing => Self::TableMissing,
            Reason::SqlChanged => Self::SqlChanged,
            Reason::ConfigChanged { key } => Self::ConfigChanged { key },
            Reason::UpstreamChanged { node } => Self::UpstreamChanged { node },
            Reason::SourceAdvanced { node, was, files } => {
                Self::SourceAdvanced { node, was: *was, files: *files }
            }
            Reason::FileChanged => Self::FileChanged,
            Reason::ModifiedOutside { version } => Self::ModifiedOutside { version: *version },
            Reason::Volatile => Self::Volatile,
            Reason::BatchesDue { batches, first } => Self::BatchesDue { batches: *batches, first },
            Reason::Backfill { time } => {
                Self::Backfill { time: time.iter().map(IntervalJson::from).collect() }
            }
            Reason::Forced => Self::Forced,
            Reason::FullRefresh { columns_changed } => {
                Self::FullRefresh { columns_changed: *columns_changed }
            }
            Reason::Selected => Self::Selected,
            Reason::Gates { node } => Self::Gates { node },
            Reason::UpToDate => Self::UpToDate,
            Reason::Warned { failures } => Self::Warned { failures: *failures },
            Reason::Damaged { set_aside } => Self::Damaged { set_aside: *set_aside },
            Reason::CompiledLater { node } => Self::CompiledLater { node },
            Reason::Unreadable { node } => Self::Unreadable { node },
            Reason::ColumnsDiffer { node } => Self::ColumnsDiffer { node },
            Reason::QueryFailed { node } => Self::QueryFailed { node },
            Reason::Invalid { node } => Self::Invalid { node },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::interval::Interval;

    #[test]
    fn a_reason_is_an_object_with_its_kind() {
        let day = |text: &str| text.parse().unwrap();
        let time = Interval { start: day("2021-01-01T00:00:00Z"), end: day("2021-01-02T00:00:00Z") };
        let backfill = Reason::Backfill { time: [time].into_iter().collect() };
        let range = json!({ "start": "2021-01-01T00:00:00Z", "end": "2021-01-02T00:00:00Z" });
        assert_eq!(json!(ReasonJson::from(&backfill)), json!({ "kind": "backfill", "time": [range] }));
        assert_eq!(json!(ReasonJson::from(&Reason::FirstBuild)), json!({ "kind": "first_build" }));
        assert_eq!([Action::UnitTest, Action::Freshness].map(action), ["unit_test", "freshness"]);
    }
}
