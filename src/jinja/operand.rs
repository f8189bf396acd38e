//! Operands in the tokens of a tag: where brackets and operands end.

use super::lexer::{TemplateToken, TokenKind};

/// Returns the token that closes the bracket at an index.
pub(super) fn closing(tokens: &[TemplateToken], open: usize) -> Option<&TemplateToken> {
    closing_index(tokens, open).map(|close| &tokens[close])
}

fn closing_index(tokens: &[TemplateToken], open: usize) -> Option<usize> {
    let mut depth = 0_i32;
    let length = tokens[open..].iter().position(|token| {
        match token.kind {
            TokenKind::Sign(b'(' | b'[' | b'{') => depth += 1,
            TokenKind::Sign(b')' | b']' | b'}') => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some(open + length)
}

/// Returns the last token of the operand of `+` that starts at an index, including everything that binds more
/// tightly.
pub(super) fn operand_end(tokens: &[TemplateToken], start: usize) -> Option<usize> {
    let is = |at: usize, signs: &[u8]| {
        tokens.get(at).is_some_and(|token| signs.iter().any(|sign| token.is(*sign)))
    };
    let mut at = start;
    loop {
        at = primary_end(tokens, at)?;
        if !is(at + 1, b"*/%~") {
            return (at < tokens.len()).then_some(at);
        }
        while is(at + 1, b"*/%~") {
            at += 1;
        }
        at += 1;
    }
}

/// Returns the last token of the operand at an index, with its signs, brackets, attributes and filters.
pub(super) fn primary_end(tokens: &[TemplateToken], start: usize) -> Option<usize> {
    let is = |at: usize, signs: &[u8]| {
        tokens.get(at).is_some_and(|token| signs.iter().any(|sign| token.is(*sign)))
    };
    let mut at = start;
    while is(at, b"-") {
        at += 1;
    }
    at = if is(at, b"([{") { closing_index(tokens, at)? } else { at };
    loop {
        if is(at + 1, b".|") {
            at += 2;
        } else if is(at + 1, b"([") {
            at = closing_index(tokens, at + 1)?;
        } else {
            return (at < tokens.len()).then_some(at);
        }
    }
}

/// Returns the first token of the operand that ends at an index, with its brackets, attributes and filters
/// but without its sign.
pub(super) fn primary_start(tokens: &[TemplateToken], end: usize) -> Option<usize> {
    let mut at = end;
    loop {
        if matches!(tokens[at].kind, TokenKind::Sign(b')' | b']' | b'}')) {
            at = opening_index(tokens, at)?;
            // Brackets after an operand are its arguments or a subscript.
            let is_operand = at.checked_sub(1).is_some_and(|before| {
                matches!(tokens[before].kind, TokenKind::Word | TokenKind::Sign(b')' | b']' | b'}'))
            });
            if is_operand && !tokens[at].is(b'{') {
                at -= 1;
                continue;
            }
        }
        match at.checked_sub(2) {
            Some(before) if tokens[at - 1].is(b'.') || tokens[at - 1].is(b'|') => at = before,
            _ => return Some(at),
        }
    }
}

fn opening_index(tokens: &[TemplateToken], close: usize) -> Option<usize> {
    let mut depth = 0_i32;
    let back = tokens[..=close].iter().rev().position(|token| {
        match token.kind {
            TokenKind::Sign(b')' | b']' | b'}') => depth += 1,
            TokenKind::Sign(b'(' | b'[' | b'{') => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some(close - back)
}

/// The maximum number of operators in one expression. `MiniJinja` looks for constants in a chain of operators
/// once for each operator, in time that grows with the square of their number.
pub(super) const MOST_OPERATORS: usize = 2_000;

/// Returns the position of the operator that is one too many for its expression.
pub(super) fn excess_operator(text: &str, tokens: &[TemplateToken]) -> Option<usize> {
    // The number of operators in each open bracket, since its last comma.
    let mut counts = vec![0];
    for token in tokens {
        let is_operator = match token.kind {
            TokenKind::Sign(b'(' | b'[' | b'{') => {
                counts.push(0);
                false
            }
            TokenKind::Sign(b')' | b']' | b'}') => {
                counts.pop();
                false
            }
            TokenKind::Sign(b',' | b':') => {
                counts.pop();
                counts.push(0);
                false
            }
            TokenKind::Sign(sign) => b"~+-*/%".contains(&sign),
            TokenKind::Word => matches!(&text[token.range.clone()], "and" | "or"),
            TokenKind::Text | TokenKind::Number => false,
        };
        if counts.is_empty() {
            counts.push(0);
        }
        if let Some(count) = counts.last_mut()
            && is_operator
        {
            *count += 1;
            if *count > MOST_OPERATORS {
                return Some(token.range.start);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jinja::lexer::tags;

    #[test]
    fn operators_are_counted_by_expression() {
        let excess = |text: &str| tags(text).iter().find_map(|tag| excess_operator(text, &tag.tokens));
        let chain = |operator: &str, operands: usize| vec!["a"; operands].join(operator);
        assert_eq!(excess(&format!("{{{{ {} }}}}", chain("~", MOST_OPERATORS + 1))), None);
        let long = format!("x {{{{ f(1, {}) }}}}", chain(" and ", MOST_OPERATORS + 2));
        let place = excess(&long).unwrap();
        assert_eq!(&long[place..place + 3], "and");
        let negative = format!("{{% set x = [{}] %}}", vec!["-1"; 3 * MOST_OPERATORS].join(", "));
        assert_eq!(excess(&negative), None);
        let parts = vec![format!("({})", chain("+", MOST_OPERATORS)); 3].join("+");
        assert_eq!(excess(&format!("{{{{ {parts} }}}}")), None);
    }
}
