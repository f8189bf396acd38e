//! The sink for people: dbt's lines, and while the run lasts a live display below them if there is a terminal.

mod live;

use std::io::Write;

use chrono::{DateTime, FixedOffset, Utc};
use indicatif::ProgressDrawTarget;

use crate::event::Event;

use self::live::Live;
use super::{
    Lookup, Sink, SinkError,
    line::Line,
    message::{Level, Message},
    narrator::Narrator,
    wording::{PRINTER_WIDTH, Wording},
};

/// How lines are to look. Nothing here is found out: `cli` knows the terminal and the environment.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether to colour.
    pub colour: bool,
    /// The offset of the local time that lines begin with.
    pub offset: FixedOffset,
    /// Columns before a status line's bracket, as dbt's `--printer-width`.
    pub width: usize,
    /// Say only what went wrong, once, at the end.
    pub quiet: bool,
}

impl Look {
    /// dbt's width, no colour, not quiet.
    #[must_use]
    pub fn new(offset: FixedOffset) -> Self {
        Self { colour: false, offset, width: PRINTER_WIDTH, quiet: false }
    }
}

/// Prints a run's lines.
pub struct Terminal {
    narrator: Narrator,
    look: Look,
    surface: Surface,
}

enum Surface {
    Plain(Box<dyn Write + Send>),
    Live(Live),
}

impl Terminal {
    /// Lines alone, one after another.
    #[must_use]
    pub fn plain(out: Box<dyn Write + Send>, look: Look, lookup: Lookup) -> Self {
        Self { narrator: Narrator::new(lookup), look, surface: Surface::Plain(out) }
    }

    /// Lines on stdout and, below them, the steps that run now. To be used if stdout is a terminal. A quiet look
    /// leaves nothing to show live; its lines go to stderr.
    #[must_use]
    pub fn live(look: Look, lookup: Lookup) -> Self {
        Self::live_on(ProgressDrawTarget::stdout(), look, lookup)
    }

    fn live_on(target: ProgressDrawTarget, look: Look, lookup: Lookup) -> Self {
        if look.quiet {
            return Self::plain(Box::new(std::io::stderr()), look, lookup);
        }
        // A hidden target swallows lines too; those must come out wherever stdout leads.
        if target.is_hidden() {
            return Self::plain(Box::new(std::io::stdout()), look, lookup);
        }
        let live = Live::new(target, look.colour);
        Self { narrator: Narrator::new(lookup), look, surface: Surface::Live(live) }
    }

    fn shows(&self, message: &Message) -> bool {
        match &self.surface {
            _ if self.look.quiet => message.is_trouble(),
            // Its bar shows that a step has started.
            Surface::Live(_) if matches!(message, Message::Started(_)) => false,
            _ => message.level() >= Level::Info,
        }
    }

    fn text(&mut self, event: &Event) -> String {
        let reason_at_end = matches!(self.surface, Surface::Live(_));
        let wording = Wording { width: self.look.width, reason_at_end };
        let messages = self.narrator.tell(event);
        let shown = messages.iter().filter(|message| self.shows(message));
        shown.map(|message| self.look.stamped(event.at, &wording.lines(message))).collect()
    }
}

impl Look {
    /// The lines of one message; as in dbt, only the first bears the time.
    fn stamped(&self, at: DateTime<Utc>, lines: &[Line]) -> String {
        let time = at.with_timezone(&self.offset).format("%H:%M:%S").to_string();
        let heads = std::iter::once(time.as_str()).chain(std::iter::repeat("        "));
        let mut out = String::new();
        for (line, head) in lines.iter().zip(heads) {
            let text = if self.colour { line.coloured() } else { line.text() };
            out.push_str(format!("{head}  {text}").trim_end());
            out.push('\n');
        }
        out
    }
}

impl Sink for Terminal {
    fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        let text = self.text(event);
        let written = match &mut self.surface {
            Surface::Plain(_) if text.is_empty() => Ok(()),
            Surface::Plain(out) => out.write_all(text.as_bytes()).and_then(|()| out.flush()),
            Surface::Live(live) => live.event(event, &text),
        };
        written.map_err(|error| SinkError::new("to the terminal", error))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        match &mut self.surface {
            Surface::Plain(out) => out.flush(),
            Surface::Live(live) => live.clear(),
        }
        .map_err(|error| SinkError::new("to the terminal", error))
    }
}

#[cfg(test)]
mod tests;
