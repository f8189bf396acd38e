//! Adapter from [`Aggregate`] to DataFusion's `AggregateUDFImpl`.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        compute::SortOptions,
        datatypes::{DataType, FieldRef},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::{
        Accumulator, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
        function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs},
        utils::AggregateOrderSensitivity,
    },
    physical_expr::PhysicalSortExpr,
};

use super::{
    description::{Aggregate, ArgumentTypes, Typed},
    group_limit::{GroupLimit, GroupMemory, LimitedGroup, LimitedGroups},
    recipe::Gather,
    rows, sliding,
};
use crate::engine::cast::type_name::plain;

#[derive(Debug, Clone)]
pub(in crate::engine::function) struct AggregateCall {
    aggregate: &'static Aggregate,
    aliases: Vec<String>,
    signature: Signature,
    /// The sort directions of the trailing arguments that are ordering keys: only in window calls.
    orders: Vec<SortOptions>,
    /// The memory of the session's operators, if it is limited.
    memory: Option<GroupMemory>,
}

/// The aggregates that return 0 when there are no rows.
const ZERO: [&str; 4] = ["count_if", "regr_count", "approx_count_distinct", "entropy"];

impl AggregateCall {
    pub(in crate::engine::function) fn new(aggregate: &'static Aggregate) -> Self {
        Self {
            aggregate,
            aliases: aggregate.aliases.iter().map(ToString::to_string).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
            orders: Vec::new(),
            memory: None,
        }
    }

    /// Returns this call within the memory of a session's operators.
    pub(in crate::engine::function) fn within(self, memory: Option<GroupMemory>) -> Self {
        Self { memory, ..self }
    }

    /// Returns the limit of a call whose rows are held in memory.
    fn limit(&self, args: &AccumulatorArgs<'_>) -> Option<GroupLimit> {
        let holds = self.aggregate.method.holds_rows() || self.gather_of(args) != Gather::default();
        self.memory.filter(|_| holds).map(|memory| GroupLimit::new(self.aggregate.name, memory))
    }

    /// Returns this call with ordering keys as its trailing arguments.
    pub(in crate::engine::function) fn ordered_by(&self, orders: Vec<SortOptions>) -> Self {
        Self { orders, ..self.clone() }
    }

    fn types(&self, given: &[DataType]) -> Result<Typed> {
        let (own, keys) = given.split_at(given.len().saturating_sub(self.orders.len()));
        let own: Vec<DataType> = own.iter().map(plain).collect();
        let mut typed = (self.aggregate.types)(&ArgumentTypes { name: self.aggregate.name, types: &own })?;
        typed.arguments.extend_from_slice(keys);
        Ok(typed)
    }

    /// Returns how the call's rows are prepared before its method sees them.
    fn gather(&self, distinct: bool, ordered: bool, arguments: &[FieldRef]) -> Gather {
        let method = self.aggregate.method;
        let distinct = distinct && !method.own_distinct();
        Gather {
            distinct,
            sorted: ordered && (method.sorts_first(arguments) || (distinct && method.ordered())),
        }
    }

    fn gather_of(&self, args: &AccumulatorArgs<'_>) -> Gather {
        self.gather(args.is_distinct, !args.order_bys.is_empty(), args.expr_fields)
    }

    /// Splits the ordering keys off the arguments and calls `then`.
    fn apart<T>(&self, args: AccumulatorArgs<'_>, then: impl FnOnce(AccumulatorArgs<'_>) -> T) -> T {
        if self.orders.is_empty() {
            return then(args);
        }
        let own = args.exprs.len().saturating_sub(self.orders.len());
        let keys = args.exprs[own..].iter().zip(&self.orders);
        let order_bys: Vec<PhysicalSortExpr> =
            keys.map(|(key, options)| PhysicalSortExpr::new(Arc::clone(key), *options)).collect();
        then(AccumulatorArgs {
            exprs: &args.exprs[..own],
            expr_fields: &args.expr_fields[..own],
            order_bys: &order_bys,
            ..args
        })
    }
}

impl PartialEq for AggregateCall {
    fn eq(&self, other: &Self) -> bool {
        self.aggregate.name == other.aggregate.name && self.orders == other.orders
    }
}

impl Eq for AggregateCall {}

impl Hash for AggregateCall {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.aggregate.name.hash(state);
        self.orders.hash(state);
    }
}

impl AggregateUDFImpl for AggregateCall {
    fn name(&self) -> &str {
        self.aggregate.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.types(given)?.arguments)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(self.types(given)?.result)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let gather = self.gather(args.is_distinct, !args.ordering_fields.is_empty(), args.input_fields);
        if gather != Gather::default() {
            return Ok(rows::gathered_state(&args, gather.sorted));
        }
        self.aggregate.method.state(&args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.apart(args, |args| {
            let (gather, limit) = (self.gather_of(&args), self.limit(&args));
            let inner = if gather == Gather::default() {
                self.aggregate.method.accumulator(args)?
            } else {
                Box::new(rows::gathered(self.aggregate.method, &args, gather.distinct, gather.sorted)?)
            };
            Ok(match limit {
                Some(limit) => Box::new(LimitedGroup { inner, limit }),
                None => inner,
            })
        })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.gather_of(&args) == Gather::default()
            && matches!(self.aggregate.method.groups(args), Ok(Some(_)))
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let (name, limit) = (self.aggregate.name, self.limit(&args));
        let inner = self.aggregate.method.groups(args)?.ok_or_else(|| {
            datafusion::error::DataFusionError::Internal(format!("{name} can't compute many groups at once"))
        })?;
        Ok(match limit {
            Some(limit) => Box::new(LimitedGroups::new(inner, limit)),
            None => inner,
        })
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.apart(args, |args| {
            let gather = self.gather_of(&args);
            if gather == Gather::default() {
                if let Some(moving) = self.aggregate.method.moving(&args) {
                    return Ok(moving);
                }
                let accumulator = self.aggregate.method.accumulator(args.clone())?;
                if self.aggregate.method.retracts() && accumulator.supports_retract_batch() {
                    return Ok(accumulator);
                }
            }
            Ok(Box::new(sliding::Sliding::new(self.aggregate.method, &args, gather)) as Box<dyn Accumulator>)
        })
    }

    /// Returns the result over no rows, which a window needs for empty frames.
    fn default_value(&self, result: &DataType) -> Result<ScalarValue> {
        if ZERO.contains(&self.aggregate.name) {
            return ScalarValue::new_zero(result);
        }
        ScalarValue::try_from(result)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        if self.aggregate.method.ordered() || !self.orders.is_empty() {
            ReversedUDAF::NotSupported
        } else {
            ReversedUDAF::Identical
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        // The methods do their own sorting, so calls with different orders can share one pass over the rows.
        if self.aggregate.method.ordered() || self.aggregate.method.may_sort_first() {
            AggregateOrderSensitivity::Beneficial
        } else {
            AggregateOrderSensitivity::Insensitive
        }
    }

    fn with_beneficial_ordering(self: Arc<Self>, _: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        Ok(Some(self))
    }

    fn supports_within_group_clause(&self) -> bool {
        self.aggregate.method.within_group()
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        let rewrite = self.aggregate.method.rewrite()?;
        Some(Box::new(rewrite))
    }
}
