//! Job reports: what a running job reports to the scheduler about its steps.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Progress;
use crate::{outcome::Outcome, plan::Step};

/// The handle through which a job reports. Reports about other jobs' steps, and a second end of a step, are
/// ignored.
#[derive(Debug, Clone)]
pub struct Told {
    pub(super) job: usize,
    pub(super) sender: mpsc::UnboundedSender<Said>,
}

/// One report.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) job: usize,
    pub(super) step: Arc<Step>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Started(Progress),
    Moved { place: String, why: String },
    Finished(Outcome),
}

impl Told {
    /// Reports the start of a step. The loop reads the number of rows from the returned counter.
    #[must_use]
    pub fn started(&self, step: &Arc<Step>) -> Progress {
        let progress = Progress::default();
        self.say(step, What::Started(Arc::clone(&progress)));
        progress
    }

    /// Reports that the files of a step's unreadable table were moved aside.
    pub fn moved(&self, step: &Arc<Step>, place: String, why: String) {
        self.say(step, What::Moved { place, why });
    }

    /// Reports the end of a step.
    pub fn finished(&self, step: &Arc<Step>, outcome: Outcome) {
        self.say(step, What::Finished(outcome));
    }

    fn say(&self, step: &Arc<Step>, what: What) {
        // The loop receives reports as long as a job runs.
        let _ = self.sender.send(Said { job: self.job, step: Arc::clone(step), what });
    }
}
