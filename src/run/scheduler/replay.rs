//! Replay: the facts of a run in which nothing has to be done, whose steps and outcomes are known already.

use std::{sync::Arc, time::Instant};

use super::Chronicle;
use crate::{
    event::{Event, Fact, RunInfo},
    outcome::Outcome,
    plan::Step,
};

/// Tells of a run whose steps end this way, each as soon as it started.
pub fn replay(
    info: RunInfo,
    steps: impl IntoIterator<Item = (Arc<Step>, Outcome)>,
    emit: &mut dyn FnMut(&Event),
) {
    let started = Instant::now();
    let mut chronicle = Chronicle { emit, next: 0, index: 0 };
    chronicle.tell(Fact::RunStarted(Arc::new(info)));
    for (step, outcome) in steps {
        let (index, since) = (chronicle.index(), Instant::now());
        chronicle.tell(Fact::StepStarted { step: Arc::clone(&step), index });
        let seconds = since.elapsed().as_secs_f64();
        chronicle.tell(Fact::StepFinished { step, index, outcome, seconds });
    }
    chronicle.tell(Fact::RunFinished { seconds: started.elapsed().as_secs_f64() });
}
