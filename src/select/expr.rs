//! The set algebra of the language, over criteria of any stage.

/// Sets of nodes and what is made of them; `C` is a criterion, as written or as resolved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr<C> {
    /// All nodes.
    Everything,
    /// The nodes of one criterion.
    Criterion(C),
    /// The nodes in any of these; of none of them, no node.
    Union(Vec<Self>),
    /// The nodes in each of these; never of none of them.
    Intersection(Vec<Self>),
    /// The nodes of the first that are not in the second.
    Difference(Box<[Self; 2]>),
}

impl<C> Expr<C> {
    /// The same algebra over criteria of the next stage. Every criterion is tried; nothing comes out if one fails.
    pub(super) fn resolve<D>(self, next: &mut impl FnMut(C) -> Option<D>) -> Option<Expr<D>> {
        match self {
            Self::Everything => Some(Expr::Everything),
            Self::Criterion(criterion) => next(criterion).map(Expr::Criterion),
            Self::Union(parts) => resolve_all(parts, next).map(Expr::Union),
            Self::Intersection(parts) => resolve_all(parts, next).map(Expr::Intersection),
            Self::Difference(sides) => {
                let [from, less] = (*sides).map(|side| side.resolve(next));
                Some(Expr::Difference(Box::new([from?, less?])))
            }
        }
    }
}

fn resolve_all<C, D>(parts: Vec<Expr<C>>, next: &mut impl FnMut(C) -> Option<D>) -> Option<Vec<Expr<D>>> {
    let parts: Vec<Option<Expr<D>>> = parts.into_iter().map(|part| part.resolve(next)).collect();
    parts.into_iter().collect()
}
