//! List comprehensions: `[f(x) FOR x IN l IF c]` becomes `list_transform(list_filter(l, x -> c), x -> f(x))`.

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Span, Token, TokenWithSpan},
};

use super::scan::{call, closing, find, is_keyword, is_word, name, span, split, token};

/// Rewrites all list comprehensions, innermost first.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) {
    for open in (0..tokens.len()).rev() {
        if tokens.get(open).is_none_or(|token| token.token != Token::LBracket) {
            continue;
        }
        let Some(close) = closing(tokens, open) else { continue };
        let inner = &tokens[open + 1..close];
        let Some(comprehension) = Comprehension::of(inner) else { continue };
        let made = comprehension.calls(tokens[open].span);
        tokens.splice(open..=close, made);
    }
}

struct Comprehension<'a> {
    result: &'a [TokenWithSpan],
    /// The variable for the item, and optionally one for its position.
    variables: Vec<&'a [TokenWithSpan]>,
    list: &'a [TokenWithSpan],
    condition: Option<&'a [TokenWithSpan]>,
}

impl<'a> Comprehension<'a> {
    fn of(inner: &'a [TokenWithSpan]) -> Option<Self> {
        let after = find(inner, |tokens, at| is_keyword(&tokens[at], Keyword::FOR))?;
        let (result, rest) = (&inner[..after], &inner[after + 1..]);
        let within = find(rest, |tokens, at| is_keyword(&tokens[at], Keyword::IN))?;
        let (variables, rest) = (split(&rest[..within]), &rest[within + 1..]);
        let (list, condition) = match find(rest, |tokens, at| is_word(&tokens[at], "if")) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        Some(Self { result, variables, list, condition })
    }

    fn calls(&self, at: Span) -> Vec<TokenWithSpan> {
        let counts = self.variables.len() == 2;
        let Some(condition) = self.condition else {
            return self.applied("list_transform", self.list, self.result, at);
        };
        if !counts {
            let kept = self.applied("list_filter", self.list, condition, at);
            return self.applied("list_transform", &kept, self.result, at);
        }
        // The position refers to the whole list, so compute every result before filtering.
        let mut both = vec![token(Token::LBrace, at)];
        both.extend([token(Token::SingleQuotedString("kept".into()), at), token(Token::Colon, at)]);
        both.extend_from_slice(condition);
        both.push(token(Token::Comma, at));
        both.extend([token(Token::SingleQuotedString("made".into()), at), token(Token::Colon, at)]);
        both.extend_from_slice(self.result);
        both.push(token(Token::RBrace, at));
        let pairs = self.applied("list_transform", self.list, &both, at);
        let part = |field: &str| {
            let field = [token(Token::SingleQuotedString(field.into()), at)];
            let mut arguments = vec![name("$pair", at), token(Token::Comma, at)];
            arguments.extend(field);
            let mut lambda = vec![name("$pair", at), token(Token::Arrow, at)];
            lambda.extend(call("struct_extract", &arguments, at));
            lambda
        };
        let over = |function: &str, list: &[TokenWithSpan], lambda: Vec<TokenWithSpan>| {
            let mut arguments = list.to_vec();
            arguments.push(token(Token::Comma, at));
            arguments.extend(lambda);
            call(function, &arguments, at)
        };
        let kept = over("list_filter", &pairs, part("kept"));
        over("list_transform", &kept, part("made"))
    }

    /// Returns `function(list, variables -> body)`.
    fn applied(
        &self,
        function: &str,
        list: &[TokenWithSpan],
        body: &[TokenWithSpan],
        at: Span,
    ) -> Vec<TokenWithSpan> {
        let mut arguments = list.to_vec();
        arguments.push(token(Token::Comma, at));
        match self.variables.as_slice() {
            [variable] => arguments.extend_from_slice(variable),
            several => {
                arguments.push(token(Token::LParen, at));
                for (place, variable) in several.iter().enumerate() {
                    if place > 0 {
                        arguments.push(token(Token::Comma, at));
                    }
                    arguments.extend_from_slice(variable);
                }
                arguments.push(token(Token::RParen, at));
            }
        }
        let place = span(body);
        arguments.extend([token(Token::Arrow, at), token(Token::LParen, place)]);
        arguments.extend_from_slice(body);
        arguments.push(token(Token::RParen, place));
        call(function, &arguments, at)
    }
}
