//! Template rewriting before compilation, so that `MiniJinja` gives templates dbt's meaning.
//!
//! - calls of `ref`, `source`, `changes` and `config` get their position;
//! - list and dict literals become mutable values, as in Python;
//! - a printed variable that a branch may leave unset prints nothing;
//! - the right operand of `+` is paid for if it is a sequence;
//! - sums and differences become filters where a template computes with times;
//! - macros get a hidden name, and defaults that may refer to earlier parameters;
//! - dbt's own blocks (`test`, `materialization`) become macros; `docs` and `snapshot` blocks are removed.
//!
//! Each byte of the result knows its origin ([`Stitched`]). Templates are not validated here.

mod operators;

use std::{collections::BTreeSet, ops::Range};

use self::operators::uses_times;
use super::{
    header::{ImplicitNames, MacroHeader, hidden_name},
    lexer::{self, Tag, TagKind, TemplateToken, TokenKind},
    operand::{closing, excess_operator},
    stitched::Stitched,
};

/// The start of every template: two macros for [`super::callable`]. `__import` loads a macro file into the
/// running state. It has a scope of its own because a macro sees all variables of the scope that declares it,
/// and a macro file must not see those of the calling template. `__origin` fails on an undefined value:
/// `MiniJinja` names the value's origin only in errors.
const PRELUDE: &str = "{% with %}{% macro __import(__file) %}{% import __file as __module %}\
    {% do __loaded(__file, __module) %}{% endmacro %}{% macro __origin(__value) %}{{ __value + 1 }}{% endmacro %}\
    {% do __start(__import, __origin) %}{% endwith %}";

/// The role of the text to rewrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemplateRole {
    /// A template that is rendered; its macros are local to it.
    Model,
    /// A file of macros that every template can call.
    MacroFile,
}

/// A template ready to compile.
#[derive(Debug, Clone, Default)]
pub(super) struct Rewritten {
    pub(super) stitched: Stitched,
    /// The declared macros, in order; generated code refers to them by index.
    pub(super) headers: Vec<MacroHeader>,
    /// The position of an operator that is one too many for its expression.
    pub(super) excess_operator: Option<usize>,
}

/// Rewrites a template; generated code refers to it by the number `file`.
pub(super) fn rewrite(text: &str, file: usize, role: TemplateRole) -> Rewritten {
    let tags = lexer::tags(text);
    let mut rewriter = Rewriter {
        text,
        file,
        role,
        inner: Vec::new(),
        replaced: BTreeSet::new(),
        outer: Vec::new(),
        headers: Vec::new(),
    };
    let assigned = assigned(text, &tags);
    let uses_times = uses_times(text);
    for tag in &tags {
        rewriter.small_words(tag);
        rewriter.percents(tag);
        // Outermost first: of several insertions at one position, the first stays in front.
        if uses_times {
            rewriter.time_sums(tag);
        }
        rewriter.sums(tag);
        rewriter.calls(tag);
        rewriter.literals(tag);
        rewriter.unset(tag, &assigned);
    }
    rewriter.blocks(&tags);
    let excess_operator = tags.iter().find_map(|tag| excess_operator(text, &tag.tokens));
    Rewritten { excess_operator, ..rewriter.stitch() }
}

struct Rewriter<'t> {
    text: &'t str,
    file: usize,
    role: TemplateRole,
    /// Insertions inside tags.
    inner: Vec<(usize, String)>,
    /// The places of single characters that the insertion there replaces.
    replaced: BTreeSet<usize>,
    /// Replacements of whole tags or parts of them, which can contain inner insertions.
    outer: Vec<Edit>,
    headers: Vec<MacroHeader>,
}

struct Edit {
    range: Range<usize>,
    parts: Vec<TemplatePart>,
}

enum TemplatePart {
    New(String),
    Moved(Range<usize>),
}

impl Rewriter<'_> {
    fn word(&self, token: &TemplateToken) -> &str {
        &self.text[token.range.clone()]
    }

    /// Rewrites `ref('x')` to `__at(ref,0,7,15)('x')`, so that the callable knows its position.
    fn calls(&mut self, tag: &Tag) {
        for (index, token) in tag.tokens.iter().enumerate() {
            let called = tag.tokens.get(index + 1).is_some_and(|next| next.is(b'('));
            let bare = index == 0 || !matches!(tag.tokens[index - 1].kind, TokenKind::Sign(b'.' | b'|'));
            if token.kind == TokenKind::Word
                && called
                && bare
                && matches!(self.word(token), "ref" | "source" | "changes" | "config")
            {
                let end = closing(&tag.tokens, index + 1).map_or(token.range.end, |close| close.range.end);
                let place = format!(",{},{},{end})", self.file, token.range.start);
                self.inner.push((token.range.start, "__at(".to_owned()));
                self.inner.push((token.range.end, place));
            }
        }
    }

    /// Rewrites `[1]` to `__list([1])`, and `{'a': 1}` to `__dict({'a': 1})`.
    fn literals(&mut self, tag: &Tag) {
        for (index, token) in tag.tokens.iter().enumerate() {
            let maker = match token.kind {
                TokenKind::Sign(b'[') if !self.is_operand(tag, index) => "__list(",
                TokenKind::Sign(b'{') => "__dict(",
                _ => continue,
            };
            if let Some(close) = closing(&tag.tokens, index) {
                self.inner.push((token.range.start, maker.to_owned()));
                self.inner.push((close.range.end, ")".to_owned()));
            }
        }
    }

    /// Rewrites `{{ x }}` to `{{ x if x is defined }}` if the template assigns `x` somewhere, as a branch may
    /// not have. It then prints nothing; a name that is never assigned gets a warning.
    fn unset(&mut self, tag: &Tag, assigned: &BTreeSet<&str>) {
        if let ([token], TagKind::Expression) = (&tag.tokens[..], tag.kind)
            && token.kind == TokenKind::Word
            && assigned.contains(self.word(token))
        {
            let condition = format!(" if {} is defined", self.word(token));
            self.inner.push((token.range.end, condition));
        }
    }

    /// Returns whether the preceding token ends an operand, so that a following `[` is a subscript.
    fn is_operand(&self, tag: &Tag, index: usize) -> bool {
        is_operand(self.text, tag, index)
    }

    fn blocks(&mut self, tags: &[Tag]) {
        let mut open: Vec<usize> = Vec::new();
        for (index, tag) in tags.iter().enumerate() {
            match tag.keyword(self.text) {
                Some("macro") => self.open(tags, index, &mut open),
                Some("test" | "data_test" | "materialization") if self.role == TemplateRole::MacroFile => {
                    self.open(tags, index, &mut open);
                }
                Some("endmacro" | "endtest" | "enddata_test" | "endmaterialization") => {
                    if let Some(header) = open.pop() {
                        self.close(tag, header);
                    }
                }
                Some("docs" | "snapshot") if self.role == TemplateRole::MacroFile => self.remove(tags, index),
                _ => {}
            }
        }
    }

    fn open(&mut self, tags: &[Tag], index: usize, open: &mut Vec<usize>) {
        let tag = &tags[index];
        let Some(mut header) = MacroHeader::read(self.text, tag) else { return };
        header.local = self.role == TemplateRole::Model || !open.is_empty();
        header.uses = ImplicitNames::of(self.text, body(self.text, tags, index));
        let mut parts = vec![TemplatePart::New(format!(
            "macro {}({}) ",
            hidden_name(&header.name),
            header.native_parameters().join(", ")
        ))];
        parts.push(TemplatePart::Moved(tag.closing.clone()));
        let defaults = header.parameters.iter().filter_map(|parameter| {
            parameter.default.as_ref().map(|default| (parameter.name.as_str(), default))
        });
        for (name, default) in defaults {
            parts.push(TemplatePart::New(format!("{{% if {name} is undefined %}}{{% set {name} = ")));
            parts.push(TemplatePart::Moved(default.clone()));
            parts.push(TemplatePart::New(" %}{% endif ".to_owned()));
            parts.push(TemplatePart::Moved(tag.closing.clone()));
        }
        self.outer.push(Edit { range: tag.tokens[0].range.start..tag.range.end, parts });
        open.push(self.headers.len());
        self.headers.push(header);
    }

    fn close(&mut self, tag: &Tag, header: usize) {
        let mut parts =
            vec![TemplatePart::New("endmacro ".to_owned()), TemplatePart::Moved(tag.closing.clone())];
        if self.headers[header].local {
            let name = &self.headers[header].name;
            let hidden = hidden_name(name);
            let binding = format!("{{% set {name} = __macro({hidden}, {}, {header}) ", self.file);
            // Reuse the closing marker, so that whitespace after the binding is trimmed as before.
            parts.extend([TemplatePart::New(binding), TemplatePart::Moved(tag.closing.clone())]);
        }
        self.outer.push(Edit { range: tag.tokens[0].range.start..tag.range.end, parts });
    }

    fn remove(&mut self, tags: &[Tag], index: usize) {
        let closer = if tags[index].keyword(self.text) == Some("docs") { "enddocs" } else { "endsnapshot" };
        if let Some(end) = tags[index..].iter().find(|tag| tag.keyword(self.text) == Some(closer)) {
            self.outer.push(Edit { range: tags[index].range.start..end.range.end, parts: Vec::new() });
        }
    }

    fn stitch(mut self) -> Rewritten {
        self.inner.sort_by_key(|(at, _)| *at);
        self.outer.sort_by_key(|edit| edit.range.start);
        let mut stitched = Stitched::default();
        stitched.put(PRELUDE, 0..0);
        let mut at = 0;
        for edit in &self.outer {
            // Skip edits inside a removed block.
            if edit.range.start < at {
                continue;
            }
            self.copy(&mut stitched, at..edit.range.start);
            for part in &edit.parts {
                match part {
                    TemplatePart::New(text) => stitched.put(text, edit.range.clone()),
                    TemplatePart::Moved(range) => self.copy(&mut stitched, range.clone()),
                }
            }
            at = edit.range.end;
        }
        self.copy(&mut stitched, at..self.text.len());
        Rewritten { stitched, headers: self.headers, excess_operator: None }
    }

    /// Copies a part of the text, with the insertions that fall into it.
    fn copy(&self, stitched: &mut Stitched, range: Range<usize>) {
        let first = self.inner.partition_point(|(at, _)| *at < range.start);
        let mut from = range.start;
        for (at, text) in self.inner[first..].iter().take_while(|(at, _)| *at <= range.end) {
            stitched.copy(self.text, from..*at);
            stitched.put(text, *at..*at);
            from = at + usize::from(self.replaced.contains(at));
        }
        stitched.copy(self.text, from..range.end);
    }
}

/// Returns whether the token before ends an operand.
fn is_operand(text: &str, tag: &Tag, index: usize) -> bool {
    const OPERATORS: [&str; 12] =
        ["in", "and", "or", "not", "is", "if", "else", "elif", "for", "do", "import", "include"];
    let Some(before) = index.checked_sub(1).map(|before| &tag.tokens[before]) else { return false };
    match before.kind {
        TokenKind::Text | TokenKind::Number => true,
        TokenKind::Word => !OPERATORS.contains(&&text[before.range.clone()]),
        TokenKind::Sign(sign) => matches!(sign, b')' | b']' | b'}'),
    }
}

/// Returns the variables that a template assigns with `set`.
fn assigned<'t>(text: &'t str, tags: &[Tag]) -> BTreeSet<&'t str> {
    let sets = tags.iter().filter(|tag| tag.keyword(text) == Some("set"));
    let targets = sets.flat_map(|tag| {
        let words = tag.tokens.iter().skip(1).take_while(|token| !token.is(b'='));
        words.filter(|token| token.kind == TokenKind::Word)
    });
    targets.map(|token| &text[token.range.clone()]).collect()
}

/// Returns the tags between a macro's header and its end.
fn body<'t>(text: &str, tags: &'t [Tag], header: usize) -> &'t [Tag] {
    let mut depth = 0_usize;
    let rest = &tags[header + 1..];
    let end = rest.iter().position(|tag| match tag.keyword(text) {
        Some("macro") => {
            depth += 1;
            false
        }
        Some("endmacro" | "endtest" | "enddata_test" | "endmaterialization") => {
            let ends = depth == 0;
            depth = depth.saturating_sub(1);
            ends
        }
        _ => false,
    });
    &rest[..end.unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(role: TemplateRole, text: &str, expect: &str) {
        let rewritten = rewrite(text, 0, role);
        assert_eq!(rewritten.stitched.text().strip_prefix(PRELUDE), Some(expect));
    }

    #[test]
    fn templates_are_rewritten_in_place() {
        check(TemplateRole::Model, "a {{ ref('x') }}", "a {{ __at(ref,0,5,13)('x') }}");
        check(TemplateRole::Model, "{{ builtins.ref('x') }}", "{{ builtins.ref('x') }}");
        check(TemplateRole::Model, "{{ x[0] + [1][0] }}", "{{ x[0] + __seq(__list([1])[0]) }}");
        check(TemplateRole::Model, "{% for a in [[1]] %}", "{% for a in __list([__list([1])]) %}");
        check(TemplateRole::Model, "{{ {'a': 1} }}", "{{ __dict({'a': 1}) }}");
        check(
            TemplateRole::Model,
            "{% if a %}{% set b = 1 %}{% endif %}{{ b }}{{ a }}",
            "{% if a %}{% set b = 1 %}{% endif %}{{ b if b is defined }}{{ a }}",
        );
    }

    #[test]
    fn what_is_added_is_paid_for() {
        check(TemplateRole::Model, "{{ a + b }}", "{{ a + __seq(b) }}");
        check(TemplateRole::Model, "{{ a + 1 + 'x' + [b] }}", "{{ a + 1 + 'x' + __list([b]) }}");
        check(
            TemplateRole::Model,
            "{{ a + b.c(d)[0]|f(1) ~ -e ** 2 - f }}",
            "{{ a + __seq(b.c(d)[0]|f(1) ~ -e ** 2) - f }}",
        );
        check(TemplateRole::Model, "{{ a + [b] * 2 }}", "{{ a + __seq(__list([b]) * 2) }}");
        check(TemplateRole::Model, "{{ a + ref('x') }}", "{{ a + __seq(__at(ref,0,7,15)('x')) }}");
        check(
            TemplateRole::Model,
            "{%+ set x = a + (b + c) if d +%}",
            "{%+ set x = a + __seq((b + __seq(c))) if d +%}",
        );
        check(TemplateRole::Model, "{{ a + }}{{ + a }}", "{{ a + }}{{ + a }}");
    }

    #[test]
    fn macros_keep_their_trimming_and_move_their_defaults() {
        check(
            TemplateRole::Model,
            "{% macro f(a, b=[a]) -%} x {%- endmacro -%}\n",
            "{% macro headwater_macro_f(a, b) -%}{% if b is undefined %}{% set b = __list([a]) %}{% endif -%} x \
             {%- endmacro -%}{% set f = __macro(headwater_macro_f, 0, 0) -%}\n",
        );
        check(
            TemplateRole::MacroFile,
            "{% test t(m) %}{{ kwargs }}{% endtest %}",
            "{% macro headwater_macro_test_t(m, kwargs) %}{{ kwargs }}{% endmacro %}",
        );
        check(TemplateRole::MacroFile, "a{% docs d %}{{ [ }{% enddocs %}b", "ab");
    }
}
