//! Scrubbing: replaces the values of secrets in text that leaves the process.
//!
//! The values are those of the process, not of a project: panics and log lines leave it without knowing any
//! project. So this set is the one global of the program. It only ever grows.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    io::{self, Write},
    sync::{PoisonError, RwLock},
};

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// The minimum length, in bytes, of the values to replace. Shorter ones occur by chance in unrelated text.
const SHORTEST: usize = 4;

/// The same for artifacts.
const SHORTEST_IN_ARTIFACTS: usize = 8;

/// The text in the place of a secret, as in dbt.
const STARS: &str = "*****";

/// The known values, in each form in which texts contain them.
static HIDDEN: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// Hides a value in all later output, as it is and as JSON and URLs spell it. The lines of a longer value,
/// such as a key file, are hidden one by one.
pub fn hide(value: &str) {
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    for line in value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST) {
        hidden.insert(line.to_owned());
        let quoted = serde_json::Value::from(line).to_string();
        hidden.insert(quoted[1..quoted.len() - 1].to_owned());
        // As one of Rust's debug texts.
        let debugged = format!("{line:?}");
        hidden.insert(debugged[1..debugged.len() - 1].to_owned());
        hidden.insert(utf8_percent_encode(line, COMPONENT).to_string());
        hidden.insert(utf8_percent_encode(line, PATH).to_string());
        hidden.extend(
            url::form_urlencoded::byte_serialize(line.as_bytes()).map(str::to_owned).reduce(|a, b| a + &b),
        );
    }
}

/// The characters that a component of a URL encodes, and those that a path or a user does.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

fn has_hidden() -> bool {
    !HIDDEN.read().unwrap_or_else(PoisonError::into_inner).is_empty()
}

/// Returns a text in which stars replace the hidden values.
#[must_use]
pub fn scrubbed(text: &str) -> Cow<'_, str> {
    without(text, SHORTEST)
}

/// Same as [`scrubbed`] for an artifact. Its messages are scrubbed where they arise, so short values are
/// left: they may be part of names, by which later commands find nodes.
#[must_use]
pub fn scrubbed_artifact(text: &str) -> Cow<'_, str> {
    without(text, SHORTEST_IN_ARTIFACTS)
}

fn without(text: &str, shortest: usize) -> Cow<'_, str> {
    let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner);
    let mut hidden: Vec<&str> =
        hidden.iter().map(String::as_str).filter(|value| value.len() >= shortest).collect();
    // Longer values come first: if a value contains another one, all of it is replaced.
    hidden.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut text = Cow::Borrowed(text);
    for value in hidden {
        if text.contains(value) {
            text = Cow::Owned(replaced(&text, value));
        }
    }
    text
}

fn replaced(text: &str, value: &str) -> String {
    let is_literal = matches!(value, "true" | "false" | "null") || value.parse::<f64>().is_ok();
    let (mut shown, mut end) = (String::with_capacity(text.len()), 0);
    for (at, _) in text.match_indices(value) {
        let (before, after) = (&text[..at], &text[at + value.len()..]);
        // A key that happens to equal a secret doesn't reveal it.
        let is_key = before.ends_with('"') && after.starts_with("\":");
        if !(is_key || (is_literal && is_in_literal(before, after))) {
            shown.push_str(&text[end..at]);
            shown.push_str(STARS);
            end = at + value.len();
        }
    }
    shown + &text[end..]
}

/// Returns whether the text between these two is part of an unquoted JSON literal, such as a number in an
/// artifact or a log line.
fn is_in_literal(before: &str, after: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || ".+-".contains(letter);
    let (before, after) = (before.trim_end_matches(is_part), after.trim_start_matches(is_part));
    before.ends_with([':', ',', '[']) && after.starts_with([',', '}', ']'])
}

/// A writer that scrubs what is written through it, line by line.
#[derive(Debug)]
pub struct Scrubbed<W: Write> {
    inner: W,
    /// The beginning of a line: a secret may be written in several parts.
    line: Vec<u8>,
}

impl<W: Write> Scrubbed<W> {
    /// Creates a writer in front of another one.
    pub fn new(inner: W) -> Self {
        Self { inner, line: Vec::new() }
    }

    fn release(&mut self, end: usize) -> io::Result<()> {
        let rest = self.line.split_off(end);
        let whole = std::mem::replace(&mut self.line, rest);
        match std::str::from_utf8(&whole) {
            Ok(text) => self.inner.write_all(scrubbed(text).as_bytes()),
            Err(_) => self.inner.write_all(scrubbed(&String::from_utf8_lossy(&whole)).as_bytes()),
        }
    }
}

impl<W: Write> Write for Scrubbed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.line.is_empty() && !has_hidden() {
            return self.inner.write(bytes);
        }
        self.line.extend_from_slice(bytes);
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            self.release(self.line.len() - (bytes.len() - end - 1))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.release(self.line.len())?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for Scrubbed<W> {
    fn drop(&mut self) {
        // Like other buffers, it reports errors only if it is flushed explicitly.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_values_are_replaced_in_every_form() {
        hide("Scrub/\"me 1\"");
        for form in [
            "Scrub/\"me 1\"",
            "Scrub/\\\"me 1\\\"",
            "Scrub%2F%22me%201%22",
            "Scrub/%22me%201%22",
            "Scrub%2F%22me+1%22",
        ] {
            assert_eq!(scrubbed(&format!("<{form}>")), "<*****>", "{form}");
        }
        assert_eq!(scrubbed("nothing here"), "nothing here");
    }

    #[test]
    fn lines_of_a_key_file_are_hidden_one_by_one() {
        hide("first-line-of-a-key\n  second-line-of-a-key\n}\n");
        assert_eq!(scrubbed("a second-line-of-a-key }"), "a ***** }");
    }

    #[test]
    fn keys_of_objects_are_kept() {
        hide("scrub_me_key");
        assert_eq!(scrubbed(r#"{"scrub_me_key":"scrub_me_key"}"#), r#"{"scrub_me_key":"*****"}"#);
    }

    #[test]
    fn numbers_of_artifacts_stay_numbers() {
        hide("90210771");
        let line =
            r#"{"rows":90210771,"seconds":0.90210771,"ids":[90210771],"text":"got 90210771, id 90210771"}"#;
        let shown = r#"{"rows":90210771,"seconds":0.90210771,"ids":[90210771],"text":"got *****, id *****"}"#;
        assert_eq!(scrubbed(line), shown);
    }

    #[test]
    fn short_values_stay_in_artifacts() {
        hide("scrub-7");
        hide("scrub-me-8");
        assert_eq!(scrubbed_artifact("scrub-7 scrub-me-8"), "scrub-7 *****");
        assert_eq!(scrubbed("scrub-7 scrub-me-8"), "***** *****");
    }

    #[test]
    fn values_are_found_across_writes() {
        hide("scrub-me-in-parts");
        let mut bytes = Vec::new();
        let mut out = Scrubbed::new(&mut bytes);
        out.write_all(b"one\ntwo scrub-me").unwrap();
        out.write_all(b"-in-parts three\nfour").unwrap();
        drop(out);
        assert_eq!(String::from_utf8(bytes).unwrap(), "one\ntwo ***** three\nfour");
    }

    #[test]
    fn short_values_are_no_secrets() {
        hide("abc");
        assert_eq!(scrubbed("abc"), "abc");
    }
}
