//! The event log: numbers and times the events of a run, and passes each to the caller.

use std::sync::Arc;

use chrono::Utc;

use crate::{
    event::{Event, Fact},
    outcome::Skipped,
    plan::Step,
};

/// See the module docs.
pub(super) struct EventLog<'a> {
    emit: &'a mut dyn FnMut(&Event),
    next: u64,
    index: usize,
}

impl<'a> EventLog<'a> {
    pub(super) fn new(emit: &'a mut dyn FnMut(&Event)) -> Self {
        Self { emit, next: 0, index: 0 }
    }

    /// Emits an event about this fact.
    #[expect(clippy::disallowed_methods, reason = "the scheduler times events")]
    pub(super) fn record(&mut self, fact: Fact) {
        (self.emit)(&Event { number: self.next, at: Utc::now(), fact });
        self.next += 1;
    }

    /// Returns the index of the next step, from 1.
    pub(super) fn index(&mut self) -> usize {
        self.index += 1;
        self.index
    }

    pub(super) fn skip(&mut self, step: &Arc<Step>, index: Option<usize>, because: Skipped) {
        let index = index.unwrap_or_else(|| self.index());
        self.record(Fact::StepSkipped { step: Arc::clone(step), index, because });
    }
}
