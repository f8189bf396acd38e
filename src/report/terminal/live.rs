//! The live display: a line for each step that runs now and one for the whole, below the lines that scroll.

use std::{collections::BTreeMap, fmt, io, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::{
    event::{Event, Fact},
    name::NodeId,
    plan::{Action, Reason, Step},
    report::width::printable,
};

/// How often spinners turn and seconds advance.
const TICK: Duration = Duration::from_millis(120);

/// The bars. A fold of the events.
pub(super) struct Live {
    multi: MultiProgress,
    total: ProgressBar,
    steps: BTreeMap<NodeId, Shown>,
    colour: bool,
}

/// A step that has a bar, and what the bar calls it.
struct Shown {
    bar: ProgressBar,
    what: String,
}

impl Live {
    /// A display with nothing on it yet.
    pub(super) fn new(target: ProgressDrawTarget, colour: bool) -> Self {
        Self {
            multi: MultiProgress::with_draw_target(target),
            total: ProgressBar::hidden(),
            steps: BTreeMap::new(),
            colour,
        }
    }

    /// Takes an event in, and prints what is to scroll.
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
            Fact::RunStarted(_) | Fact::FilesMoved { .. } | Fact::CancelRequested => {}
        }
        if text.is_empty() { Ok(()) } else { self.multi.println(text.trim_end_matches('\n')) }
    }

    /// Leaves only the lines that scrolled.
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
        // The tests of a model come and go too fast for bars of their own, and its job is theirs.
        if let Reason::Gates { node } = &step.reason
            && let Some(Shown { bar, what }) = self.steps.get(node)
        {
            bar.set_message(format!("{what}, testing {name}"));
            return;
        }
        // Only what makes a table has rows to count.
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

/// Draws the bar at once, then at every tick.
fn appear(bar: &ProgressBar) {
    bar.tick();
    bar.enable_steady_tick(TICK);
}

fn style(template: &str) -> ProgressStyle {
    let seconds = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // A display that can't be written to shows at the next line that scrolls.
        let _ = write!(out, "{:.1}s", state.elapsed().as_secs_f64());
    };
    // The templates are constants above; the default style is still a display.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("seconds", seconds)
}
