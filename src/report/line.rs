//! A line of text for people, made of parts that each have a tone. Tones become colours only when the line is
//! rendered; all other control sequences are escaped.

use anstyle::{AnsiColor, Style};

use super::width::printable;

/// The meaning of a part, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Unstyled.
    Plain,
    /// Success.
    Good,
    /// Failure.
    Bad,
    /// A warning.
    Caution,
    /// A detail of minor interest.
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

/// One line, without its line break.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Tone, String)>);

impl Line {
    /// Creates a line in one tone.
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().and(tone, text)
    }

    /// Creates an unstyled line.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(Tone::Plain, text)
    }

    /// Appends a part.
    pub(super) fn and(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((tone, printable(&text.into())));
        self
    }

    /// Indents the line; an empty line stays empty.
    pub(super) fn indented(mut self, by: usize) -> Self {
        if self.0.iter().any(|(_, text)| !text.is_empty()) {
            self.0.insert(0, (Tone::Plain, " ".repeat(by)));
        }
        self
    }

    /// Prepends a part.
    pub(super) fn after(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.insert(0, (tone, printable(&text.into())));
        self
    }

    /// Appends another line's parts.
    pub(super) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Returns the text without colours.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Returns the text with ANSI colours.
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
