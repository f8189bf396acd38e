//! What a running job tells the loop of its steps.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Progress;
use crate::{outcome::Outcome, plan::Step};

/// A job's voice. Saying something of a step that is not the job's, or ending one twice, is ignored.
#[derive(Debug, Clone)]
pub struct Told {
    pub(super) job: usize,
    pub(super) sender: mpsc::UnboundedSender<Said>,
}

/// One thing said.
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
    /// A step starts. The loop looks at the rows counted there while it runs.
    #[must_use]
    pub fn started(&self, step: &Arc<Step>) -> Progress {
        let progress = Progress::default();
        self.say(step, What::Started(Arc::clone(&progress)));
        progress
    }

    /// The files of a step's table were moved to a place, since the table can't be read.
    pub fn moved(&self, step: &Arc<Step>, place: String, why: String) {
        self.say(step, What::Moved { place, why });
    }

    /// A step ended.
    pub fn finished(&self, step: &Arc<Step>, outcome: Outcome) {
        self.say(step, What::Finished(outcome));
    }

    fn say(&self, step: &Arc<Step>, what: What) {
        // The loop listens as long as a job runs.
        let _ = self.sender.send(Said { job: self.job, step: Arc::clone(step), what });
    }
}
