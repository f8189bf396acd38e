//! PIVOT and UNPIVOT. The parser knows only PIVOT with one FOR and a list of constants, so all parts are
//! encoded as calls in the list of aggregates:
//!
//! ```text
//! pivot t on k in ('a', 'b' as c) using sum(x) as s group by g
//! select * from t pivot (
//!     "$using"(sum(x)) as s, "$on"(k), "$value"('a'), "$value"('b') as c, "$group"(g) for "$" in (1))
//! ```

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Span, Token, TokenWithSpan},
};

use super::scan::{
    call, closing, end_of_query, find, is_at, is_keyword, is_word, is_word_at, keyword, name, span, split,
    split_alias, token,
};
use crate::engine::dialect::refusal::SyntaxRefusal;

/// The call that holds an aggregate.
pub(in crate::engine::dialect) const USING: &str = "$using";
/// The call that holds the pivoted expression.
pub(in crate::engine::dialect) const ON: &str = "$on";
/// The call that holds one pivoted value.
pub(in crate::engine::dialect) const VALUE: &str = "$value";
/// The call that holds a column to group by.
pub(in crate::engine::dialect) const GROUP: &str = "$group";

/// Rewrites all of them from last to first, so that those in parentheses are done before the ones around
/// them.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) -> Result<(), SyntaxRefusal> {
    for at in (0..tokens.len()).rev() {
        let Some(kind) = PivotKind::of(&tokens[at]) else { continue };
        if is_after_table(tokens, at) {
            after_table(tokens, at, kind)?;
        } else if is_statement(tokens, at) {
            statement(tokens, at, kind)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PivotKind {
    Pivot,
    Unpivot,
}

impl PivotKind {
    fn of(token: &TokenWithSpan) -> Option<Self> {
        let is = |names: [&str; 2]| names.iter().any(|name| is_word(token, name));
        if is(["pivot", "pivot_wider"]) {
            Some(Self::Pivot)
        } else if is(["unpivot", "pivot_longer"]) {
            Some(Self::Unpivot)
        } else {
            None
        }
    }
}

/// Returns whether parentheses that contain a FOR follow, as they do after a table.
fn is_after_table(tokens: &[TokenWithSpan], at: usize) -> bool {
    let mut open = at + 1;
    while ["include", "exclude", "nulls"].iter().any(|word| is_word_at(tokens, open, word)) {
        open += 1;
    }
    let Some(close) =
        (is_at(tokens, open, &Token::LParen) && at > 0).then(|| closing(tokens, open)).flatten()
    else {
        return false;
    };
    find(&tokens[open + 1..close], |tokens, at| is_keyword(&tokens[at], Keyword::FOR)).is_some()
}

/// Returns whether a PIVOT statement begins here: at the start, in parentheses, or after WITH.
fn is_statement(tokens: &[TokenWithSpan], at: usize) -> bool {
    let begins = at == 0 || matches!(tokens[at - 1].token, Token::LParen | Token::RParen | Token::SemiColon);
    let is_name = tokens.get(at + 1).is_none_or(|next| {
        !matches!(next.token, Token::Word(_) | Token::LParen) || is_keyword(next, Keyword::FROM)
    });
    begins && !is_name
}

/// Rewrites `t PIVOT (aggregates FOR column IN (values) GROUP BY columns)`.
fn after_table(tokens: &mut Vec<TokenWithSpan>, at: usize, kind: PivotKind) -> Result<(), SyntaxRefusal> {
    let place = tokens[at].span;
    let Some(open) = (at..tokens.len()).find(|at| tokens[*at].token == Token::LParen) else { return Ok(()) };
    let Some(close) = closing(tokens, open) else { return Ok(()) };
    let inner = tokens[open + 1..close].to_vec();
    let Some(after) = find(&inner, |tokens, at| is_keyword(&tokens[at], Keyword::FOR)) else { return Ok(()) };
    if kind == PivotKind::Unpivot {
        tokens[at].token = Token::make_keyword("UNPIVOT");
        return unpivoted_columns(tokens, open, close);
    }
    let (aggregates, mut rest) = (&inner[..after], &inner[after + 1..]);
    let mut groups: &[TokenWithSpan] = &[];
    if let Some(group) = find(rest, |tokens, at| is_keyword(&tokens[at], Keyword::GROUP)) {
        groups = rest.get(group + 2..).unwrap_or_default();
        rest = &rest[..group];
    }
    let mut on = Vec::new();
    while !rest.is_empty() {
        let (one, more) = on_values(rest, place)?;
        on.push(one);
        rest = more;
    }
    let made = parts(aggregates, &on, groups, place);
    tokens.splice(open + 1..close, made);
    tokens[at].token = Token::make_keyword("PIVOT");
    Ok(())
}

/// A pivoted expression and the values that become columns.
struct OnValues {
    on: Vec<TokenWithSpan>,
    values: Vec<TokenWithSpan>,
}

/// Parses `column IN (values)`, and returns it with the remaining tokens.
fn on_values(tokens: &[TokenWithSpan], place: Span) -> Result<(OnValues, &[TokenWithSpan]), SyntaxRefusal> {
    const HELP: &str = "list the values that become columns: on k in ('a', 'b')";
    let within = find(tokens, |tokens, at| is_keyword(&tokens[at], Keyword::IN));
    let unlisted = |tokens: &[TokenWithSpan]| {
        let place = if tokens.is_empty() { place } else { span(tokens) };
        SyntaxRefusal::new("the columns of this PIVOT would depend on the data", Some(HELP), place)
    };
    let Some(within) = within else { return Err(unlisted(tokens)) };
    let open = within + 1;
    let close = is_at(tokens, open, &Token::LParen).then(|| closing(tokens, open)).flatten();
    let Some(close) = close else { return Err(unlisted(tokens)) };
    let queries = [Keyword::SELECT, Keyword::FROM, Keyword::WITH, Keyword::ANY, Keyword::VALUES];
    if tokens.get(open + 1).is_none_or(|first| queries.iter().any(|word| is_keyword(first, *word))) {
        return Err(unlisted(&tokens[..=close]));
    }
    let mut on = &tokens[..within];
    if on.first().is_some_and(|first| is_keyword(first, Keyword::FOR)) {
        on = &on[1..];
    }
    Ok((OnValues { on: on.to_vec(), values: tokens[open + 1..close].to_vec() }, &tokens[close + 1..]))
}

/// Encodes the parts of a PIVOT as calls, and adds the FOR that the parser requires.
fn parts(
    aggregates: &[TokenWithSpan],
    on: &[OnValues],
    groups: &[TokenWithSpan],
    place: Span,
) -> Vec<TokenWithSpan> {
    let mut calls: Vec<Vec<TokenWithSpan>> = Vec::new();
    let mut add = |function: &str, part: &[TokenWithSpan]| {
        let (part, alias) = split_alias(part);
        let mut made = call(function, part, span(part));
        made.extend_from_slice(alias);
        calls.push(made);
    };
    for aggregate in split(aggregates) {
        // `sum(x) total`: an alias without AS.
        match aggregate {
            [.., before, alias] if before.token == Token::RParen && matches!(alias.token, Token::Word(_)) => {
                let mut named = aggregate[..aggregate.len() - 1].to_vec();
                named.extend([keyword("AS", alias.span), alias.clone()]);
                add(USING, &named);
            }
            plain => add(USING, plain),
        }
    }
    for on in on {
        add(ON, &on.on);
        for value in split(&on.values) {
            add(VALUE, value);
        }
    }
    for group in split(groups) {
        add(GROUP, group);
    }
    let mut made = Vec::new();
    for call in calls {
        if !made.is_empty() {
            made.push(token(Token::Comma, place));
        }
        made.extend(call);
    }
    made.extend([keyword("FOR", place), name("$", place), keyword("IN", place), token(Token::LParen, place)]);
    made.extend([token(Token::Number("1".into(), false), place), token(Token::RParen, place)]);
    made
}

/// Replaces stars among the columns of an UNPIVOT with `columns(*)`.
fn unpivoted_columns(
    tokens: &mut Vec<TokenWithSpan>,
    open: usize,
    close: usize,
) -> Result<(), SyntaxRefusal> {
    let inner = &tokens[open + 1..close];
    let Some(within) = find(inner, |tokens, at| is_keyword(&tokens[at], Keyword::IN)) else { return Ok(()) };
    let list = open + 1 + within + 1;
    if !is_at(tokens, list, &Token::LParen) {
        let help = "list the columns: unpivot (value for name in (a, b))";
        return Err(SyntaxRefusal::new("UNPIVOT needs a list of columns", Some(help), tokens[open].span));
    }
    let Some(end) = closing(tokens, list) else { return Ok(()) };
    let items = listed(&tokens[list + 1..end]);
    tokens.splice(list + 1..end, items);
    Ok(())
}

fn listed(items: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut made = Vec::new();
    for item in split(items) {
        let place = span(item);
        if !made.is_empty() {
            made.push(token(Token::Comma, place));
        }
        if item.first().is_some_and(|first| first.token == Token::Mul) {
            made.extend(call("columns", item, place));
        } else {
            made.extend_from_slice(item);
        }
    }
    made
}

/// Rewrites `PIVOT t ON … USING … GROUP BY …` and `UNPIVOT t ON … INTO NAME … VALUE …`.
fn statement(tokens: &mut Vec<TokenWithSpan>, at: usize, kind: PivotKind) -> Result<(), SyntaxRefusal> {
    let place = tokens[at].span;
    let end = end_of_query(tokens, at + 1);
    let whole = &tokens[at + 1..end];
    let after = find(whole, ends_clauses).unwrap_or(whole.len());
    let (clauses, rest) = whole.split_at(after);
    let mut made = match kind {
        PivotKind::Pivot => pivot(clauses, place)?,
        PivotKind::Unpivot => unpivot(clauses, place)?,
    };
    made.extend_from_slice(rest);
    tokens.splice(at..end, made);
    Ok(())
}

/// Returns whether the statement's own clauses end at a position.
fn ends_clauses(tokens: &[TokenWithSpan], at: usize) -> bool {
    const AFTER: [Keyword; 7] = [
        Keyword::ORDER,
        Keyword::LIMIT,
        Keyword::OFFSET,
        Keyword::FETCH,
        Keyword::UNION,
        Keyword::INTERSECT,
        Keyword::EXCEPT,
    ];
    AFTER.iter().any(|word| is_keyword(&tokens[at], *word))
}

fn pivot(clauses: &[TokenWithSpan], place: Span) -> Result<Vec<TokenWithSpan>, SyntaxRefusal> {
    let on = find(clauses, |tokens, at| is_keyword(&tokens[at], Keyword::ON));
    let from = on.unwrap_or(0);
    let using = find(&clauses[from..], |tokens, at| {
        is_keyword(&tokens[at], Keyword::USING) && !(on.is_none() && is_at(tokens, at + 1, &Token::LParen))
    })
    .map(|using| from + using);
    let group = find(&clauses[from..], |tokens, at| is_keyword(&tokens[at], Keyword::GROUP))
        .map(|group| from + group);
    let end = clauses.len();
    let groups = group.and_then(|group| clauses.get(group + 2..)).unwrap_or_default();
    let aggregates = using.map_or(&[][..], |using| &clauses[using + 1..group.unwrap_or(end)]);
    let source = &clauses[..on.or(using).or(group).unwrap_or(end)];
    let Some(on) = on else {
        return Ok(grouped(source, aggregates, groups, place));
    };
    let listed = &clauses[on + 1..using.or(group).unwrap_or(end)];
    let mut columns = Vec::new();
    for item in split(listed) {
        columns.push(on_values(item, place)?.0);
    }
    let rows = count_of_rows(place);
    let aggregates = if aggregates.is_empty() { &rows } else { aggregates };
    let mut made = from_source(source, place);
    made.extend([keyword("PIVOT", place), token(Token::LParen, place)]);
    made.extend(parts(aggregates, &columns, groups, place));
    made.push(token(Token::RParen, place));
    Ok(made)
}

/// Returns `SELECT groups, aggregates FROM source GROUP BY groups`, for a PIVOT without ON.
fn grouped(
    source: &[TokenWithSpan],
    aggregates: &[TokenWithSpan],
    groups: &[TokenWithSpan],
    place: Span,
) -> Vec<TokenWithSpan> {
    let mut made = vec![keyword("SELECT", place)];
    made.extend_from_slice(groups);
    if !groups.is_empty() && !aggregates.is_empty() {
        made.push(token(Token::Comma, place));
    }
    made.extend_from_slice(aggregates);
    made.push(keyword("FROM", place));
    made.extend_from_slice(source);
    if !groups.is_empty() {
        made.extend([keyword("GROUP", place), keyword("BY", place)]);
        made.extend_from_slice(groups);
    }
    made
}

fn count_of_rows(place: Span) -> Vec<TokenWithSpan> {
    call("count", &[token(Token::Mul, place)], place)
}

/// Returns `SELECT * FROM source`. Several tables become one subquery first.
fn from_source(source: &[TokenWithSpan], place: Span) -> Vec<TokenWithSpan> {
    let reads = |source: &[TokenWithSpan]| {
        let mut made = vec![keyword("SELECT", place), token(Token::Mul, place), keyword("FROM", place)];
        made.extend_from_slice(source);
        made
    };
    let several =
        find(source, |tokens, at| is_keyword(&tokens[at], Keyword::JOIN) || tokens[at].token == Token::Comma);
    if several.is_none() {
        return reads(source);
    }
    let mut one = vec![token(Token::LParen, place)];
    one.extend(reads(source));
    one.push(token(Token::RParen, place));
    reads(&one)
}

fn unpivot(clauses: &[TokenWithSpan], place: Span) -> Result<Vec<TokenWithSpan>, SyntaxRefusal> {
    const HELP: &str = "write unpivot t on a, b into name n value v";
    let refused = || SyntaxRefusal::new("UNPIVOT needs a list of columns", Some(HELP), place);
    let on = find(clauses, |tokens, at| is_keyword(&tokens[at], Keyword::ON)).ok_or_else(refused)?;
    let into = find(clauses, |tokens, at| is_keyword(&tokens[at], Keyword::INTO));
    let columns = &clauses[on + 1..into.unwrap_or(clauses.len())];
    let (names, values) = match into {
        None => (vec![name("name", place)], vec![name("value", place)]),
        Some(into) => {
            let into = &clauses[into + 1..];
            let value = find(into, |tokens, at| is_word(&tokens[at], "value")).ok_or_else(refused)?;
            if !is_word_at(into, 0, "name") || value < 2 {
                return Err(refused());
            }
            (into[1..value].to_vec(), into[value + 1..].to_vec())
        }
    };
    let mut made = from_source(&clauses[..on], place);
    made.extend([keyword("UNPIVOT", place), token(Token::LParen, place)]);
    if split(&values).len() > 1 {
        made.push(token(Token::LParen, place));
        made.extend(values);
        made.push(token(Token::RParen, place));
    } else {
        made.extend(values);
    }
    made.push(keyword("FOR", place));
    made.extend(names);
    made.extend([keyword("IN", place), token(Token::LParen, place)]);
    made.extend(listed(columns));
    made.extend([token(Token::RParen, place), token(Token::RParen, place)]);
    Ok(made)
}
