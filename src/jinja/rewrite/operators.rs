//! Rewriting of operators and of small words that `MiniJinja` doesn't take.

use super::{Rewriter, is_operand};
use crate::jinja::{
    lexer::{Tag, TemplateToken, TokenKind},
    operand::{closing, operand_end, primary_end, primary_start},
};

impl Rewriter<'_> {
    /// Rewrites what Jinja takes and `MiniJinja` doesn't: `{% if x: %}`, the sign in `+1`, and `{% do x if y
    /// %}`.
    pub(super) fn small_words(&mut self, tag: &Tag) {
        let mut blank = |token: &TemplateToken, text: &str| {
            self.replaced.insert(token.range.start);
            self.inner.push((token.range.start, text.to_owned()));
        };
        let keyword = tag.keyword(self.text);
        if let Some(last) = tag.tokens.last()
            && matches!(keyword, Some("if" | "elif" | "else" | "for"))
            && last.is(b':')
        {
            blank(last, " ");
        }
        for (index, token) in tag.tokens.iter().enumerate() {
            let is_number = tag.tokens.get(index + 1).is_some_and(|next| next.kind == TokenKind::Number);
            if token.is(b'+') && is_number && !is_operand(self.text, tag, index) {
                blank(token, " ");
            }
        }
        let is_call = tag.tokens.last().is_some_and(|last| last.is(b')'))
            && !tag.tokens.iter().any(|token| &self.text[token.range.clone()] == "if");
        if keyword == Some("do") && !is_call {
            let end = tag.tokens[0].range.end;
            self.replaced.extend([end - 2, end - 1]);
            self.inner.push((end - 2, "set __done = ".to_owned()));
            self.inner.push((end - 1, String::new()));
        }
    }

    /// Rewrites `a + b` to `a + __seq(b)` unless `b` is a literal; see
    /// [`paid_operand`](super::super::value::cost::paid_operand).
    pub(super) fn sums(&mut self, tag: &Tag) {
        for (index, token) in tag.tokens.iter().enumerate() {
            if !token.is(b'+') || !self.is_operand(tag, index) {
                continue;
            }
            let Some(last) = operand_end(&tag.tokens, index + 1) else { continue };
            let (first, last) = (&tag.tokens[index + 1], &tag.tokens[last]);
            let is_list =
                first.is(b'[') && closing(&tag.tokens, index + 1).is_some_and(|close| close == last);
            let is_literal = first == last && matches!(first.kind, TokenKind::Text | TokenKind::Number);
            if !is_list && !is_literal {
                self.inner.push((first.range.start, "__seq(".to_owned()));
                self.inner.push((last.range.end, ")".to_owned()));
            }
        }
    }

    /// Rewrites `a + b - c` to `a|__plus(b)|__minus(c)`, so that times can be added and
    /// subtracted; see [`time_arithmetic`](super::super::value::time_arithmetic).
    pub(super) fn time_sums(&mut self, tag: &Tag) {
        let mut done = 0;
        for index in 0..tag.tokens.len() {
            if index < done || !self.is_sum(tag, index) || !is_first_sum(tag, index) {
                continue;
            }
            let mut operator = index;
            while let Some(last) = operand_end(&tag.tokens, operator + 1) {
                let filter = if tag.tokens[operator].is(b'+') { "|__plus(" } else { "|__minus(" };
                let start = tag.tokens[operator].range.start;
                self.replaced.insert(start);
                self.inner.push((start, filter.to_owned()));
                self.inner.push((tag.tokens[last].range.end, ")".to_owned()));
                done = last + 1;
                if !self.is_sum(tag, done) {
                    break;
                }
                operator = done;
            }
        }
    }

    /// Returns whether a token is a `+` or `-` between two operands.
    fn is_sum(&self, tag: &Tag, index: usize) -> bool {
        let is_sign = tag.tokens.get(index).is_some_and(|token| token.is(b'+') || token.is(b'-'));
        is_sign && self.is_operand(tag, index)
    }

    /// Rewrites `'%s' % x` to `'%s'|__mod(x)`, as `MiniJinja` doesn't format text with `%`. The left side is
    /// a text or a name, with nothing before it that binds as tightly.
    pub(super) fn percents(&mut self, tag: &Tag) {
        for (index, token) in tag.tokens.iter().enumerate().filter(|(_, token)| token.is(b'%')) {
            let Some(left) = index.checked_sub(1).map(|left| &tag.tokens[left]) else { continue };
            let before = index.checked_sub(2).map(|before| tag.tokens[before].kind);
            let is_bound = matches!(before, Some(TokenKind::Sign(b'*' | b'/' | b'%' | b'-' | b'.' | b'|')));
            let is_name = left.kind == TokenKind::Word && self.is_operand(tag, index);
            if is_bound || !(is_name || left.kind == TokenKind::Text) {
                continue;
            }
            if let Some(last) = primary_end(&tag.tokens, index + 1) {
                self.replaced.insert(token.range.start);
                self.inner.push((token.range.start, "|__mod(".to_owned()));
                self.inner.push((tag.tokens[last].range.end, ")".to_owned()));
            }
        }
    }
}

/// Returns whether the left operand of a sum is a name or a bracket with nothing before it that binds as
/// tightly.
fn is_first_sum(tag: &Tag, index: usize) -> bool {
    let Some(start) = primary_start(&tag.tokens, index - 1) else { return false };
    if matches!(tag.tokens[start].kind, TokenKind::Text | TokenKind::Number) {
        return false;
    }
    let before = start.checked_sub(1).map(|before| tag.tokens[before].kind);
    !matches!(before, Some(TokenKind::Sign(b'*' | b'/' | b'%' | b'~' | b'-' | b'+')))
}

/// Returns whether a template may compute with times.
pub(super) fn uses_times(text: &str) -> bool {
    ["datetime", "timedelta", "run_started_at", "strptime", "pytz"].iter().any(|word| text.contains(word))
}
