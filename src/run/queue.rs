//! The dependency queue: which steps may start now. Pure; tested alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{name::NodeId, plan::Step};

/// Steps by their place in the plan, each in one of four states: waiting for others, ready, handed out, over.
#[derive(Debug)]
pub(super) struct Queue {
    place: BTreeMap<NodeId, usize>,
    waiting: Vec<usize>,
    followers: Vec<Vec<usize>>,
    ready: BTreeSet<usize>,
    over: Vec<bool>,
}

impl Queue {
    /// A queue of a plan's steps. Steps that others wait for but that are not in the plan are taken as done.
    pub(super) fn new<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Self {
        let steps: Vec<&Step> = steps.into_iter().collect();
        let place: BTreeMap<NodeId, usize> =
            steps.iter().enumerate().map(|(at, step)| (step.node.clone(), at)).collect();
        let mut waiting = vec![0; steps.len()];
        let mut followers = vec![Vec::new(); steps.len()];
        for (at, step) in steps.iter().enumerate() {
            let before: BTreeSet<usize> =
                step.after.iter().filter_map(|node| place.get(node).copied()).collect();
            waiting[at] = before.len();
            for parent in before {
                followers[parent].push(at);
            }
        }
        let ready = (0..steps.len()).filter(|at| waiting[*at] == 0).collect();
        Self { place, waiting, followers, ready, over: vec![false; steps.len()] }
    }

    /// Hands out the first step of the plan that is ready.
    pub(super) fn start(&mut self) -> Option<usize> {
        self.ready.pop_first()
    }

    /// A step ended well: those that waited only for it become ready.
    pub(super) fn done(&mut self, node: &NodeId) {
        let Some(&at) = self.place.get(node) else { return };
        self.over[at] = true;
        for follower in self.followers[at].clone() {
            self.waiting[follower] -= 1;
            if self.waiting[follower] == 0 && !self.over[follower] {
                self.ready.insert(follower);
            }
        }
    }

    /// A step ended badly: everything after it will never be ready. Returns those, in the plan's order, each once
    /// however many of its ancestors fail.
    pub(super) fn failed(&mut self, node: &NodeId) -> Vec<usize> {
        let Some(&at) = self.place.get(node) else { return Vec::new() };
        self.over[at] = true;
        let mut lost = BTreeSet::new();
        let mut next = self.followers[at].clone();
        while let Some(follower) = next.pop() {
            if !self.over[follower] {
                self.over[follower] = true;
                lost.insert(follower);
                next.extend(&self.followers[follower]);
            }
        }
        lost.into_iter().collect()
    }

    /// Gives up on everything that was not handed out; returns it in the plan's order.
    pub(super) fn drain(&mut self, running: impl Fn(usize) -> bool) -> Vec<usize> {
        self.ready.clear();
        let left: Vec<usize> = (0..self.over.len()).filter(|at| !self.over[*at] && !running(*at)).collect();
        for at in &left {
            self.over[*at] = true;
        }
        left
    }
}
