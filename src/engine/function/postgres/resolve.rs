//! Resolution of functions and operators by PostgreSQL's rules for candidates (chapter 10 of its manual).

use datafusion::arrow::datatypes::DataType;

use super::{
    kind::{Category, GivenArgument, PostgresKind, type_name},
    overload::{Routine, RoutineResult},
    unresolved::Unresolved,
};

/// A call resolved to an overload.
#[derive(Debug, Clone)]
pub(in crate::engine) struct ResolvedRoutine {
    pub(in crate::engine) overload: &'static Routine,
    /// The types that the arguments are cast to.
    pub(in crate::engine) types: Vec<DataType>,
    pub(in crate::engine) result: DataType,
}

/// Resolves a call of `name`.
pub(in crate::engine) fn resolve(
    name: &str,
    overloads: &[&'static Routine],
    given: &[GivenArgument],
) -> Result<ResolvedRoutine, Unresolved> {
    let overload =
        pick(overloads, given, super::overload::is_operator(name)).map_err(|cause| match cause {
            Cause::None => none(name, overloads, given),
            Cause::Many => Unresolved::new(
                format!("{} could mean several types", shown(name, given)),
                "cast the text, as in '2024-01-31'::date",
            ),
        })?;
    let types: Vec<DataType> = given
        .iter()
        .enumerate()
        .map(|(at, argument)| {
            let kind = overload.meets.or_else(|| overload.parameter(at)).unwrap_or(PostgresKind::Any);
            argument.cast_for(kind)
        })
        .collect();
    let result = match overload.gives {
        RoutineResult::Kind(kind) => kind.data_type().unwrap_or(DataType::Null),
        RoutineResult::Same => types.first().cloned().unwrap_or(DataType::Null),
        RoutineResult::By(computed) => computed(&types, given)?,
    };
    Ok(ResolvedRoutine { overload, types, result })
}

enum Cause {
    None,
    Many,
}

fn pick(
    overloads: &[&'static Routine],
    given: &[GivenArgument],
    operator: bool,
) -> Result<&'static Routine, Cause> {
    if let Some(exact) = exact(overloads, given, operator) {
        return Ok(exact);
    }
    let fits = |overload: &&&'static Routine| {
        overload.accepts(given.len())
            && given.iter().enumerate().all(|(at, argument)| {
                let kind = overload.parameter(at).unwrap_or(PostgresKind::Any);
                if argument.is_unknown() {
                    kind != PostgresKind::AnyArray
                } else {
                    kind.takes(&argument.data_type)
                }
            })
    };
    let mut left: Vec<&'static Routine> = overloads.iter().filter(fits).copied().collect();
    if left.is_empty() {
        return Err(Cause::None);
    }
    let own: Vec<Option<PostgresKind>> = given
        .iter()
        .map(|argument| if argument.is_unknown() { None } else { PostgresKind::of(&argument.data_type) })
        .collect();
    let pairs = |overload: &'static Routine| {
        own.iter().enumerate().filter_map(move |(at, own)| Some((overload.parameter(at)?, (*own)?)))
    };
    best(&mut left, |one| pairs(one).filter(|(kind, own)| kind == own).count());
    best(&mut left, |one| {
        let preferred =
            |kind: PostgresKind, own: PostgresKind| kind.is_preferred() && kind.category() == own.category();
        pairs(one).filter(|(kind, own)| kind == own || preferred(*kind, *own)).count()
    });
    if left.len() > 1 {
        by_category(&mut left, &own);
    }
    if left.len() > 1 {
        // Text literals take the type of the other arguments if those agree.
        let mut known = own.iter().flatten();
        if let Some(first) = known.next()
            && known.all(|other| other == first)
        {
            let all = |one: &&'static Routine| {
                (0..given.len()).all(|at| one.parameter(at).is_some_and(|kind| kind == *first))
            };
            if left.iter().filter(|one| all(one)).count() == 1 {
                left.retain(|one| all(one));
            }
        }
    }
    match left.as_slice() {
        [one] => Ok(one),
        _ => Err(Cause::Many),
    }
}

fn exact(
    overloads: &[&'static Routine],
    given: &[GivenArgument],
    operator: bool,
) -> Option<&'static Routine> {
    let mut types: Vec<Option<PostgresKind>> = given
        .iter()
        .map(|argument| if argument.is_unknown() { None } else { PostgresKind::of(&argument.data_type) })
        .collect();
    if operator && let [left, right] = types.as_mut_slice() {
        // A text literal takes the type of the other operand.
        *left = left.or(*right);
        *right = right.or(*left);
    }
    let same = |overload: &&&'static Routine| {
        overload.accepts(given.len())
            && types.iter().enumerate().all(|(at, own)| own.is_some() && overload.parameter(at) == *own)
    };
    overloads.iter().find(same).copied()
}

/// Keeps the candidates with the greatest count.
fn best(left: &mut Vec<&'static Routine>, count: impl Fn(&'static Routine) -> usize) {
    let most = left.iter().map(|one| count(one)).max().unwrap_or(0);
    left.retain(|one| count(one) == most);
}

/// Narrows candidates by category: an argument of open type is text if any candidate accepts text, or else
/// has the category on which all candidates agree.
fn by_category(left: &mut Vec<&'static Routine>, own: &[Option<PostgresKind>]) {
    for at in (0..own.len()).filter(|at| own[*at].is_none()) {
        let kinds: Vec<PostgresKind> = left.iter().filter_map(|one| one.parameter(at)).collect();
        let category = if kinds.iter().any(|kind| kind.category() == Category::Text) {
            Category::Text
        } else {
            match kinds.first() {
                Some(first) if kinds.iter().all(|kind| kind.category() == first.category()) => {
                    first.category()
                }
                _ => return,
            }
        };
        let of = |one: &&'static Routine| one.parameter(at).is_some_and(|kind| kind.category() == category);
        left.retain(of);
        if left.iter().any(|one| one.parameter(at).is_some_and(PostgresKind::is_preferred)) {
            left.retain(|one| one.parameter(at).is_some_and(PostgresKind::is_preferred));
        }
    }
}

fn shown(name: &str, given: &[GivenArgument]) -> String {
    let types: Vec<String> = given.iter().map(|argument| type_name(&argument.data_type)).collect();
    match (super::overload::symbol(name), types.as_slice()) {
        (Some(symbol), [left, right]) => format!("`{left} {symbol} {right}`"),
        (Some(symbol), [one]) => format!("`{symbol} {one}`"),
        _ => format!("`{name}({})`", types.join(", ")),
    }
}

fn none(name: &str, overloads: &[&'static Routine], given: &[GivenArgument]) -> Unresolved {
    let message = format!("there is no {}", shown(name, given));
    let mut takes: Vec<String> = overloads.iter().map(|overload| overload.shown(name)).collect::<Vec<_>>();
    takes.dedup();
    takes.truncate(6);
    Unresolved::new(message, format!("cast the operands for one of these: {}", takes.join(", ")))
}
