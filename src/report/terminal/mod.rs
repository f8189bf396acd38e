//! The terminal sink: dbt's lines and, on a terminal, a live display below them while the run lasts.

mod live;

use std::io::Write;

use chrono::{DateTime, FixedOffset, Utc};
use indicatif::ProgressDrawTarget;

use crate::{
    event::Event,
    secret::{Scrubbed, scrubbed},
};

use self::live::Live;
use super::{
    EventSink, FileLookup, SinkError,
    level::Level,
    line::Line,
    message::Message,
    message_builder::MessageBuilder,
    wording::{PRINTER_WIDTH, Wording},
};

/// The appearance of lines. Nothing is detected here: `cli` knows the terminal and the environment.
#[derive(Debug, Clone, Copy)]
pub struct TerminalStyle {
    /// Whether to use colours.
    pub colour: bool,
    /// The UTC offset of the local time at the start of lines.
    pub offset: FixedOffset,
    /// The column at which a status line's bracket starts, as dbt's `--printer-width`.
    pub width: usize,
    /// Whether to print only problems, once, at the end.
    pub quiet: bool,
}

impl TerminalStyle {
    /// Returns the default appearance: dbt's width, no colour, not quiet.
    #[must_use]
    pub fn new(offset: FixedOffset) -> Self {
        Self { colour: false, offset, width: PRINTER_WIDTH, quiet: false }
    }
}

/// Prints a run's lines.
pub struct Terminal {
    builder: MessageBuilder,
    style: TerminalStyle,
    surface: Surface,
}

enum Surface {
    Plain(Box<dyn Write + Send>),
    Live(Live),
}

impl Terminal {
    /// Creates a sink that prints plain lines.
    #[must_use]
    pub fn plain(out: Box<dyn Write + Send>, style: TerminalStyle, lookup: FileLookup) -> Self {
        Self { builder: MessageBuilder::new(lookup), style, surface: Surface::Plain(out) }
    }

    /// Creates a sink that prints lines to stdout with the running steps below them, for use if stdout is a
    /// terminal. In quiet mode there is no live display, and lines go to stderr.
    #[must_use]
    pub fn live(style: TerminalStyle, lookup: FileLookup) -> Self {
        Self::live_on(ProgressDrawTarget::stdout(), style, lookup)
    }

    fn live_on(target: ProgressDrawTarget, style: TerminalStyle, lookup: FileLookup) -> Self {
        if style.quiet {
            return Self::plain(Box::new(Scrubbed::new(std::io::stderr())), style, lookup);
        }
        // A hidden target discards lines too, but they must reach stdout wherever it leads.
        if target.is_hidden() {
            return Self::plain(Box::new(Scrubbed::new(std::io::stdout())), style, lookup);
        }
        let live = Live::new(target, style.colour);
        Self { builder: MessageBuilder::new(lookup), style, surface: Surface::Live(live) }
    }

    fn shows(&self, message: &Message) -> bool {
        match &self.surface {
            _ if self.style.quiet => message.is_problem(),
            // The bar already shows that the step has started.
            Surface::Live(_) if matches!(message, Message::Started(_)) => false,
            _ => message.level() >= Level::Info,
        }
    }

    fn text(&mut self, event: &Event) -> String {
        let reason_at_end = matches!(self.surface, Surface::Live(_));
        let wording = Wording { width: self.style.width, reason_at_end };
        let messages = self.builder.messages(event);
        let shown = messages.iter().filter(|message| self.shows(message));
        let text: String =
            shown.map(|message| self.style.stamped(event.at, &wording.lines(message))).collect();
        scrubbed(&text).into_owned()
    }
}

impl TerminalStyle {
    /// Renders the lines of one message. As in dbt, only the first has a timestamp.
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

impl EventSink for Terminal {
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
