//! The event dispatcher: feeds the sinks and keeps their failures away from the run.

use crate::event::Event;

use super::{EventSink, RunResult, SinkError};

/// Owns the sinks and the result. Events are handled synchronously, which gives the scheduler back-pressure.
pub struct Reporter {
    sinks: Vec<Box<dyn EventSink>>,
    result: RunResult,
    lost: Vec<SinkError>,
}

impl Reporter {
    /// Creates a reporter that calls these sinks in this order.
    #[must_use]
    pub fn new(sinks: Vec<Box<dyn EventSink>>) -> Self {
        Self { sinks, result: RunResult::default(), lost: Vec::new() }
    }

    /// Adds sinks after the existing ones.
    pub fn extend(&mut self, sinks: impl IntoIterator<Item = Box<dyn EventSink>>) {
        self.sinks.extend(sinks);
    }

    /// Passes the event to every sink, and drops sinks that fail.
    pub fn event(&mut self, event: &Event) {
        self.result.fold(event);
        self.each_sink(|sink| sink.event(event));
    }

    /// Finishes the sinks. Returns the result of the run and the errors of failed sinks, to be shown as
    /// warnings. Broken pipes aren't reported.
    #[must_use]
    pub fn finish(mut self) -> (RunResult, Vec<SinkError>) {
        self.each_sink(EventSink::finish);
        (self.result, self.lost)
    }

    fn each_sink(&mut self, mut call: impl FnMut(&mut (dyn EventSink + 'static)) -> Result<(), SinkError>) {
        let lost = &mut self.lost;
        self.sinks.retain_mut(|sink| match call(sink.as_mut()) {
            Ok(()) => true,
            Err(error) => {
                if !error.is_broken_pipe() {
                    lost.push(error);
                }
                false
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;
    use crate::report::sample;

    struct Fails {
        with: io::ErrorKind,
        calls: Arc<AtomicUsize>,
    }

    impl EventSink for Fails {
        fn event(&mut self, _: &Event) -> Result<(), SinkError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            Err(SinkError::new("the log", self.with))
        }

        fn finish(&mut self) -> Result<(), SinkError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    fn check(with: io::ErrorKind, warnings: usize) {
        let calls = Arc::new(AtomicUsize::new(0));
        let mut reporter = Reporter::new(vec![Box::new(Fails { with, calls: calls.clone() })]);
        let events = sample::every_ending();
        for event in &events {
            reporter.event(event);
        }
        let (result, lost) = reporter.finish();
        assert_eq!(calls.load(Ordering::Relaxed), 1, "a failed sink is told nothing more");
        assert_eq!(lost.len(), warnings);
        assert_eq!(result, RunResult::of(&events));
    }

    #[test]
    fn a_failing_sink_is_dropped_and_mentioned_once() {
        check(io::ErrorKind::StorageFull, 1);
    }

    #[test]
    fn a_broken_pipe_is_silent() {
        check(io::ErrorKind::BrokenPipe, 0);
    }
}
