//! ASOF JOIN rewrite: two window functions over the rows of both sides.

use std::sync::Arc;

use datafusion::{
    arrow::{array::Int8Array, datatypes::DataType},
    common::{Column, ScalarValue},
    error::Result,
    functions_aggregate::count::count_udaf,
    functions_window::nth_value::first_value,
    logical_expr::{
        ColumnarValue, Expr, ExprFunctionExt, ExprSchemable, Join, JoinType, LogicalPlan, LogicalPlanBuilder,
        Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, SortExpr, Volatility, WindowFrame,
        WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
        expr::{ScalarFunction, WindowFunction},
        lit, when,
    },
};

use super::super::independent::same;
use super::parts::{AsOfParts, null_of};

const TIME: &str = "$time";
const SIDE: &str = "$side";
const COUNT: &str = "$count";
/// The sides, in sort order for rows of the same time if such rows match.
const RIGHT: i8 = 0;
const LEFT: i8 = 1;

/// Rewrites the join.
pub(super) fn join(join: &Join, parts: &AsOfParts) -> Result<LogicalPlan> {
    let both = both(join, parts)?;
    let keys: Vec<Expr> = (0..parts.keys.len()).map(|at| column(&key(at))).collect();
    let (_, op, _) = parts.time;
    let later_last = matches!(op, Operator::GtEq | Operator::Gt);
    let right_first = matches!(op, Operator::GtEq | Operator::LtEq);
    let in_time = vec![column(TIME).sort(later_last, false), column(SIDE).sort(right_first, false)];
    let of_right = when(column(SIDE).eq(lit(RIGHT)), lit(1_i64)).end()?;
    let counted =
        window(WindowFunctionDefinition::AggregateUDF(count_udaf()), of_right, keys.clone(), in_time)?
            .alias(COUNT);
    let plan = LogicalPlanBuilder::from(both).window([counted])?;
    let is_match = column(COUNT).gt(lit(0_i64)).and(column(TIME).is_not_null());
    let is_left = column(SIDE).eq(lit(LEFT));
    let left = fields(&join.left, "$l");
    match join.join_type {
        JoinType::LeftSemi => {
            return plan.filter(is_left.and(is_match))?.project(named(join, &left))?.build();
        }
        JoinType::LeftAnti => {
            return plan
                .filter(is_left.and(Expr::Not(Box::new(is_match))))?
                .project(named(join, &left))?
                .build();
        }
        _ => {}
    }
    // Among a key's rows with the same count, the right row comes first and the others match it.
    let mut group = keys;
    group.push(column(COUNT));
    let right = fields(&join.right, "$r");
    let taken = right.iter().map(|name| {
        let first = first_value(column(name));
        let first = first
            .partition_by(group.clone())
            .order_by(vec![column(SIDE).sort(true, false)])
            .window_frame(so_far())
            .build()?;
        Ok(first.alias(found(name)))
    });
    let taken = taken.collect::<Result<Vec<_>>>()?;
    let plan = if taken.is_empty() { plan } else { plan.window(taken)? };
    let kept = if join.join_type == JoinType::Left { is_left } else { is_left.and(is_match.clone()) };
    let plan = plan.filter(kept)?;
    let mut names = left;
    names.extend(right.iter().map(|name| found(name)));
    let mut columns = named(join, &names);
    if join.join_type == JoinType::Left {
        let own = join.left.schema().fields().len();
        for (place, column) in columns.iter_mut().enumerate().skip(own) {
            let (qualifier, field) = join.schema.qualified_field(place);
            let value = when(is_match.clone(), self::column(&names[place])).end()?;
            *column = value.alias_qualified(qualifier.cloned(), field.name());
        }
    }
    plan.project(columns)?.build()
}

/// Returns the rows of both sides: left columns, right columns, keys, time and side.
fn both(join: &Join, parts: &AsOfParts) -> Result<LogicalPlan> {
    let (left, right) = (join.left.schema(), join.right.schema());
    let own = |plan: &LogicalPlan, prefix: &str| -> Vec<Expr> {
        let columns = plan.schema().iter().enumerate();
        columns
            .map(|(at, (qualifier, field))| {
                Expr::Column(Column::new(qualifier.cloned(), field.name())).alias(format!("{prefix}{at}"))
            })
            .collect()
    };
    let none = |plan: &LogicalPlan, prefix: &str| -> Result<Vec<Expr>> {
        let fields = plan.schema().fields().iter().enumerate();
        fields.map(|(at, field)| Ok(null_of(field.data_type())?.alias(format!("{prefix}{at}")))).collect()
    };
    let (time_left, _, time_right) = &parts.time;
    // The optimizer mistakes an order on one side's columns for an order on both.
    let rest = |keys: Vec<Expr>, time: &Expr, side: i8| -> Vec<Expr> {
        let keys = keys.into_iter().enumerate().map(|(at, expr)| same(expr).alias(key(at)));
        keys.chain([same(time.clone()).alias(TIME), side_of(time, side).alias(SIDE)]).collect()
    };
    let (keys_left, keys_right): (Vec<Expr>, Vec<Expr>) = parts.keys.iter().cloned().unzip();
    let mut of_left = own(&join.left, "$l");
    of_left.extend(none(&join.right, "$r")?);
    of_left.extend(rest(keys_left, time_left, LEFT));
    let mut of_right = none(&join.left, "$l")?;
    of_right.extend(own(&join.right, "$r"));
    of_right.extend(rest(keys_right.clone(), time_right, RIGHT));
    debug_assert!(time_left.get_type(left)? == time_right.get_type(right)?, "sides were type-checked");
    // A row whose key or time is NULL has no match.
    let known = keys_right.into_iter().chain([time_right.clone()]).map(Expr::is_not_null);
    let known = known.reduce(Expr::and).unwrap_or_else(|| lit(true));
    let right =
        LogicalPlanBuilder::from(join.right.as_ref().clone()).filter(known)?.project(of_right)?.build()?;
    LogicalPlanBuilder::from(join.left.as_ref().clone()).project(of_left)?.union(right)?.build()
}

/// Returns a column with the side's number. It isn't a constant, because the optimizer would drop a constant
/// sort key.
fn side_of(time: &Expr, side: i8) -> Expr {
    let function = ScalarUDF::from(SideMark { side, signature: Signature::any(1, Volatility::Volatile) });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![time.clone()]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SideMark {
    side: i8,
    signature: Signature,
}

impl ScalarUDFImpl for SideMark {
    fn name(&self) -> &'static str {
        SIDE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Array(Arc::new(Int8Array::from_value(self.side, args.number_rows))))
    }
}

fn window(
    function: WindowFunctionDefinition,
    argument: Expr,
    partition: Vec<Expr>,
    order: Vec<SortExpr>,
) -> Result<Expr> {
    Expr::from(WindowFunction::new(function, vec![argument]))
        .partition_by(partition)
        .order_by(order)
        .window_frame(so_far())
        .build()
}

/// Returns the frame of all rows up to the current one.
fn so_far() -> WindowFrame {
    WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        WindowFrameBound::CurrentRow,
    )
}

/// Returns the names of a side's columns in the combined rows.
fn fields(plan: &Arc<LogicalPlan>, prefix: &str) -> Vec<String> {
    (0..plan.schema().fields().len()).map(|at| format!("{prefix}{at}")).collect()
}

/// Renames columns to those of the join.
fn named(join: &Join, names: &[String]) -> Vec<Expr> {
    let columns = names.iter().zip(join.schema.iter());
    columns
        .map(|(name, (qualifier, field))| column(name).alias_qualified(qualifier.cloned(), field.name()))
        .collect()
}

fn key(at: usize) -> String {
    format!("$k{at}")
}

fn found(name: &str) -> String {
    format!("{name} found")
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}
