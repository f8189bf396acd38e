//! Syntax of a call that reads files: `read_csv('raw/a.csv', header = true)`.

use crate::{
    project::yaml::{Yaml, YamlValue},
    text::Source,
};

/// A path, or the call of a function.
pub(super) struct Call {
    pub(super) function: Option<String>,
    pub(super) arguments: Vec<Argument>,
}

/// An argument of a call.
pub(super) struct Argument {
    pub(super) name: Option<String>,
    pub(super) value: YamlValue,
}

impl Call {
    /// Returns the path alone.
    pub(super) fn of_path(path: &str) -> Self {
        let value = YamlValue::String(path.to_owned());
        Self { function: None, arguments: vec![Argument { name: None, value }] }
    }
}

/// Parses one call.
///
/// # Errors
/// If the text is anything else.
pub(super) fn parse(text: &str) -> Result<Call, String> {
    let mut reader = CallReader { rest: text };
    let function = reader.word();
    if function.is_empty() || !reader.takes("(") {
        return Err("`external_location` is neither a path nor the call of a function".to_owned());
    }
    let mut arguments = Vec::new();
    while !reader.takes(")") {
        arguments.push(reader.argument()?);
        if !reader.takes(",") && !reader.rest.starts_with(')') {
            return Err(reader.unexpected());
        }
    }
    reader.skip_space();
    if !reader.rest.is_empty() {
        return Err(format!("unexpected `{}` after the call in `external_location`", reader.rest));
    }
    Ok(Call { function: Some(function), arguments })
}

struct CallReader<'a> {
    rest: &'a str,
}

impl CallReader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.skip_space();
        let after = self.rest.strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn word(&mut self) -> String {
        self.skip_space();
        let is_word = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '.' | '-' | '+');
        let end = self.rest.find(|sign: char| !is_word(sign)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.skip_space();
        word.to_owned()
    }

    fn unexpected(&self) -> String {
        match self.rest {
            "" => "the call in `external_location` lacks its last `)`".to_owned(),
            rest => {
                format!("unexpected `{}` in `external_location`", rest.chars().take(20).collect::<String>())
            }
        }
    }

    fn argument(&mut self) -> Result<Argument, String> {
        let start = self.rest;
        let word = self.word();
        if !word.is_empty() && ["=>", ":=", "="].into_iter().any(|sign| self.takes(sign)) {
            return Ok(Argument { name: Some(word), value: self.value()? });
        }
        self.rest = start;
        Ok(Argument { name: None, value: self.value()? })
    }

    fn value(&mut self) -> Result<YamlValue, String> {
        self.skip_space();
        if self.rest.starts_with('\'') {
            return self.text().map(YamlValue::String);
        }
        if self.takes("[") {
            let mut items = Vec::new();
            while !self.takes("]") {
                let span = Source::new("", "").span(0..0);
                items.push(Yaml { value: self.value()?, span });
                if !self.takes(",") && !self.rest.starts_with(']') {
                    return Err(self.unexpected());
                }
            }
            return Ok(YamlValue::Seq(items));
        }
        if self.rest.starts_with('{') {
            // No option of ours has such a value, so only its end counts.
            let end = self.rest.find('}').ok_or("a `{` of `external_location` lacks its `}`")?;
            self.rest = &self.rest[end + 1..];
            return Ok(YamlValue::Map(Vec::new()));
        }
        let word = self.word();
        Ok(match word.to_lowercase().as_str() {
            "" => return Err("`external_location` lacks a value or its last `)`".to_owned()),
            "true" => YamlValue::Bool(true),
            "false" => YamlValue::Bool(false),
            _ => word.parse().map_or(YamlValue::String(word), YamlValue::Int),
        })
    }

    /// Reads a text in single quotes, in which a quote is written twice.
    fn text(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut signs = self.rest.char_indices().skip(1).peekable();
        while let Some((at, sign)) = signs.next() {
            if sign != '\'' {
                text.push(sign);
            } else if signs.next_if(|(_, next)| *next == '\'').is_some() {
                text.push('\'');
            } else {
                self.rest = &self.rest[at + 1..];
                return Ok(text);
            }
        }
        Err("a text in `external_location` lacks its last quote".to_owned())
    }
}
