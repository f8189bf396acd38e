//! An [`Aggregate`] as DataFusion's function.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::{DataType, FieldRef},
    error::Result,
    logical_expr::{
        Accumulator, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
        function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs},
        utils::AggregateOrderSensitivity,
    },
};

use super::{Aggregate, Given, Typed, rows, sliding};
use crate::engine::function::kind::plain;

#[derive(Debug, Clone)]
pub(super) struct Call {
    aggregate: &'static Aggregate,
    aliases: Vec<String>,
    signature: Signature,
}

impl Call {
    pub(super) fn new(aggregate: &'static Aggregate) -> Self {
        Self {
            aggregate,
            aliases: aggregate.aliases.iter().map(ToString::to_string).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    fn types(&self, given: &[DataType]) -> Result<Typed> {
        let given: Vec<DataType> = given.iter().map(plain).collect();
        (self.aggregate.types)(&Given { name: self.aggregate.name, types: &given })
    }

    /// Returns whether the call's rows are made distinct before its method sees them.
    fn distinct(&self, asked: bool) -> bool {
        asked && !self.aggregate.method.own_distinct()
    }
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        self.aggregate.name == other.aggregate.name
    }
}

impl Eq for Call {}

impl Hash for Call {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.aggregate.name.hash(state);
    }
}

impl AggregateUDFImpl for Call {
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
        if self.distinct(args.is_distinct) {
            return Ok(rows::distinct_state(&args));
        }
        self.aggregate.method.state(&args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if self.distinct(args.is_distinct) {
            return Ok(Box::new(rows::distinct(self.aggregate.method, &args)));
        }
        self.aggregate.method.accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !self.distinct(args.is_distinct) && matches!(self.aggregate.method.groups(args), Ok(Some(_)))
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let name = self.aggregate.name;
        self.aggregate.method.groups(args)?.ok_or_else(|| {
            datafusion::error::DataFusionError::Internal(format!("{name} can't compute many groups at once"))
        })
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if !self.distinct(args.is_distinct) {
            if let Some(moving) = self.aggregate.method.moving(&args) {
                return Ok(moving);
            }
            let accumulator = self.aggregate.method.accumulator(args.clone())?;
            if accumulator.supports_retract_batch() {
                return Ok(accumulator);
            }
        }
        Ok(Box::new(sliding::Sliding::new(self.aggregate.method, &args, self.distinct(args.is_distinct))))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        if self.aggregate.method.ordered() { ReversedUDAF::NotSupported } else { ReversedUDAF::Identical }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        // The methods sort by themselves, so calls with different orders can share one pass over the rows.
        if self.aggregate.method.ordered() {
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
