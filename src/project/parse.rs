//! YAML parser: builds the YAML tree from a file's text.
//!
//! Parsing, scalar types, anchors and merge keys are `serde-saphyr`'s work; this file keeps the result with
//! its spans. Jinja inside strings isn't touched. Start at [`yaml`].
//!
//! Scalars have the same types as in dbt's own parser: `yes`, `no`, `on` and `off` are booleans (a lone `y`
//! or `n` isn't). Unlike in dbt, a number with a leading zero stays text, so that identifiers such as `0012`
//! survive.

use std::{collections::HashMap, fmt};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, NonFiniteFloatPolicy};

use super::yaml::{Yaml, YamlValue};
use crate::{
    diag::{self, Diagnostic},
    text::{Source, Span, Spanned},
};

/// Parses a file with one YAML document. An empty file is null. Returns `None` if the file is invalid.
pub(super) fn yaml(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Option<Yaml> {
    // The node limits guard against hostile input, but a generated file of a large project may exceed them.
    // Aliases, which could expand without bound, have their own limit.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: usize::MAX, max_nodes: usize::MAX },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        leading_zero_numbers_as_strings: true,
        emit_comments: false,
        with_snippet: false,
    };
    // serde rejects an empty document; here it is just an empty file.
    match serde_saphyr::from_str_with_options::<Option<YamlNode>>(source.text(), options) {
        Ok(Some(node)) => Some(YamlLowering { source, diagnostics }.node(node)),
        Ok(None) => Some(Yaml { value: YamlValue::Null, span: source.span(0..0) }),
        Err(error) => {
            diagnostics.push(syntax_error(source, &error));
            None
        }
    }
}

fn syntax_error(source: &Source, error: &serde_saphyr::Error) -> Diagnostic {
    let error = error.without_snippet();
    let span = error.location().map_or_else(|| source.span(0..0), |at| place(source, at));
    if matches!(error, serde_saphyr::Error::MultipleDocuments { .. }) {
        return Diagnostic::error("yaml-documents", "a file may hold only one YAML document")
            .at(span, "a second document begins here")
            .hint("move it to a file of its own, or remove the `---`");
    }
    let diagnostic = Diagnostic::error("yaml-syntax", "this is not valid YAML")
        .at(span.clone(), diag::yaml::message(error));
    let line_start = source.text()[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line = source.text()[line_start..].lines().next().unwrap_or_default();
    if line.trim_start_matches(' ').starts_with('\t') {
        return diagnostic.hint("YAML is indented with spaces, never with tabs");
    }
    if line.contains("{{") || line.contains("{%") {
        return diagnostic.hint("put quotes around a value that begins with Jinja: `key: \"{{ … }}\"`");
    }
    diagnostic
}

/// Converts a parser's location to a span of the source.
fn place(source: &Source, location: Location) -> Span {
    let span = location.span();
    let (line, column) = (location.line(), location.column());
    let start = span.byte_offset().map_or_else(|| source.offset(index(line), index(column)), index);
    let end = start.saturating_add(span.byte_len().map_or(0, index));
    let span = source.span(start..end);
    // A block scalar's location extends to the next token.
    let written = span.text().trim_end().len();
    source.span(start..start + written)
}

/// Converts an offset to `usize`. An offset that doesn't fit is past the end of any text, and spans are
/// clamped.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// A deserialized node with its location.
struct YamlNode {
    value: Content,
    at: Location,
}

enum Content {
    Scalar(YamlValue),
    Seq(Vec<YamlNode>),
    Map(Vec<(YamlKey, YamlNode)>),
}

/// A key. The text is `None` for a key that isn't text in YAML (`1:`), because only the source has its
/// notation.
struct YamlKey {
    text: Option<String>,
    at: Location,
}

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<Content>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, at: spanned.defined })
    }
}

impl<'de> Deserialize<'de> for YamlKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<Content>::deserialize(deserializer)?;
        match spanned.value {
            Content::Scalar(YamlValue::String(text)) => Ok(Self { text: Some(text), at: spanned.defined }),
            Content::Scalar(_) => Ok(Self { text: None, at: spanned.defined }),
            Content::Seq(_) | Content::Map(_) => Err(D::Error::custom("a key must be plain text")),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Scalar(YamlValue::Null))
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Scalar(YamlValue::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Scalar(YamlValue::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Scalar(YamlValue::Int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Scalar(i64::try_from(value).map_or(YamlValue::Float(value as f64), YamlValue::Int)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Scalar(YamlValue::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Scalar(YamlValue::String(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Content, E> {
        Ok(Content::Scalar(YamlValue::String(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Content::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Content::Map(entries))
    }
}

/// Converts locations to spans, and warns about duplicate keys.
struct YamlLowering<'a> {
    source: &'a Source,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl YamlLowering<'_> {
    fn node(&mut self, node: YamlNode) -> Yaml {
        let span = place(self.source, node.at);
        match node.value {
            Content::Scalar(YamlValue::Bool(_)) if span.text().len() == 1 => {
                Yaml { value: YamlValue::String(span.text().to_owned()), span }
            }
            Content::Scalar(value) => Yaml { value, span },
            Content::Seq(items) => {
                let items: Vec<Yaml> = items.into_iter().map(|item| self.node(item)).collect();
                let span = items.first().map_or(span, |first| first.span.clone());
                Yaml { value: YamlValue::Seq(items), span }
            }
            Content::Map(entries) => {
                let entries = self.entries(entries);
                let span = entries.first().map_or(span, |(key, _)| key.span.clone());
                Yaml { value: YamlValue::Map(entries), span }
            }
        }
    }

    fn entries(&mut self, entries: Vec<(YamlKey, YamlNode)>) -> Vec<(Spanned<String>, Yaml)> {
        let mut kept: Vec<(Spanned<String>, Yaml)> = Vec::with_capacity(entries.len());
        let mut seen: HashMap<String, Span> = HashMap::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.key(key);
            let value = self.node(value);
            if let Some(first) = seen.get(&key.value) {
                let message = format!("the key `{}` is written twice", key.value);
                // As in dbt, the last value is the one that counts.
                let finding = Diagnostic::warning("duplicate-key", message)
                    .at(key.span.clone(), "here again")
                    .at(first.clone(), "first here, without effect");
                self.diagnostics.push(finding);
                kept.retain(|(earlier, _)| earlier.value != key.value);
            }
            seen.insert(key.value.clone(), key.span.clone());
            kept.push((key, value));
        }
        kept
    }

    fn key(&self, key: YamlKey) -> Spanned<String> {
        let span = place(self.source, key.at);
        let text = key.text.unwrap_or_else(|| span.text().to_owned());
        Spanned::new(text, span)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::diag::render;

    proptest::proptest! {
        /// Parsing any text yields a tree or a diagnostic.
        #[test]
        fn no_text_is_too_strange(text in "[a-c0é:{}\\[\\]&*!|>'\"#,?%@<~\\-\\. \t\r\n]{0,60}") {
            let mut diagnostics = Vec::new();
            let tree = yaml(&Source::new("x.yml", text), &mut diagnostics);
            proptest::prop_assert!(tree.is_some() || !diagnostics.is_empty());
        }
    }

    /// Returns the tree and the diagnostics as text.
    fn parsed(text: &str) -> String {
        let mut diagnostics = Vec::new();
        let tree = yaml(&Source::new("x.yml", text), &mut diagnostics);
        let mut out = tree.map_or_else(String::new, |tree| format!("{}\n", tree.to_json()));
        for diagnostic in &diagnostics {
            writeln!(out, "{}", render::to_string(diagnostic, false)).unwrap();
        }
        out.trim_end().to_owned()
    }

    fn check(text: &str, expect: &str) {
        assert_eq!(parsed(text), expect, "{text}");
    }

    #[test]
    fn values_keep_yamls_types() {
        check(
            "a: 1\nb: '1'\nc: [yes, 'yes', y]\nd: ~\ne: 1e3\n",
            r#"{"a":1,"b":"1","c":[true,"yes","y"],"d":null,"e":1000.0}"#,
        );
        check(
            "a: 007\nb: 1_000\nc: .nan\nd: 2021-01-01\n",
            r#"{"a":"007","b":1000,"c":".nan","d":"2021-01-01"}"#,
        );
        check("1: a\ntrue: b\n~: c\n'': d\n", r#"{"1":"a","true":"b","~":"c","":"d"}"#);
        check("a: |\n  x\n  y\nb: >-\n  x\n  y\n", r#"{"a":"x\ny\n","b":"x y"}"#);
    }

    #[test]
    fn anchors_and_merge_keys_are_expanded() {
        check(
            "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\ne: *x\n",
            r#"{"a":{"b":1,"c":2},"d":{"c":3,"b":1},"e":{"b":1,"c":2}}"#,
        );
    }

    #[test]
    fn line_ends_and_empty_files() {
        check("a: 1\r\nb:\r\n  - c\r\n", r#"{"a":1,"b":["c"]}"#);
        check("", "null");
        check("# nothing\n", "null");
        check("---\na: 1\n...\n", r#"{"a":1}"#);
    }

    #[test]
    fn spans_point_at_what_is_written() {
        let source = Source::new("x.yml", "é: ü\nb:\n  - k: 'v'\n    w: |\n      block\n  - z\n");
        let tree = yaml(&source, &mut Vec::new()).unwrap();
        let mut out = String::new();
        show(&tree, 0, &mut out);
        insta::assert_snapshot!(out);
    }

    #[test]
    fn what_is_not_yaml_says_where_and_why() {
        let wrong = [
            "a:\n\t- b\n",
            "a: {{ var('x') }}\n",
            "a: 1\n---\nb: 2\n",
            "a: 1\na: 2\n",
            "a: 'unclosed\nb: c\n",
            "a: *nope\n",
            "? [a, b]\n: c\n",
        ];
        insta::assert_snapshot!(wrong.map(parsed).join("\n\n"));
    }

    #[test]
    fn hostile_input_ends_in_a_finding() {
        let mut diagnostics = Vec::new();
        assert_eq!(yaml(&Source::new("x.yml", "[".repeat(100_000)), &mut diagnostics), None);
        let mut bomb = "a0: &a0 [x]\n".to_owned();
        for n in 1..20 {
            writeln!(bomb, "a{n}: &a{n} [*a{0},*a{0},*a{0},*a{0},*a{0}]", n - 1).unwrap();
        }
        assert_eq!(yaml(&Source::new("x.yml", bomb), &mut diagnostics), None);
        assert_eq!(diagnostics.len(), 2);
    }

    fn show(yaml: &Yaml, depth: usize, out: &mut String) {
        match &yaml.value {
            YamlValue::Seq(items) => {
                writeln!(out, "{}seq {:?}", " ".repeat(depth), yaml.span.text()).unwrap();
                for item in items {
                    show(item, depth + 1, out);
                }
            }
            YamlValue::Map(entries) => {
                writeln!(out, "{}map {:?}", " ".repeat(depth), yaml.span.text()).unwrap();
                for (key, value) in entries {
                    writeln!(out, "{} {} {:?}", " ".repeat(depth), key.value, key.span.text()).unwrap();
                    show(value, depth + 2, out);
                }
            }
            value => writeln!(out, "{}{value:?} {:?}", " ".repeat(depth), yaml.span.text()).unwrap(),
        }
    }
}
