//! The set algebra of the selection language, over criteria of any stage.

/// A set expression over nodes; `C` is a criterion, as written or resolved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr<C> {
    /// All nodes.
    Everything,
    /// The nodes that match a criterion.
    Criterion(C),
    /// The nodes in any of these; empty for no operands.
    Union(Vec<Self>),
    /// The nodes in all of these; always has operands.
    Intersection(Vec<Self>),
    /// The nodes of the first operand without those of the second.
    Difference(Box<[Self; 2]>),
}

impl<C> Expr<C> {
    /// Calls a function for each criterion, from left to right.
    pub(super) fn visit<'e>(&'e self, seen: &mut impl FnMut(&'e C)) {
        match self {
            Self::Everything => {}
            Self::Criterion(criterion) => seen(criterion),
            Self::Union(parts) | Self::Intersection(parts) => parts.iter().for_each(|part| part.visit(seen)),
            Self::Difference(sides) => sides.iter().for_each(|side| side.visit(seen)),
        }
    }

    /// Converts all criteria to expressions of the next stage. Tries every criterion, and returns `None` if
    /// any fails.
    pub(super) fn resolve<D>(self, next: &mut impl FnMut(C) -> Option<Expr<D>>) -> Option<Expr<D>> {
        match self {
            Self::Everything => Some(Expr::Everything),
            Self::Criterion(criterion) => next(criterion),
            Self::Union(parts) => resolve_all(parts, next).map(Expr::Union),
            Self::Intersection(parts) => resolve_all(parts, next).map(Expr::Intersection),
            Self::Difference(sides) => {
                let [from, less] = (*sides).map(|side| side.resolve(next));
                Some(Expr::Difference(Box::new([from?, less?])))
            }
        }
    }
}

fn resolve_all<C, D>(
    parts: Vec<Expr<C>>,
    next: &mut impl FnMut(C) -> Option<Expr<D>>,
) -> Option<Vec<Expr<D>>> {
    let parts: Vec<Option<Expr<D>>> = parts.into_iter().map(|part| part.resolve(next)).collect();
    parts.into_iter().collect()
}
