//! Canonical NaN in keys: all NaNs form one group and match each other in joins, whatever their sign and
//! payload.
//!
//! Values computed here already use a single NaN. Files from other writers may contain others: on many
//! processors, infinity minus infinity is a NaN with its sign bit set.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray},
        datatypes::{DataType, Float32Type, Float64Type},
    },
    common::{DFSchema, config::ConfigOptions, tree_node::Transformed},
    error::Result,
    execution::SessionStateBuilder,
    logical_expr::{
        Aggregate, ColumnarValue, Distinct, Expr, ExprSchemable, LogicalPlan, Projection, ScalarFunctionArgs,
        ScalarUDF, ScalarUDFImpl, Signature, Volatility, expr_rewriter::NamePreserver,
    },
    optimizer::AnalyzerRule,
    prelude::Column,
};

use super::value::{comparable, differs};

/// Registers the rule.
pub(super) fn install(builder: &mut SessionStateBuilder) {
    builder.analyzer_rules().get_or_insert_default().push(Arc::new(OneNan));
}

#[derive(Debug)]
struct OneNan;

impl AnalyzerRule for OneNan {
    fn name(&self) -> &'static str {
        "one_nan"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Aggregate(aggregate) => grouped(aggregate),
            LogicalPlan::Distinct(Distinct::All(input)) => Ok(match projected(&input)? {
                Some(keys) => Transformed::yes(LogicalPlan::Distinct(Distinct::All(Arc::new(keys)))),
                None => Transformed::no(LogicalPlan::Distinct(Distinct::All(input))),
            }),
            LogicalPlan::Join(mut join) => {
                let mut changed = false;
                for (left, right) in &mut join.on {
                    let sides = [(left, join.left.schema()), (right, join.right.schema())];
                    for (key, schema) in sides {
                        changed |= one_nan(key, schema)?;
                    }
                }
                let join = LogicalPlan::Join(join);
                Ok(if changed { Transformed::yes(join) } else { Transformed::no(join) })
            }
            other => Ok(Transformed::no(other)),
        })
        .map(|plan| plan.data)
    }
}

/// Canonicalizes NaN in an aggregation's keys, keeping their names.
fn grouped(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(aggregate.input.schema());
    let names = NamePreserver::new_for_projection();
    let mut changed = false;
    let mut keys = aggregate.group_expr.clone();
    for key in &mut keys {
        if matches!(key, Expr::GroupingSet(_)) {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        let name = names.save(key);
        if one_nan(key, &schema)? {
            *key = name.restore(std::mem::take(key));
            changed = true;
        }
    }
    if !changed {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    Aggregate::try_new(aggregate.input, keys, aggregate.aggr_expr)
        .map(|aggregate| Transformed::yes(LogicalPlan::Aggregate(aggregate)))
}

/// Canonicalizes NaN in all columns; `None` if no column can hold NaN.
fn projected(input: &Arc<LogicalPlan>) -> Result<Option<LogicalPlan>> {
    let names = NamePreserver::new_for_projection();
    let mut changed = false;
    let columns = input.schema().iter().map(|(qualifier, field)| {
        let mut column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let name = names.save(&column);
        if one_nan(&mut column, input.schema())? {
            changed = true;
            column = name.restore(column);
        }
        Ok(column)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    if !changed {
        return Ok(None);
    }
    Projection::try_new(columns, Arc::clone(input)).map(|keys| Some(LogicalPlan::Projection(keys)))
}

/// Canonicalizes NaN in a key, and returns whether the key can hold NaN.
fn one_nan(key: &mut Expr, schema: &DFSchema) -> Result<bool> {
    let own = |key: &Expr| matches!(key, Expr::ScalarFunction(call) if call.func.name() == NAME);
    let inner = if let Expr::Alias(alias) = &*key { alias.expr.as_ref() } else { &*key };
    if own(inner) || !holds_floats(&key.get_type(schema)?) {
        return Ok(false);
    }
    let function = ScalarUDF::new_from_impl(Nan(Signature::any(1, Volatility::Immutable)));
    *key = function.call(vec![std::mem::take(key)]);
    Ok(true)
}

fn holds_floats(of: &DataType) -> bool {
    differs(of) && !matches!(of, DataType::Interval(_))
}

/// A name that SQL can't call.
const NAME: &str = "one nan";

/// Returns its argument with canonical NaNs. Zeros keep their signs, since they are compared numerically
/// anyway.
#[derive(Debug)]
struct Nan(Signature);

impl PartialEq for Nan {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Nan {}

impl Hash for Nan {
    fn hash<H: Hasher>(&self, state: &mut H) {
        NAME.hash(state);
    }
}

impl ScalarUDFImpl for Nan {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let column = args.args.into_iter().next().map_or_else(
            || datafusion::common::internal_err!("an argument is missing"),
            |column| column.into_array(rows),
        )?;
        Ok(ColumnarValue::Array(match column.data_type() {
            DataType::Float32 | DataType::Float64 => plain_nan(column),
            _ => comparable(&column)?,
        }))
    }
}

/// Canonicalizes NaN in a float column; returns other columns unchanged.
pub(in crate::engine) fn plain_nan(column: ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float64
            if column.as_primitive::<Float64Type>().values().iter().any(|value| value.is_nan()) =>
        {
            let one = |value: f64| if value.is_nan() { f64::NAN } else { value };
            Arc::new(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(one))
        }
        DataType::Float32
            if column.as_primitive::<Float32Type>().values().iter().any(|value| value.is_nan()) =>
        {
            let one = |value: f32| if value.is_nan() { f32::NAN } else { value };
            Arc::new(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(one))
        }
        _ => column,
    }
}
