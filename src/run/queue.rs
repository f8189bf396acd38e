//! The dependency queue: which jobs may start now. Pure; tested through the scheduler's properties.

use std::collections::{BTreeMap, BTreeSet};

use crate::{name::NodeId, plan::Job};

/// Jobs by their index in the plan. Each is in one of four states: waiting for others, ready, started, over.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Vec<usize>,
    followers: Vec<Vec<Follower>>,
    ready: BTreeSet<usize>,
    over: Vec<bool>,
}

/// A job that waits for another.
#[derive(Debug, Clone, Copy)]
struct Follower {
    at: usize,
    /// True if it can't run once the other fails.
    needs: bool,
}

impl Queue {
    /// Creates a queue of a plan's jobs. Dependencies that aren't in the plan count as done.
    pub(super) fn new(jobs: &[impl AsRef<Job>]) -> Self {
        let place: BTreeMap<&NodeId, usize> =
            jobs.iter().enumerate().map(|(at, job)| (&job.as_ref().node, at)).collect();
        let places = |nodes: &[NodeId]| -> BTreeSet<usize> {
            nodes.iter().filter_map(|node| place.get(node).copied()).collect()
        };
        let mut waiting = vec![0; jobs.len()];
        let mut followers = vec![Vec::new(); jobs.len()];
        for (at, job) in jobs.iter().enumerate() {
            let needed = places(&job.as_ref().after);
            let mut before: BTreeMap<usize, bool> =
                places(&job.as_ref().behind).into_iter().map(|parent| (parent, false)).collect();
            before.extend(needed.into_iter().map(|parent| (parent, true)));
            waiting[at] = before.len();
            for (parent, needs) in before {
                followers[parent].push(Follower { at, needs });
            }
        }
        let ready = (0..jobs.len()).filter(|at| waiting[*at] == 0).collect();
        Self { waiting, followers, ready, over: vec![false; jobs.len()] }
    }

    /// Starts the first ready job of the plan.
    pub(super) fn start(&mut self) -> Option<usize> {
        self.ready.pop_first()
    }

    /// Ends a job. Jobs that waited only for it become ready; if it failed, jobs that need it, directly or
    /// indirectly, are lost. Returns the lost jobs in plan order. Each job is lost only once, however many of
    /// its ancestors fail.
    pub(super) fn ended(&mut self, at: usize, well: bool) -> Vec<usize> {
        let mut lost = BTreeSet::new();
        let mut next = vec![(at, well)];
        while let Some((at, well)) = next.pop() {
            self.over[at] = true;
            for Follower { at: follower, needs } in self.followers[at].clone() {
                if self.over[follower] {
                    continue;
                }
                if needs && !well {
                    self.over[follower] = true;
                    lost.insert(follower);
                    next.push((follower, false));
                    continue;
                }
                self.waiting[follower] -= 1;
                if self.waiting[follower] == 0 {
                    self.ready.insert(follower);
                }
            }
        }
        lost.into_iter().collect()
    }

    /// Gives up all jobs that haven't started, and returns them in plan order.
    pub(super) fn drain(&mut self, running: impl Fn(usize) -> bool) -> Vec<usize> {
        self.ready.clear();
        let left: Vec<usize> = (0..self.over.len()).filter(|at| !self.over[*at] && !running(*at)).collect();
        for at in &left {
            self.over[*at] = true;
        }
        left
    }
}
