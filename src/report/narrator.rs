//! Turns each event into messages. Every sink that reports a run's progress holds one.

use std::sync::Arc;

use crate::{
    event::{Event, Fact, RunInfo},
    name::NodeId,
    plan::Step,
};

use super::{
    Lookup, RunResult,
    message::{Message, Place},
    trouble,
};

/// A fold of the events that emits messages for each one.
pub(super) struct Narrator {
    info: Option<Arc<RunInfo>>,
    result: RunResult,
    lookup: Lookup,
}

impl Narrator {
    /// Creates a narrator that finds the files of nodes with `lookup`.
    pub(super) fn new(lookup: Lookup) -> Self {
        Self { info: None, result: RunResult::default(), lookup }
    }

    /// Returns the run's metadata once the run has started.
    pub(super) fn info(&self) -> Option<&RunInfo> {
        self.info.as_deref()
    }

    /// Returns the messages for this event, in order.
    pub(super) fn tell(&mut self, event: &Event) -> Vec<Message> {
        self.result.fold(event);
        match &event.fact {
            Fact::RunStarted(info) => {
                self.info = Some(info.clone());
                opening(info)
            }
            Fact::StepStarted { step, index } => vec![Message::Started(self.place(step, *index))],
            Fact::FilesMoved { step, place, why } => {
                vec![Message::Moved { step: Arc::clone(step), to: place.clone(), why: why.clone() }]
            }
            Fact::StepFinished { step, index, outcome, seconds } => vec![Message::Finished {
                place: self.place(step, *index),
                outcome: outcome.clone(),
                seconds: *seconds,
            }],
            Fact::StepSkipped { step, index, because } => {
                vec![Message::Skipped { place: self.place(step, *index), because: because.clone() }]
            }
            Fact::CancelRequested => vec![Message::Cancelling],
            Fact::RunFinished { .. } => self.closing(),
            Fact::StepProgress { .. } => Vec::new(),
        }
    }

    fn place(&self, step: &Arc<Step>, index: usize) -> Place {
        Place { step: step.clone(), index, total: self.result.planned }
    }

    fn closing(&self) -> Vec<Message> {
        let result = &self.result;
        let mut said = vec![Message::Blank];
        if result.counts.total() > 0 {
            said.push(Message::Ran { kinds: result.kinds.clone(), seconds: result.seconds });
            said.push(Message::Blank);
        }
        said.push(Message::Summary { counts: result.counts, cancelled: result.cancelled });
        let path = |node: &NodeId| (self.lookup)(node)?.path;
        for block in trouble::blocks(result, path) {
            said.extend([Message::Blank, Message::Trouble(block)]);
        }
        said.extend([Message::Blank, Message::Totals(result.counts)]);
        said.extend(self.info().map(|info| Message::Completed {
            command: info.command,
            success: result.exit_code() == 0,
            seconds: result.seconds,
        }));
        said
    }
}

fn opening(info: &Arc<RunInfo>) -> Vec<Message> {
    let mut said = vec![Message::Version, Message::Found(info.clone())];
    said.extend(info.repaired.iter().cloned().map(Message::Repaired));
    said.push(Message::Blank);
    if info.steps == 0 {
        said.push(Message::NothingToDo);
    } else {
        said.extend([Message::Concurrency(info.clone()), Message::Blank]);
    }
    said
}
