//! Overload resolution: selects a function's signature by the cost of implicit casts.

use datafusion::{
    arrow::datatypes::DataType,
    error::{DataFusionError, Result},
};

use super::{
    description::{Function, Gives, Overload, Typing},
    kind::{ParameterKind, TEXT_COST, common, list_of},
};
use crate::engine::cast::type_name::{plain, type_name};

/// An overload, with the types that the arguments must be cast to.
pub(super) struct ResolvedOverload {
    pub(super) overload: &'static Overload,
    pub(super) types: Vec<DataType>,
    /// The type of `T`.
    shared: Option<DataType>,
}

impl ResolvedOverload {
    /// Returns the result type.
    pub(super) fn gives(&self, typing: &Typing) -> Result<DataType> {
        match self.overload.gives {
            Gives::Kind(kind) => Ok(self.substitute(kind)),
            Gives::Same(argument) => Ok(typing.types.get(argument).cloned().unwrap_or(DataType::Null)),
            Gives::By(compute, _) => compute(typing),
        }
    }

    fn substitute(&self, kind: ParameterKind) -> DataType {
        match kind {
            ParameterKind::T => self.shared.clone().unwrap_or(DataType::Null),
            ParameterKind::List(item) => list_of(self.substitute(*item)),
            other => other.data_type().unwrap_or(DataType::Null),
        }
    }
}

impl Function {
    /// Picks the overload with the cheapest casts.
    ///
    /// `literal` tells which arguments are literals: only those are cast from text or to smaller integers.
    ///
    /// # Errors
    /// If no overload accepts these types, or if two fit equally well because a text literal is ambiguous.
    pub(super) fn resolve(&'static self, types: &[DataType], literal: &[bool]) -> Result<ResolvedOverload> {
        let mut best: Option<(ResolvedOverload, u32)> = None;
        let mut tied = false;
        for overload in self.overloads {
            if let Some((resolved, cost)) = fit(overload, types, literal) {
                match &best {
                    Some((_, least)) if *least < cost => {}
                    Some((_, least)) if *least == cost => tied |= cost >= TEXT_COST,
                    _ => {
                        best = Some((resolved, cost));
                        tied = false;
                    }
                }
            }
        }
        match best {
            Some(_) if tied => Err(self.ambiguous(types)),
            Some((resolved, _)) => Ok(resolved),
            None => Err(self.mismatch(types)),
        }
    }

    /// Picks an overload when it isn't known which arguments are literals: any of them might be.
    pub(super) fn resolve_leniently(&'static self, types: &[DataType]) -> Result<ResolvedOverload> {
        let mut best: Option<(ResolvedOverload, u32)> = None;
        for overload in self.overloads {
            if let Some((resolved, cost)) = fit(overload, types, &[])
                && best.as_ref().is_none_or(|(_, least)| cost < *least)
            {
                best = Some((resolved, cost));
            }
        }
        best.map(|(resolved, _)| resolved).ok_or_else(|| self.mismatch(types))
    }

    /// Returns whether any overload's arguments share a type, `T` or another.
    pub(super) fn has_common_type(&self) -> bool {
        self.overloads.iter().any(|overload| {
            let same =
                matches!(overload.takes, [first, second, ..] if first == second && *first != ParameterKind::Any);
            same || overload.takes.contains(&ParameterKind::T) || overload.rest == Some(ParameterKind::T)
        })
    }

    fn ambiguous(&self, types: &[DataType]) -> DataFusionError {
        DataFusionError::Plan(format!(
            "`{}({})` could mean several types: cast the text, as in `date '2020-01-31'`",
            self.name(),
            listed(types)
        ))
    }

    fn mismatch(&self, types: &[DataType]) -> DataFusionError {
        let takes: Vec<String> = self.overloads.iter().map(Overload::parameters).collect();
        DataFusionError::Plan(format!(
            "`{}` takes {}, not ({})",
            self.name(),
            takes.join(" or "),
            listed(types)
        ))
    }
}

impl Overload {
    /// Formats the parameter types in parentheses.
    fn parameters(&self) -> String {
        let mut kinds: Vec<String> = self.takes.iter().map(|kind| kind.shown()).collect();
        if let Some(rest) = self.rest {
            kinds.push(format!("{}…", rest.shown()));
        }
        format!("({})", kinds.join(", "))
    }

    /// Formats parameters and result: `(VARCHAR, BIGINT) → VARCHAR`.
    #[cfg(test)]
    pub(super) fn signature(&self) -> String {
        let gives = match self.gives {
            Gives::Kind(kind) => kind.shown(),
            Gives::Same(argument) => self.parameter(argument).map(ParameterKind::shown).unwrap_or_default(),
            Gives::By(_, shown) => shown.to_owned(),
        };
        format!("{} → {gives}", self.parameters())
    }
}

fn listed(types: &[DataType]) -> String {
    types.iter().map(type_name).collect::<Vec<_>>().join(", ")
}

/// Returns the casts that make the arguments fit an overload, and their cost. Arguments beyond the end of
/// `literal` might be literals.
fn fit(overload: &'static Overload, types: &[DataType], literal: &[bool]) -> Option<(ResolvedOverload, u32)> {
    if types.len() < overload.takes.len() {
        return None;
    }
    let mut wanted = Vec::with_capacity(types.len());
    let mut total = 0;
    let mut shared: Option<DataType> = None;
    let mut typed_by_text = true;
    for (at, from) in types.iter().enumerate() {
        let kind = overload.parameter(at)?;
        let (to, cost) = kind.accepts(from, literal.get(at).copied().unwrap_or(true))?;
        total += cost;
        if let Some(own) = of_t(kind, &to) {
            // A text literal takes the type of the other arguments.
            let text = own == DataType::Utf8;
            let is_text = text && kind == ParameterKind::T && literal.get(at).copied().unwrap_or(true);
            shared = Some(match shared {
                None => own,
                // A list's items aren't literals.
                Some(others) if text && !is_text && !matches!(others, DataType::Utf8 | DataType::Null) => {
                    if typed_by_text {
                        own
                    } else {
                        return None;
                    }
                }
                Some(others) if is_text && others != DataType::Utf8 => common(&others, &own)?,
                Some(others) if others == DataType::Utf8 && !typed_by_text && own != DataType::Utf8 => {
                    if own == DataType::Null { others } else { return None }
                }
                Some(others) => common(&others, &own)?,
            });
            typed_by_text &= is_text;
        }
        wanted.push(to);
    }
    if let Some(shared) = &shared {
        for (at, to) in wanted.iter_mut().enumerate() {
            let kind = overload.parameter(at)?;
            *to = replaced(kind, to, shared);
        }
    }
    Some((ResolvedOverload { overload, types: wanted, shared }, total))
}

/// Returns the type that an argument proposes for `T`.
fn of_t(kind: ParameterKind, argument: &DataType) -> Option<DataType> {
    match (kind, argument) {
        (ParameterKind::T, argument) => Some(plain(argument)),
        (ParameterKind::List(item), DataType::List(field)) => of_t(*item, field.data_type()),
        _ => None,
    }
}

/// Returns an argument's type once `T` is known.
fn replaced(kind: ParameterKind, argument: &DataType, shared: &DataType) -> DataType {
    match (kind, argument) {
        (ParameterKind::T, _) => shared.clone(),
        (ParameterKind::List(item), DataType::List(field)) => {
            let inner = replaced(*item, field.data_type(), shared);
            if &inner == field.data_type() { argument.clone() } else { list_of(inner) }
        }
        (_, argument) => argument.clone(),
    }
}
