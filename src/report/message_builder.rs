//! The message builder: turns each event into messages. Every sink that reports a run's progress holds one.

use std::sync::Arc;

use crate::{
    event::{Event, Fact, RunInfo},
    name::NodeId,
    plan::Step,
};

use super::{
    FileLookup, RunResult,
    message::{Message, Position},
    problem,
};

/// A fold of the events that emits messages for each one.
pub(super) struct MessageBuilder {
    info: Option<Arc<RunInfo>>,
    result: RunResult,
    lookup: FileLookup,
}

impl MessageBuilder {
    /// Creates a builder that finds the files of nodes with `lookup`.
    pub(super) fn new(lookup: FileLookup) -> Self {
        Self { info: None, result: RunResult::default(), lookup }
    }

    /// Returns the run's metadata once the run has started.
    pub(super) fn info(&self) -> Option<&RunInfo> {
        self.info.as_deref()
    }

    /// Returns the messages for this event, in order.
    pub(super) fn messages(&mut self, event: &Event) -> Vec<Message> {
        self.result.fold(event);
        match &event.fact {
            Fact::RunStarted(info) => {
                self.info = Some(info.clone());
                opening(info)
            }
            Fact::StepStarted { step, index } => vec![Message::Started(self.position(step, *index))],
            Fact::FilesMoved { step, table, place, why } => {
                let (step, table) = (Arc::clone(step), table.clone());
                vec![Message::Moved { step, table, to: place.clone(), why: why.clone() }]
            }
            Fact::ClockWentBack { step, clock, newest } => {
                vec![Message::ClockWentBack { step: Arc::clone(step), clock: *clock, newest: *newest }]
            }
            Fact::StepFinished { step, index, outcome, seconds } => vec![Message::Finished {
                position: self.position(step, *index),
                outcome: outcome.clone(),
                seconds: *seconds,
            }],
            Fact::StepSkipped { step, index, because } => {
                vec![Message::Skipped { position: self.position(step, *index), because: because.clone() }]
            }
            Fact::CancelRequested => vec![Message::Cancelling],
            Fact::RunFinished { .. } => self.closing(),
            Fact::StepProgress { .. } => Vec::new(),
        }
    }

    fn position(&self, step: &Arc<Step>, index: usize) -> Position {
        Position { step: step.clone(), index, total: self.result.planned }
    }

    fn closing(&self) -> Vec<Message> {
        let result = &self.result;
        let mut messages = vec![Message::Blank];
        if result.counts.total() > 0 {
            messages.push(Message::Ran { kinds: result.kinds.clone(), seconds: result.seconds });
            messages.push(Message::Blank);
        }
        messages.push(Message::Summary {
            counts: result.counts,
            cancelled: result.cancelled,
            next: self.info().filter(|_| result.cancelled && is_unfinished(result)).map(next_command),
        });
        let path = |node: &NodeId| (self.lookup)(node)?.path;
        for block in problem::blocks(result, path) {
            messages.extend([Message::Blank, Message::Problem(block)]);
        }
        messages.extend([Message::Blank, Message::Totals(result.counts)]);
        messages.extend(self.info().map(|info| Message::Completed {
            command: info.command,
            success: result.exit_code() == 0,
            seconds: result.seconds,
        }));
        messages
    }
}

/// Returns whether a step failed or didn't run.
fn is_unfinished(result: &RunResult) -> bool {
    result.counts.error + result.counts.skip > 0 || result.counts.total() < result.planned
}

/// Returns the command that runs what a cancelled run left. `retry` knows every command that builds or tests.
fn next_command(info: &RunInfo) -> &'static str {
    match info.command {
        "freshness" => "headwater source freshness",
        _ => "headwater retry",
    }
}

fn opening(info: &Arc<RunInfo>) -> Vec<Message> {
    let mut messages = vec![Message::Version, Message::Found(info.clone())];
    messages.extend(info.repaired.iter().cloned().map(Message::Repaired));
    messages.push(Message::Blank);
    if info.steps == 0 {
        messages.push(Message::NothingToDo);
    } else {
        messages.extend([Message::Concurrency(info.clone()), Message::Blank]);
    }
    messages
}
