//! List functions. Positions start at 1, and negative ones count from the end.
//!
//! - `lists`: lists in columns
//! - `pick`: functions that select items of their arguments
//! - `concatenation`: joined lists, and the operator `||`
//! - `compare`: functions that search, sort and deduplicate
//! - `make`: lists built from scalars and ranges, and distance measures
//! - `aggregate`: aggregates over a list's items
//! - `lambda`: functions with a lambda

mod aggregate;
mod compare;
mod concatenation;
pub(super) mod lambda;
mod lists;
mod make;
mod pick;

pub(super) use self::compare::contains;
pub(in crate::engine) use self::concatenation::joined_lists;
use super::description::Function;

/// The functions of this family.
pub(super) const FUNCTIONS: &[&[Function]] =
    &[pick::FUNCTIONS, compare::FUNCTIONS, make::FUNCTIONS, aggregate::FUNCTIONS];
