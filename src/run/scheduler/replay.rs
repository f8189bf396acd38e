//! Replay: emits the events of a run whose steps and outcomes are already known, because it has nothing to
//! do.

use std::{sync::Arc, time::Instant};

use super::event_log::EventLog;
use crate::{
    event::{Event, Fact, RunInfo},
    outcome::Outcome,
    plan::Step,
};

/// Emits the events of a run with these steps and outcomes. Each step ends as soon as it starts.
pub fn replay(
    info: RunInfo,
    steps: impl IntoIterator<Item = (Arc<Step>, Outcome)>,
    emit: &mut dyn FnMut(&Event),
) {
    let started = Instant::now();
    let mut events = EventLog::new(emit);
    events.record(Fact::RunStarted(Arc::new(info)));
    for (step, outcome) in steps {
        let (index, since) = (events.index(), Instant::now());
        events.record(Fact::StepStarted { step: Arc::clone(&step), index });
        let seconds = since.elapsed().as_secs_f64();
        events.record(Fact::StepFinished { step, index, outcome, seconds });
    }
    events.record(Fact::RunFinished { seconds: started.elapsed().as_secs_f64() });
}
