//! The running steps and their lanes, which stand in for the threads in dbt's artifacts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::{
    event::{Event, Fact},
    name::NodeId,
    plan::Reason,
};

/// The lane of a running step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lane {
    /// The lane's number, from 1. Concurrent steps share a lane only if they are a model and its tests, which
    /// form one job.
    pub(super) number: usize,
    /// The step's start time.
    pub(super) since: DateTime<Utc>,
}

/// The steps that are running: a fold of the events.
#[derive(Debug, Default)]
pub(super) struct RunningSteps {
    lanes: BTreeMap<NodeId, Lane>,
}

impl RunningSteps {
    /// Folds in an event and returns the lane it belongs to, even if the step has just left it.
    pub(super) fn fold(&mut self, event: &Event) -> Option<Lane> {
        match &event.fact {
            Fact::StepStarted { step, .. } => {
                let host = match &step.reason {
                    Reason::Gates { node } => self.lanes.get(node),
                    _ => None,
                };
                let number = host.map_or_else(|| self.free(), |lane| lane.number);
                let lane = Lane { number, since: event.at };
                self.lanes.insert(step.node.clone(), lane);
                Some(lane)
            }
            Fact::StepFinished { step, .. } | Fact::StepSkipped { step, .. } => self.lanes.remove(&step.node),
            _ => None,
        }
    }

    fn free(&self) -> usize {
        let taken: BTreeSet<_> = self.lanes.values().map(|lane| lane.number).collect();
        // If all numbers up to the count of lanes are taken, the next one is free.
        (1..=taken.len()).find(|number| !taken.contains(number)).unwrap_or(taken.len() + 1)
    }
}

/// Returns the lane's name as dbt names its worker threads. Events outside any lane belong to the main
/// thread.
pub(super) fn thread(lane: Option<Lane>) -> String {
    match lane {
        Some(lane) => format!("Thread-{} (worker)", lane.number),
        None => "MainThread".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, Script};

    #[test]
    fn a_lane_is_used_again_once_it_is_free() {
        let [a, b, c] = ["a", "b", "c"].map(|name| sample::table("raw", name));
        let mut script = Script::new(3);
        script.start(&a);
        script.start(&b);
        script.end_step(&a, sample::published(None));
        script.start(&c);
        let mut running = RunningSteps::default();
        let lanes: Vec<_> =
            script.end().iter().filter_map(|event| running.fold(event)).map(|lane| lane.number).collect();
        assert_eq!(lanes, [1, 2, 1, 1]);
    }

    #[test]
    fn a_test_runs_in_the_lane_of_the_model_it_judges() {
        let [a, b] = ["a", "b"].map(|name| sample::table("raw", name));
        let mut script = Script::new(4);
        script.start(&a);
        script.start(&sample::test("not_null_a_id", Some("a")));
        script.start(&b);
        script.start(&sample::test("not_null_c_id", None));
        let mut running = RunningSteps::default();
        let lanes: Vec<_> =
            script.end().iter().filter_map(|event| running.fold(event)).map(|lane| lane.number).collect();
        assert_eq!(lanes, [1, 1, 2, 3]);
    }
}
