//! The live display: one line per running step and one for the whole run, below the scrolling lines.

use std::{collections::BTreeMap, fmt, io, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::{
    event::{Event, Fact},
    name::NodeId,
    plan::{Action, Reason, Step},
    report::width::printable,
};

/// The refresh interval of spinners and elapsed times.
const TICK: Duration = Duration::from_millis(120);

/// The progress bars: a fold of the events.
pub(super) struct Live {
    multi: MultiProgress,
    total: ProgressBar,
    steps: BTreeMap<NodeId, Shown>,
    colour: bool,
}

/// A step's bar and its label.
struct Shown {
    bar: ProgressBar,
    what: String,
}

impl Live {
    /// Creates an empty display.
    pub(super) fn new(target: ProgressDrawTarget, colour: bool) -> Self {
        Self {
            multi: MultiProgress::with_draw_target(target),
            total: ProgressBar::hidden(),
            steps: BTreeMap::new(),
            colour,
        }
    }

    /// Folds in an event and prints `text` above the bars.
    pub(super) fn event(&mut self, event: &Event, text: &str) -> io::Result<()> {
        match &event.fact {
            Fact::RunStarted(info) if info.steps > 0 => self.begin(info.steps),
            Fact::StepStarted { step, index } => self.add(step, *index),
            Fact::StepProgress { node, rows } => {
                if let Some(shown) = self.steps.get(node) {
                    shown.bar.set_position(*rows);
                }
            }
            Fact::StepFinished { step, .. } | Fact::StepSkipped { step, .. } => {
                if let Some(shown) = self.steps.remove(&step.node) {
                    self.remove(&shown.bar);
                }
                self.total.inc(1);
            }
            Fact::RunFinished { .. } => self.clear()?,
            Fact::RunStarted(_)
            | Fact::FilesMoved { .. }
            | Fact::ClockWentBack { .. }
            | Fact::CancelRequested => {}
        }
        if text.is_empty() { Ok(()) } else { self.multi.println(text.trim_end_matches('\n')) }
    }

    /// Removes the bars and leaves only the scrolled lines.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        for shown in std::mem::take(&mut self.steps).into_values() {
            self.remove(&shown.bar);
        }
        self.remove(&self.total);
        self.multi.clear()
    }

    fn remove(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.multi.remove(bar);
    }

    fn begin(&mut self, steps: usize) {
        let bar = ProgressBar::new(steps as u64).with_style(style("          {pos}/{len} done  {seconds}"));
        self.total = self.multi.add(bar);
        appear(&self.total);
    }

    fn add(&mut self, step: &Step, index: usize) {
        let name = printable(&step.name);
        // A model's tests finish too quickly for bars of their own, and they share its job.
        if let Reason::Gates { node } = &step.reason
            && let Some(Shown { bar, what }) = self.steps.get(node)
        {
            bar.set_message(format!("{what}, testing {name}"));
            return;
        }
        // Only steps that build a table have rows to count.
        let template = match (step.action.is_table(), self.colour) {
            (true, true) => "        {spinner:.cyan} {msg}  {human_pos} rows  {seconds:.dim}",
            (true, false) => "        {spinner} {msg}  {human_pos} rows  {seconds}",
            (false, true) => "        {spinner:.cyan} {msg}  {seconds:.dim}",
            (false, false) => "        {spinner} {msg}  {seconds}",
        };
        let what = format!("{index} {} {name}", noun(step.action));
        let bar = ProgressBar::no_length().with_style(style(template)).with_message(what.clone());
        let bar = self.multi.insert_before(&self.total, bar);
        appear(&bar);
        self.steps.insert(step.node.clone(), Shown { bar, what });
    }
}

fn noun(action: Action) -> &'static str {
    match action {
        Action::UnitTest => "unit test",
        Action::Freshness => "freshness of",
        Action::Table
        | Action::Incremental
        | Action::View
        | Action::Seed
        | Action::Snapshot
        | Action::Test => action.materialization(),
    }
}

/// Draws the bar at once, then on every tick.
fn appear(bar: &ProgressBar) {
    bar.tick();
    bar.enable_steady_tick(TICK);
}

fn style(template: &str) -> ProgressStyle {
    let seconds = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // If the display can't be written to, the next scrolled line reports it.
        let _ = write!(out, "{:.1}s", state.elapsed().as_secs_f64());
    };
    // The templates are constants above; the default style is an acceptable fallback.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("seconds", seconds)
}
