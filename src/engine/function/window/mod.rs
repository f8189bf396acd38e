//! Window functions whose types or arguments differ in DuckDB: counting functions return BIGINT, where
//! DataFusion returns unsigned integers.

mod shift;

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
    common::ScalarValue,
    error::Result,
    execution::SessionStateBuilder,
    functions_window::{
        lead_lag::{lag_udwf, lead_udwf},
        nth_value::nth_value_udwf,
        ntile::ntile_udwf,
        rank::{dense_rank_udwf, rank_udwf},
        row_number::row_number_udwf,
    },
    logical_expr::{
        LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, WindowUDF, WindowUDFImpl,
        function::{ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs},
        window_state::WindowAggState,
    },
    physical_expr::{PhysicalExpr, expressions::Literal},
};

/// Replaces DataFusion's versions of these functions.
pub(super) fn install(builder: &mut SessionStateBuilder) {
    let counting = [row_number_udwf(), rank_udwf(), dense_rank_udwf(), ntile_udwf()];
    let positioned = [lag_udwf(), lead_udwf(), nth_value_udwf()];
    let mut ours: Vec<DuckDbWindow> = counting.map(|native| DuckDbWindow { native, counts: true }).into();
    ours.extend(positioned.map(|native| DuckDbWindow { native, counts: false }));
    let functions = builder.window_functions().get_or_insert_default();
    functions.retain(|udwf| ours.iter().all(|window| window.native.name() != udwf.name()));
    functions.extend(ours.into_iter().map(|window| Arc::new(WindowUDF::new_from_impl(window))));
}

/// A wrapper around one of DataFusion's window functions.
#[derive(Debug, Clone)]
struct DuckDbWindow {
    native: Arc<WindowUDF>,
    /// Whether the results are cast to BIGINT.
    counts: bool,
}

impl DuckDbWindow {
    /// Returns whether the arguments vary by row, or are constants that DataFusion handles differently.
    fn varies(&self, arguments: &[Arc<dyn PhysicalExpr>]) -> bool {
        if !["lag", "lead", "nth_value"].contains(&self.name()) {
            return false;
        }
        arguments.iter().skip(1).any(|argument| match argument.downcast_ref::<Literal>() {
            Some(literal) => {
                literal.value().is_null()
                    || matches!(literal.value().cast_to(&DataType::Int64), Ok(ScalarValue::Int64(Some(at))) if at < 0 && self.name() == "nth_value")
            }
            None => true,
        })
    }
}

impl PartialEq for DuckDbWindow {
    fn eq(&self, other: &Self) -> bool {
        self.native.name() == other.native.name()
    }
}

impl Eq for DuckDbWindow {}

impl Hash for DuckDbWindow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.native.name().hash(state);
    }
}

impl WindowUDFImpl for DuckDbWindow {
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
        if self.varies(args.input_exprs()) {
            return args.input_exprs().to_vec();
        }
        self.native.inner().expressions(args)
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let native = self.native.inner().field(args)?;
        if !self.counts {
            return Ok(native);
        }
        Ok(Arc::new(Field::new(native.name(), DataType::Int64, native.is_nullable())))
    }

    fn sort_options(&self) -> Option<SortOptions> {
        self.native.inner().sort_options()
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        match self.native.inner().reverse_expr() {
            // Reversing would return DataFusion's own function.
            ReversedUDWF::Reversed(_) => ReversedUDWF::NotSupported,
            native => native,
        }
    }

    fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        self.native.inner().limit_effect(args)
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        if self.varies(args.input_exprs()) {
            let ignore_nulls = args.ignore_nulls();
            return Ok(match self.name() {
                "nth_value" => Box::new(shift::Nth::new(ignore_nulls)),
                name => Box::new(shift::Shift { ahead: name == "lead", ignore_nulls }),
            });
        }
        let evaluator = self.native.inner().partition_evaluator(args)?;
        Ok(if self.counts { Box::new(CountedPartition(evaluator)) } else { evaluator })
    }
}

#[derive(Debug)]
struct CountedPartition(Box<dyn PartitionEvaluator>);

fn bigint(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(column, &DataType::Int64)?)
}

impl PartitionEvaluator for CountedPartition {
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
