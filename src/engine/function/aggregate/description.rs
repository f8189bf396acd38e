//! Descriptions of aggregates: their names, types and methods.

use datafusion::{
    arrow::datatypes::{DataType, FieldRef},
    common::plan_err,
    error::Result,
    logical_expr::{
        Accumulator, Expr, GroupsAccumulator,
        expr::AggregateFunction,
        function::{AccumulatorArgs, StateFieldsArgs},
        simplify::SimplifyContext,
    },
};

use crate::engine::cast::type_name::type_name;

/// An aggregate function.
#[derive(Debug)]
pub(in crate::engine::function) struct Aggregate {
    /// The primary name, which result columns are named after.
    pub(in crate::engine::function) name: &'static str,
    pub(in crate::engine::function) aliases: &'static [&'static str],
    /// The call syntax, such as `arg_max(arg, val)`.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(in crate::engine::function) usage: &'static str,
    /// One sentence for the function reference.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(in crate::engine::function) doc: &'static str,
    /// Returns the types that the arguments are cast to, and the result type.
    pub(in crate::engine::function) types: fn(&ArgumentTypes<'_>) -> Result<Typed>,
    pub(in crate::engine::function) method: &'static dyn AggregateMethod,
}

/// The arguments of a call.
pub(in crate::engine::function) struct ArgumentTypes<'a> {
    pub(in crate::engine::function) name: &'a str,
    pub(in crate::engine::function) types: &'a [DataType],
}

/// The argument and result types of a call.
pub(in crate::engine::function) struct Typed {
    pub(in crate::engine::function) arguments: Vec<DataType>,
    pub(in crate::engine::function) result: DataType,
}

impl Typed {
    #[expect(clippy::unnecessary_wraps, reason = "it ends most functions that return types")]
    pub(in crate::engine::function) fn new(
        arguments: impl Into<Vec<DataType>>,
        result: DataType,
    ) -> Result<Self> {
        Ok(Self { arguments: arguments.into(), result })
    }
}

impl ArgumentTypes<'_> {
    /// Returns the error for arguments that match no overload.
    pub(in crate::engine::function) fn refuse<T>(&self) -> Result<T> {
        let given: Vec<String> = self.types.iter().map(type_name).collect();
        plan_err!("`{}` takes no ({}): cast the arguments", self.name, given.join(", "))
    }

    /// Returns the argument types if their number is in `counts`, or an error.
    pub(in crate::engine::function) fn expect(
        &self,
        counts: std::ops::RangeInclusive<usize>,
    ) -> Result<&[DataType]> {
        if counts.contains(&self.types.len()) { Ok(self.types) } else { self.refuse() }
    }
}

/// Rewrites a call as an equivalent expression of the same type, or returns it unchanged.
pub(in crate::engine::function) type Rewrite = fn(AggregateFunction, &SimplifyContext) -> Result<Expr>;

/// An algorithm that computes an aggregate.
pub(in crate::engine::function) trait AggregateMethod:
    std::fmt::Debug + Send + Sync
{
    /// Returns the fields of a partial result.
    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>>;

    /// Returns an accumulator for one group.
    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>>;

    /// Returns an accumulator for many groups, or `None` if the method has none.
    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        let _ = call;
        Ok(None)
    }

    /// Returns an accumulator for moving frames, or `None` if the method has none of its own.
    fn moving(&self, call: &AccumulatorArgs<'_>) -> Option<Box<dyn Accumulator>> {
        let _ = call;
        None
    }

    /// Returns whether the accumulators may retract rows, provided that they support it.
    fn retracts(&self) -> bool {
        true
    }

    /// Returns whether the accumulators hold all rows of a group.
    fn holds_rows(&self) -> bool {
        false
    }

    /// Returns whether ORDER BY within the call changes the result.
    fn ordered(&self) -> bool {
        false
    }

    /// Returns whether row order changes the result for these arguments. If so, ORDER BY within the call
    /// sorts the rows before the method sees them.
    fn sorts_first(&self, arguments: &[FieldRef]) -> bool {
        let _ = arguments;
        false
    }

    /// Returns whether [`sorts_first`](Self::sorts_first) can be true for any arguments.
    fn may_sort_first(&self) -> bool {
        false
    }

    /// Returns whether `WITHIN GROUP (ORDER BY …)` is allowed.
    fn within_group(&self) -> bool {
        false
    }

    /// Returns whether the method handles DISTINCT itself; otherwise rows are deduplicated first.
    fn own_distinct(&self) -> bool {
        false
    }

    /// Returns a rewrite to an expression that DataFusion computes faster.
    fn rewrite(&self) -> Option<Rewrite> {
        None
    }
}
