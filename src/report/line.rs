//! A line of text for people, its parts toned. Tones become colours only when the line is painted; nothing else in it
//! drives the terminal.

use anstyle::{AnsiColor, Style};

use super::width::printable;

/// How a part of a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it comes.
    Plain,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// Worth a look.
    Caution,
    /// Beside the point.
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Caution => AnsiColor::Yellow.on_default(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// One line, without its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Tone, String)>);

impl Line {
    /// A line in one tone.
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().and(tone, text)
    }

    /// A line as it comes.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(Tone::Plain, text)
    }

    /// The line and one more part.
    pub(super) fn and(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((tone, printable(&text.into())));
        self
    }

    /// The line, further in; an empty one stays empty.
    pub(super) fn indented(mut self, by: usize) -> Self {
        if self.0.iter().any(|(_, text)| !text.is_empty()) {
            self.0.insert(0, (Tone::Plain, " ".repeat(by)));
        }
        self
    }

    /// The line after one more part.
    pub(super) fn after(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.insert(0, (tone, printable(&text.into())));
        self
    }

    /// The line and another one's parts.
    pub(super) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The text alone.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The text in its colours.
    pub(super) fn coloured(&self) -> String {
        let mut out = String::new();
        for (tone, text) in &self.0 {
            let style = tone.style();
            out.extend([style.render().to_string().as_str(), text, &style.render_reset().to_string()]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_wrap_only_what_is_toned() {
        let line = Line::plain("[").and(Tone::Good, "OK").and(Tone::Plain, "]");
        assert_eq!(line.text(), "[OK]");
        assert_eq!(line.coloured(), "[\u{1b}[32mOK\u{1b}[0m]");
    }
}
