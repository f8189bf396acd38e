//! Window functions that count: BIGINT as in DuckDB, where DataFusion has unsigned integers.

use std::{
    hash::{Hash, Hasher},
    ops::Range,
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::ArrayRef,
        compute::{SortOptions, cast},
        datatypes::{DataType, Field, FieldRef},
    },
    common::{ScalarValue, plan_err},
    error::Result,
    execution::SessionStateBuilder,
    functions_window::{
        ntile::ntile_udwf,
        rank::{dense_rank_udwf, rank_udwf},
        row_number::row_number_udwf,
    },
    logical_expr::{
        Expr, LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, WindowUDF, WindowUDFImpl,
        expr::WindowFunction,
        function::{ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs},
        window_state::WindowAggState,
    },
    physical_expr::PhysicalExpr,
};

/// Replaces the window functions that count.
pub(super) fn install(builder: &mut SessionStateBuilder) {
    let native = [row_number_udwf(), rank_udwf(), dense_rank_udwf(), ntile_udwf()];
    let functions = builder.window_functions().get_or_insert_default();
    functions.retain(|udwf| native.iter().all(|native| native.name() != udwf.name()));
    functions.extend(native.map(|native| Arc::new(WindowUDF::new_from_impl(Counting { native }))));
}

/// Refuses positions that DataFusion takes for others than DuckDB does.
pub(super) fn check(window: &WindowFunction) -> Result<()> {
    let (name, position) = (window.fun.name(), window.params.args.get(1));
    let Some(Expr::Literal(position, _)) = position else { return Ok(()) };
    match name {
        "lag" | "lead" if position.is_null() => {
            plan_err!("`{name}`: the offset must not be NULL")
        }
        "nth_value" if position.is_null() => plan_err!("`nth_value`: the position must not be NULL"),
        "nth_value" => match position.cast_to(&DataType::Int64)? {
            ScalarValue::Int64(Some(at)) if at < 1 => {
                plan_err!("`nth_value`: the position must be 1 or more, not {at}")
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// A window function of DataFusion whose results are cast to BIGINT.
#[derive(Debug, Clone)]
struct Counting {
    native: Arc<WindowUDF>,
}

impl PartialEq for Counting {
    fn eq(&self, other: &Self) -> bool {
        self.native.name() == other.native.name()
    }
}

impl Eq for Counting {}

impl Hash for Counting {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.native.name().hash(state);
    }
}

impl WindowUDFImpl for Counting {
    fn name(&self) -> &str {
        self.native.name()
    }

    fn signature(&self) -> &Signature {
        self.native.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.native.inner().coerce_types(types)
    }

    fn expressions(&self, args: ExpressionArgs) -> Vec<Arc<dyn PhysicalExpr>> {
        self.native.inner().expressions(args)
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let native = self.native.inner().field(args)?;
        Ok(Arc::new(Field::new(native.name(), DataType::Int64, native.is_nullable())))
    }

    fn sort_options(&self) -> Option<SortOptions> {
        self.native.inner().sort_options()
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        match self.native.inner().reverse_expr() {
            ReversedUDWF::Identical => ReversedUDWF::Identical,
            _ => ReversedUDWF::NotSupported,
        }
    }

    fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        self.native.inner().limit_effect(args)
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Counted(self.native.inner().partition_evaluator(args)?)))
    }
}

#[derive(Debug)]
struct Counted(Box<dyn PartitionEvaluator>);

fn bigint(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(column, &DataType::Int64)?)
}

impl PartitionEvaluator for Counted {
    fn memoize(&mut self, state: &mut WindowAggState) -> Result<()> {
        self.0.memoize(state)
    }

    fn get_range(&self, index: usize, rows: usize) -> Result<Range<usize>> {
        self.0.get_range(index, rows)
    }

    fn is_causal(&self) -> bool {
        self.0.is_causal()
    }

    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        bigint(&self.0.evaluate_all(values, rows)?)
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        match self.0.evaluate(values, range)? {
            ScalarValue::UInt64(number) => Ok(ScalarValue::Int64(number.map(u64::cast_signed))),
            other => other.cast_to(&DataType::Int64),
        }
    }

    fn evaluate_all_with_rank(&self, rows: usize, ranks: &[Range<usize>]) -> Result<ArrayRef> {
        bigint(&self.0.evaluate_all_with_rank(rows, ranks)?)
    }

    fn supports_bounded_execution(&self) -> bool {
        self.0.supports_bounded_execution()
    }

    fn uses_window_frame(&self) -> bool {
        self.0.uses_window_frame()
    }

    fn include_rank(&self) -> bool {
        self.0.include_rank()
    }
}
