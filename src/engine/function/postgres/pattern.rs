//! Regular expressions. PostgreSQL's are POSIX expressions, which prefer the longest match; this engine
//! prefers the first match.
//!
//! The rule doesn't affect whether an expression matches at all. Functions that return the match therefore
//! accept only expressions for which both rules agree, and reject others: see [`are`].

mod are;
mod parse;

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use datafusion::{
    arrow::{array::ArrayRef, datatypes::DataType},
    error::Result,
};
use regex::Regex;

use self::are::{AdvancedPattern, PatternUse};
use super::{
    kind::{
        GivenArgument,
        PostgresKind::{Boolean, Text, TextArray},
        array_of,
    },
    overload::{Routine, RoutineResult, by, takes},
    text::count,
    unresolved::Unresolved,
};
use crate::engine::function::call::{Call, fail};

pub(super) const ROUTINES: &[Routine] = &[
    by(
        "$~",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "", PatternUse::Test, DataType::Boolean)),
        |call| test(call, "", false),
    ),
    by(
        "$~*",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "i", PatternUse::Test, DataType::Boolean)),
        |call| test(call, "i", false),
    ),
    by(
        "$!~",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "", PatternUse::Test, DataType::Boolean)),
        |call| test(call, "", true),
    ),
    by(
        "$!~*",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "i", PatternUse::Test, DataType::Boolean)),
        |call| test(call, "i", true),
    ),
    by(
        "regexp_like",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "", PatternUse::Test, DataType::Boolean)),
        |call| test(call, "", false),
    ),
    takes("regexp_like", &[Text, Text, Text], Boolean, |call| {
        let cache = PatternCache::default();
        call.map3(|text: &str, pattern: &str, flags: &str| {
            Ok(Some(cache.get(pattern, flags, PatternUse::Test)?.is_match(text)))
        })
    }),
    takes("$similar", &[Text, Text], Boolean, |call| {
        let cache = PatternCache::default();
        call.map2(|text: &str, pattern: &str| {
            Ok(Some(cache.get(pattern, "", PatternUse::Similar)?.is_match(text)))
        })
    }),
    by(
        "substring",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "", PatternUse::First, DataType::Utf8)),
        substring,
    ),
    by(
        "regexp_substr",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "", PatternUse::First, DataType::Utf8)),
        whole,
    ),
    by(
        "regexp_match",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "", PatternUse::First, array_of(DataType::Utf8))),
        matched,
    ),
    takes("regexp_match", &[Text, Text, Text], TextArray, matched),
    by(
        "regexp_replace",
        &[Text, Text, Text],
        RoutineResult::By(|_, given| planned(given, "", PatternUse::First, DataType::Utf8)),
        replace,
    ),
    by("regexp_replace", &[Text, Text, Text, Text], RoutineResult::By(planned_replace), replace),
    by(
        "regexp_count",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "", PatternUse::All, DataType::Int32)),
        |call| {
            let cache = PatternCache::default();
            call.map2(|text: &str, pattern: &str| {
                Ok(Some(count(cache.get(pattern, "", PatternUse::All)?.find_iter(text).count())))
            })
        },
    ),
    by(
        "regexp_split_to_array",
        &[Text, Text],
        RoutineResult::By(|_, given| planned(given, "", PatternUse::All, array_of(DataType::Utf8))),
        |call| {
            let cache = PatternCache::default();
            call.map2(|text: &str, pattern: &str| {
                let expression = cache.get(pattern, "", PatternUse::All)?;
                let parts: Vec<Option<String>> =
                    expression.split(text).map(|part| Some(part.to_owned())).collect();
                Ok(Some(parts))
            })
        },
    ),
];

/// Returns the call's type after checking that a constant pattern is supported.
fn planned(
    given: &[GivenArgument],
    flags: &str,
    to: PatternUse,
    result: DataType,
) -> Result<DataType, Unresolved> {
    if let Some(pattern) = given.get(1).and_then(GivenArgument::text) {
        are::compile(pattern, flags, to).map_err(|reason| {
            Unresolved::new(
                format!("the regular expression '{pattern}' is not supported: {}", reason.what),
                reason.help,
            )
        })?;
    }
    Ok(result)
}

fn planned_replace(_: &[DataType], given: &[GivenArgument]) -> Result<DataType, Unresolved> {
    let flags = given.get(3).and_then(GivenArgument::text).unwrap_or("");
    planned(given, &flags.replace('g', ""), usage(flags), DataType::Utf8)
}

fn usage(flags: &str) -> PatternUse {
    if flags.contains('g') { PatternUse::All } else { PatternUse::First }
}

/// Compiled expressions, cached for columns of patterns.
#[derive(Default)]
struct PatternCache(RefCell<HashMap<String, Arc<AdvancedPattern>>>);

impl PatternCache {
    fn get(&self, pattern: &str, flags: &str, to: PatternUse) -> Result<Arc<AdvancedPattern>> {
        let key = format!("{flags}\u{0}{pattern}");
        if let Some(found) = self.0.borrow().get(&key) {
            return Ok(Arc::clone(found));
        }
        let compiled = match are::compile(pattern, flags, to) {
            Ok(compiled) => Arc::new(compiled),
            Err(reason) => {
                return fail(format!(
                    "the regular expression '{pattern}' is not supported: {}; {}",
                    reason.what, reason.help
                ));
            }
        };
        self.0.borrow_mut().insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }
}

fn test(call: &Call, flags: &str, negated: bool) -> Result<ArrayRef> {
    let cache = PatternCache::default();
    call.map2(|text: &str, pattern: &str| {
        Ok(Some(cache.get(pattern, flags, PatternUse::Test)?.is_match(text) != negated))
    })
}

/// Returns the first group of the first match, or the whole match if there are no groups.
fn substring(call: &Call) -> Result<ArrayRef> {
    let cache = PatternCache::default();
    call.map2(|text: &str, pattern: &str| {
        let expression = cache.get(pattern, "", PatternUse::First)?;
        let group = usize::from(expression.captures_len() > 1);
        Ok(expression.captures(text).and_then(|found| Some(found.get(group)?.as_str().to_owned())))
    })
}

fn whole(call: &Call) -> Result<ArrayRef> {
    let cache = PatternCache::default();
    call.map2(|text: &str, pattern: &str| {
        let expression = cache.get(pattern, "", PatternUse::First)?;
        Ok(expression.find(text).map(|found| found.as_str().to_owned()))
    })
}

/// Returns the groups of the first match.
fn matched(call: &Call) -> Result<ArrayRef> {
    let cache = PatternCache::default();
    let (texts, patterns) = (call.column::<&str>(0)?, call.column::<&str>(1)?);
    let flags = if call.len() > 2 { Some(call.column::<&str>(2)?) } else { None };
    call.each(|row| {
        let flags = match &flags {
            Some(flags) => flags.at(row),
            None => Some(""),
        };
        let (Some(text), Some(pattern), Some(flags)) = (texts.at(row), patterns.at(row), flags) else {
            return Ok(None);
        };
        if flags.contains('g') {
            return fail("regexp_match() does not support the \"global\" option");
        }
        let expression = cache.get(pattern, flags, PatternUse::First)?;
        let first = usize::from(expression.captures_len() > 1);
        Ok(expression.captures(text).map(|found| {
            let groups = found.iter().skip(first);
            groups.map(|group| group.map(|group| group.as_str().to_owned())).collect::<Vec<Option<String>>>()
        }))
    })
}

fn replace(call: &Call) -> Result<ArrayRef> {
    let cache = PatternCache::default();
    let (texts, patterns) = (call.column::<&str>(0)?, call.column::<&str>(1)?);
    let replacements = call.column::<&str>(2)?;
    let flags = if call.len() > 3 { Some(call.column::<&str>(3)?) } else { None };
    call.each(|row| {
        let flags = match &flags {
            Some(flags) => flags.at(row),
            None => Some(""),
        };
        let (Some(text), Some(pattern), Some(by), Some(flags)) =
            (texts.at(row), patterns.at(row), replacements.at(row), flags)
        else {
            return Ok(None);
        };
        let expression = cache.get(pattern, &flags.replace('g', ""), usage(flags))?;
        Ok(Some(replaced(&expression, text, by, flags.contains('g'))))
    })
}

/// Replaces matches with `by`, in which `\1` is a group and `\&` the match.
fn replaced(expression: &Regex, text: &str, by: &str, global: bool) -> String {
    let filled = |found: &regex::Captures<'_>| {
        let mut made = String::new();
        let mut rest = by.chars();
        while let Some(next) = rest.next() {
            if next != '\\' {
                made.push(next);
                continue;
            }
            match rest.next() {
                Some('&') => made.push_str(&found[0]),
                Some(digit @ '1'..='9') => {
                    let group = usize::try_from(u32::from(digit) - u32::from('0')).unwrap_or(0);
                    made.push_str(found.get(group).map_or("", |group| group.as_str()));
                }
                Some('\\') | None => made.push('\\'),
                Some(other) => {
                    made.push('\\');
                    made.push(other);
                }
            }
        }
        made
    };
    expression.replacen(text, usize::from(!global), filled).into_owned()
}
