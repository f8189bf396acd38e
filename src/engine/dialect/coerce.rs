//! The type check: gives every value of a plan the type that DuckDB gives it, by casts where DuckDB casts implicitly, and
//! refuses what DuckDB refuses, before anything runs. DataFusion's own coercion then finds nothing left to do.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        Column, DFSchema, Diagnostic, ScalarValue, Span,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::{DataFusionError, Result},
    logical_expr::{
        Aggregate, BinaryExpr, Expr, ExprSchemable, Join, JoinType, LogicalPlan, LogicalPlanBuilder,
        Operator, Projection, Union, Values,
        expr::{Between, InList, InSubquery, Like, ScalarFunction},
        expr_rewriter::NamePreserver,
        utils::merge_schema,
    },
};

use super::super::function::argument_types;
use super::{
    arithmetic::{self, Arithmetic},
    cast, operator,
    placeholder::{CastPlaceholder, parse_target},
    types::{self, common, is_number, is_text},
};

/// The plan with all types as in DuckDB.
///
/// # Errors
/// For the first expression whose types don't fit, with its place where one is known.
pub(super) fn check(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan.transform_up_with_subqueries(|node| node_types(node).map(Transformed::yes))?.data)
}

/// A comparison whose operands aren't type-checked yet, in the types where they meet.
pub(super) fn comparison_of(binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
    let typed = |side: Box<Expr>| -> Result<Box<Expr>> {
        Ok(Box::new(side.transform_up(|expr| expression(expr, schema).map(Transformed::yes))?.data))
    };
    let (left, right) = (typed(binary.left)?, typed(binary.right)?);
    self::binary(BinaryExpr::new(left, binary.op, right), schema)
}

fn node_types(node: LogicalPlan) -> Result<LogicalPlan> {
    let node = match node {
        LogicalPlan::Values(values) => return values_types(values),
        LogicalPlan::Union(union) => return union_types(union),
        LogicalPlan::Limit(_) => return Ok(node),
        other => other.recompute_schema()?,
    };
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = &node {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    let preserver = NamePreserver::new(&node);
    let node = node
        .map_expressions(|expr| {
            let name = preserver.save(&expr);
            let typed = expr.transform_up(|expr| expression(expr, &schema).map(Transformed::yes))?;
            Ok(typed.update_data(|expr| name.restore(expr)))
        })?
        .data;
    let node = match node {
        LogicalPlan::Filter(mut filter) => {
            filter.predicate = boolean(filter.predicate, &schema)?;
            LogicalPlan::Filter(filter)
        }
        LogicalPlan::Join(join) => join_types(join)?,
        other => other,
    };
    groupings(node.recompute_schema()?)
}

/// An aggregate whose `grouping()` is BIGINT.
fn groupings(node: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Aggregate(aggregate) = &node else { return Ok(node) };
    let is_grouping = |expr: &Expr| match expr.clone().unalias_nested().data {
        Expr::AggregateFunction(call) => call.func.name() == "grouping",
        _ => false,
    };
    let first = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
    if !aggregate.aggr_expr.iter().any(is_grouping) {
        return Ok(node);
    }
    // How sets are told apart is no column for others.
    let columns = aggregate.schema.columns().into_iter().enumerate();
    let columns = columns.filter(|(_, column)| column.name != Aggregate::INTERNAL_GROUPING_ID);
    let columns = columns.map(|(at, column)| {
        let groups =
            at.checked_sub(first).and_then(|at| aggregate.aggr_expr.get(at)).is_some_and(is_grouping);
        let value = Expr::Column(column.clone());
        if groups { datafusion::logical_expr::cast(value, DataType::Int64).alias(column.name) } else { value }
    });
    let columns: Vec<Expr> = columns.collect();
    LogicalPlanBuilder::from(node).project(columns)?.build()
}

/// Rows written by hand: each column has the type where its values meet.
fn values_types(values: Values) -> Result<LogicalPlan> {
    let empty = DFSchema::empty();
    let mut rows = Vec::with_capacity(values.values.len());
    for row in values.values {
        let row = row
            .into_iter()
            .map(as_written)
            .map(|expr| Ok(expr.transform_up(|expr| expression(expr, &empty).map(Transformed::yes))?.data));
        rows.push(row.collect::<Result<Vec<_>>>()?);
    }
    let columns = rows.first().map_or(0, Vec::len);
    for column in 0..columns {
        let operands: Vec<&Expr> = rows.iter().filter_map(|row| row.get(column)).collect();
        let meeting = meeting(&operands, &empty, "VALUES")?;
        for row in &mut rows {
            if let Some(value) = row.get_mut(column) {
                *value = as_type(std::mem::take(value), &meeting, &empty)?;
            }
        }
    }
    LogicalPlanBuilder::values(rows)?.build()
}

/// A value of VALUES without the cast that DataFusion has put around it, to a type of its own choice.
fn as_written(value: Expr) -> Expr {
    match value {
        Expr::Cast(cast) if !matches!(cast.expr.as_ref(), Expr::Literal(ScalarValue::Int64(_), _)) => {
            *cast.expr
        }
        other => other,
    }
}

/// The sides of a UNION: each column has the type where its sides meet; text takes in everything.
fn union_types(union: Union) -> Result<LogicalPlan> {
    let Some(first) = union.inputs.first() else { return Ok(LogicalPlan::Union(union)) };
    let columns = first.schema().fields().len();
    let mut wanted: Vec<DataType> =
        first.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    if union.inputs.iter().any(|input| input.schema().fields().len() != columns) {
        return LogicalPlan::Union(union).recompute_schema();
    }
    for input in &union.inputs[1..] {
        for (wanted, field) in wanted.iter_mut().zip(input.schema().fields()) {
            *wanted = set_type(wanted, field.data_type(), field.name())?;
        }
    }
    let inputs = union.inputs.iter().map(|input| as_columns(input, &wanted).map(Arc::new));
    let inputs: Vec<_> = inputs.collect::<Result<_>>()?;
    Union::try_new(inputs).map(LogicalPlan::Union)
}

/// Where a column of one side of a set operation meets that of another.
fn set_type(left: &DataType, right: &DataType, name: &str) -> Result<DataType> {
    if let Some(meeting) = common(left, right) {
        return Ok(meeting);
    }
    if is_text(left) || is_text(right) {
        return Ok(DataType::Utf8);
    }
    Err(DataFusionError::Plan(format!(
        "column {name} is {} on one side and {} on the other: cast one of them",
        types::name(left),
        types::name(right)
    )))
}

/// A plan's columns in these types.
fn as_columns(input: &Arc<LogicalPlan>, wanted: &[DataType]) -> Result<LogicalPlan> {
    if input.schema().fields().iter().zip(wanted).all(|(field, wanted)| field.data_type() == wanted) {
        return Ok(input.as_ref().clone());
    }
    let columns = input.schema().iter().zip(wanted).map(|((qualifier, field), wanted)| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let typed = cast::implicit(column, field.data_type(), wanted)?;
        Ok(match qualifier {
            Some(qualifier) => typed.alias_qualified(Some(qualifier.clone()), field.name()),
            None => typed.alias(field.name()),
        })
    });
    Projection::try_new(columns.collect::<Result<_>>()?, Arc::clone(input)).map(LogicalPlan::Projection)
}

/// Keys of a join meet as the sides of `=` do; those of INTERSECT and EXCEPT as columns of a set operation.
fn join_types(mut join: Join) -> Result<LogicalPlan> {
    let (left_schema, right_schema) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let is_set_operation = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == datafusion::common::NullEquality::NullEqualsNull;
    if is_set_operation {
        return set_operation(&join);
    }
    let mut on = Vec::with_capacity(join.on.len());
    for (left, right) in join.on {
        let (left_type, right_type) = (left.get_type(&left_schema)?, right.get_type(&right_schema)?);
        let meeting = comparison(&Side::of(&left, left_type.clone()), &Side::of(&right, right_type.clone()));
        let Some(meeting) = meeting else {
            return Err(incomparable(&left, &left_type, &right, &right_type, "="));
        };
        on.push((cast::implicit(left, &left_type, &meeting)?, cast::implicit(right, &right_type, &meeting)?));
    }
    join.on = on;
    if let Some(filter) = join.filter.take() {
        let schema = left_schema.join(&right_schema)?;
        join.filter = Some(boolean(filter, &schema)?);
    }
    Ok(LogicalPlan::Join(join))
}

/// INTERSECT or EXCEPT. With ALL, copies count: each copy of a row is numbered on both sides, so that one takes away one.
fn set_operation(join: &Join) -> Result<LogicalPlan> {
    use datafusion::{functions_window::expr_fn::row_number, logical_expr::ExprFunctionExt};
    const COPY: &str = "$copy";
    let names = |plan: &LogicalPlan| -> Vec<Expr> {
        plan.schema()
            .iter()
            .map(|(qualifier, field)| Expr::Column(Column::new(qualifier.cloned(), field.name())))
            .collect()
    };
    let fields = |plan: &LogicalPlan| -> Vec<DataType> {
        plan.schema().fields().iter().map(|field| field.data_type().clone()).collect()
    };
    let mut wanted = fields(&join.left);
    for (wanted, field) in wanted.iter_mut().zip(join.right.schema().fields()) {
        *wanted = set_type(wanted, field.data_type(), field.name())?;
    }
    let all = !matches!(join.left.as_ref(), LogicalPlan::Distinct(_));
    let numbered = |side: &Arc<LogicalPlan>| -> Result<LogicalPlan> {
        let side = as_columns(side, &wanted)?;
        if !all {
            return Ok(side);
        }
        let number = row_number().partition_by(names(&side)).build()?.alias(COPY);
        LogicalPlanBuilder::from(side).window([number])?.build()
    };
    let (left, right) = (numbered(&join.left)?, numbered(&join.right)?);
    let keys = |plan: &LogicalPlan| -> Vec<Column> {
        plan.schema().iter().map(|(qualifier, field)| Column::new(qualifier.cloned(), field.name())).collect()
    };
    let (left_keys, right_keys) = (keys(&left), keys(&right));
    let columns: Vec<Expr> = names(&left).into_iter().take(wanted.len()).collect();
    let joined = LogicalPlanBuilder::from(left).join_detailed(
        right,
        join.join_type,
        (left_keys, right_keys),
        None,
        join.null_equality,
    )?;
    if all { joined.project(columns)?.build() } else { joined.build() }
}

/// One side of an operator.
struct Side {
    data_type: DataType,
    literal: Literal,
}

/// Constants that adapt their type to the other side.
#[derive(PartialEq, Eq)]
enum Literal {
    Text,
    Integer(i64),
    None,
}

impl Side {
    fn of(expr: &Expr, data_type: DataType) -> Self {
        let literal = match expr {
            Expr::Literal(ScalarValue::Utf8(Some(_)), _) => Literal::Text,
            Expr::Literal(ScalarValue::Int32(Some(number)), _) => Literal::Integer((*number).into()),
            Expr::Literal(ScalarValue::Int64(Some(number)), _) => Literal::Integer(*number),
            _ => Literal::None,
        };
        Self { data_type, literal }
    }

    /// Whether it is a constant that is a value of this type.
    fn adapts_to(&self, other: &DataType) -> bool {
        match self.literal {
            Literal::Text => !is_text(other),
            Literal::Integer(number) => fits(number, other),
            Literal::None => false,
        }
    }
}

fn fits(number: i64, data_type: &DataType) -> bool {
    use DataType as T;
    match data_type {
        T::Int8 => i8::try_from(number).is_ok(),
        T::Int16 => i16::try_from(number).is_ok(),
        T::Int32 => i32::try_from(number).is_ok(),
        T::Int64 => true,
        T::UInt8 => u8::try_from(number).is_ok(),
        T::UInt16 => u16::try_from(number).is_ok(),
        T::UInt32 => u32::try_from(number).is_ok(),
        T::UInt64 => u64::try_from(number).is_ok(),
        _ => false,
    }
}

/// The type in which two values meet where a result has one of them; `None` if an explicit cast is needed.
fn meet(left: &Side, right: &Side) -> Option<DataType> {
    if left.data_type == right.data_type {
        return Some(left.data_type.clone());
    }
    if right.adapts_to(&left.data_type) && left.data_type != DataType::Null && left.literal != Literal::Text {
        return Some(left.data_type.clone());
    }
    if left.adapts_to(&right.data_type) && right.data_type != DataType::Null {
        return Some(right.data_type.clone());
    }
    common(&left.data_type, &right.data_type)
}

/// The type in which two values are compared.
fn comparison(left: &Side, right: &Side) -> Option<DataType> {
    meet(left, right).or_else(|| {
        let (text, other) = match (is_text(&left.data_type), is_text(&right.data_type)) {
            (true, false) => (&left.data_type, &right.data_type),
            (false, true) => (&right.data_type, &left.data_type),
            _ => return None,
        };
        // A column of text compares with a date by being one. With a number that is more likely a mistake.
        debug_assert!(is_text(text), "one side is text");
        (!is_number(other) && !other.is_nested()).then(|| other.clone())
    })
}

/// The type where all of these meet, for CASE, COALESCE, lists and VALUES.
fn meeting(operands: &[&Expr], schema: &DFSchema, what: &str) -> Result<DataType> {
    let mut found: Option<Side> = None;
    for operand in operands {
        let side = Side::of(operand, operand.get_type(schema)?);
        found = Some(match found {
            None => side,
            Some(before) => {
                let Some(data_type) = meet(&before, &side) else {
                    return Err(at(
                        operand,
                        format!(
                            "{what} can't have values of {} and of {}",
                            types::name(&before.data_type),
                            types::name(&side.data_type)
                        ),
                        "cast one of them",
                    ));
                };
                let both_text = before.literal == Literal::Text && side.literal == Literal::Text;
                let literal = if both_text { Literal::Text } else { Literal::None };
                Side { data_type, literal }
            }
        });
    }
    Ok(found.map_or(DataType::Null, |side| side.data_type))
}

/// The expression, cast to a type if it has another.
fn as_type(expr: Expr, wanted: &DataType, schema: &DFSchema) -> Result<Expr> {
    let own = expr.get_type(schema)?;
    cast_at(expr, &own, wanted)
}

/// An implicit cast whose error has a place.
fn cast_at(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    if from == to {
        return Ok(expr);
    }
    let place = place(&expr);
    cast::implicit(expr, from, to).map_err(|error| placed(error, place))
}

fn boolean(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let own = expr.get_type(schema)?;
    let is_condition = matches!(own, DataType::Boolean | DataType::Null)
        || is_number(&own)
        || matches!(expr, Expr::Literal(ScalarValue::Utf8(_), _));
    if !is_condition {
        let message = format!("a condition must be BOOLEAN, and this is {}", types::name(&own));
        return Err(at(&expr, message, "compare it with something"));
    }
    cast_at(expr, &own, &DataType::Boolean)
}

/// The types of one expression whose parts have theirs.
fn expression(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match expr {
        // A literal number, which `statement` gave its type.
        Expr::Cast(cast) if matches!(cast.expr.as_ref(), Expr::Literal(ScalarValue::Int64(_), _)) => {
            match cast.expr.as_ref() {
                Expr::Literal(value, metadata) => {
                    Ok(Expr::Literal(value.cast_to(cast.field.data_type())?, metadata.clone()))
                }
                _ => Ok(Expr::Cast(cast)),
            }
        }
        Expr::ScalarFunction(call) => function(call, schema),
        Expr::Negative(inner) => {
            let call =
                ScalarFunction::new_udf(operator::function(arithmetic::Operation::Negate), vec![*inner]);
            function(call, schema)
        }
        Expr::BinaryExpr(binary) => self::binary(binary, schema),
        Expr::Not(inner) => Ok(Expr::Not(Box::new(boolean(*inner, schema)?))),
        Expr::IsTrue(inner) => Ok(Expr::IsTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsFalse(inner) => Ok(Expr::IsFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotTrue(inner) => Ok(Expr::IsNotTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotFalse(inner) => Ok(Expr::IsNotFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsUnknown(inner) => Ok(Expr::IsUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotUnknown(inner) => Ok(Expr::IsNotUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::Between(between) => self::between(between, schema),
        Expr::InList(list) => in_list(list, schema),
        Expr::InSubquery(subquery) => in_subquery(subquery, schema),
        Expr::Like(like) => self::like(like, schema).map(Expr::Like),
        Expr::Case(case) => self::case(case, schema),
        Expr::WindowFunction(mut call) => {
            // The default of `lag` and `lead` is of the value's type.
            if let [value, _, default] = call.params.args.as_mut_slice()
                && ["lag", "lead"].contains(&call.fun.name())
            {
                let (from, to) = (default.get_type(schema)?, value.get_type(schema)?);
                *default = cast::implicit(std::mem::take(default), &from, &to)?;
            }
            Ok(Expr::WindowFunction(call))
        }
        Expr::ScalarSubquery(subquery) => Ok(Expr::ScalarSubquery(super::correlated::nullable(subquery)?)),
        Expr::Alias(_) | Expr::Column(_) | Expr::Literal(..) => Ok(expr),
        other => Ok(other),
    }
}

fn function(mut call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    if let Some(placeholder) =
        (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<CastPlaceholder>()
    {
        let lenient = placeholder.is_lenient();
        let place = place_of(&call.args);
        let Some(Expr::Literal(ScalarValue::Utf8(Some(name)), _)) = call.args.get(1) else {
            return Ok(Expr::ScalarFunction(call));
        };
        let target = parse_target(name).map_err(|error| placed(error, place))?;
        let value = call.args.swap_remove(0);
        let own = value.get_type(schema)?;
        return cast::explicit(value, &own, &target, lenient).map_err(|error| placed(error, place));
    }
    if let Some(arithmetic) = (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<Arithmetic>()
    {
        return operation(arithmetic.operation(), call.args, schema);
    }
    let shared = match call.func.name() {
        "coalesce" => Some("COALESCE"),
        "make_array" => Some("a list"),
        _ => None,
    };
    if let Some(what) = shared {
        let operands: Vec<&Expr> = call.args.iter().collect();
        let meeting = meeting(&operands, schema, what)?;
        let args = call.args.into_iter().map(|arg| as_type(arg, &meeting, schema));
        call.args = args.collect::<Result<_>>()?;
        return Ok(Expr::ScalarFunction(call));
    }
    let place = place_of(&call.args);
    if let Some(wanted) = argument_types(&call, schema).map_err(|error| placed(error, place))? {
        let args = call.args.into_iter().zip(&wanted);
        call.args = args.map(|(arg, wanted)| as_type(arg, wanted, schema)).collect::<Result<_>>()?;
    }
    let expr = Expr::ScalarFunction(call);
    // Whether the arguments fit is known to the function; its answer gets a place.
    match expr.get_type(schema) {
        Ok(_) => Ok(expr),
        Err(error) => Err(placed(error, place)),
    }
}

/// Returns whether a number may have a fraction.
fn is_fraction(data_type: &DataType) -> bool {
    is_number(data_type) && !data_type.is_integer()
}

fn operation(operation: arithmetic::Operation, args: Vec<Expr>, schema: &DFSchema) -> Result<Expr> {
    let sides: Vec<Side> =
        args.iter().map(|arg| Ok(Side::of(arg, arg.get_type(schema)?))).collect::<Result<_>>()?;
    let mut operands: Vec<DataType> = sides.iter().map(|side| side.data_type.clone()).collect();
    if let [left, right] = sides.as_slice() {
        // A literal takes the type of the other side: `tiny + 1` is as small as `tiny`, `1.5 + '1'` is a double.
        let (a, b) = (&left.data_type, &right.data_type);
        if a.is_integer() && b.is_integer() && a != b {
            if right.adapts_to(a) && left.literal == Literal::None {
                operands = vec![a.clone(), a.clone()];
            } else if left.adapts_to(b) && right.literal == Literal::None {
                operands = vec![b.clone(), b.clone()];
            }
        } else if (is_fraction(a) && right.literal == Literal::Text)
            || (is_fraction(b) && left.literal == Literal::Text)
        {
            operands = vec![DataType::Float64, DataType::Float64];
        }
    }
    let Some(resolved) = arithmetic::resolve(operation, &operands) else {
        let names: Vec<String> = sides.iter().map(|side| types::name(&side.data_type)).collect();
        let text = sides.iter().any(|side| is_text(&side.data_type));
        let help = if text { "cast the text to a number or a date" } else { "cast an operand" };
        let message = format!("`{}` doesn't take {}", operation.symbol(), names.join(" and "));
        return Err(args.first().map_or_else(
            || DataFusionError::Plan(message.clone()),
            |first| {
                at(
                    if place(first).is_some() { first } else { args.last().unwrap_or(first) },
                    message.clone(),
                    help,
                )
            },
        ));
    };
    let typed = args.into_iter().zip(&sides).zip(&resolved.operands);
    let args = typed.map(|((arg, side), wanted)| {
        // Decimals meet in the operation itself.
        cast_at(arg, &side.data_type, wanted)
    });
    let args = args.collect::<Result<Vec<_>>>()?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(operator::function(operation), args)))
}

fn binary(binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
    let BinaryExpr { left, op, right } = binary;
    let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
    let made = |left, right| Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))));
    match op {
        Operator::And | Operator::Or => made(boolean(*left, schema)?, boolean(*right, schema)?),
        Operator::StringConcat => concat(*left, &left_type, *right, &right_type),
        op if is_comparison(op) => {
            let sides = (Side::of(&left, left_type.clone()), Side::of(&right, right_type.clone()));
            let Some(meeting) = comparison(&sides.0, &sides.1) else {
                return Err(incomparable(&left, &left_type, &right, &right_type, &op.to_string()));
            };
            let left = cast_at(*left, &left_type, &meeting)?;
            let right = cast_at(*right, &right_type, &meeting)?;
            if matches!(meeting, DataType::Interval(_)) {
                return made(cast::interval_length(left), cast::interval_length(right));
            }
            made(left, right)
        }
        Operator::BitwiseAnd | Operator::BitwiseOr | Operator::BitwiseXor => {
            let sides = (Side::of(&left, left_type.clone()), Side::of(&right, right_type.clone()));
            match meet(&sides.0, &sides.1) {
                Some(meeting) if meeting.is_integer() => {
                    made(cast_at(*left, &left_type, &meeting)?, cast_at(*right, &right_type, &meeting)?)
                }
                _ => {
                    let names = (types::name(&left_type), types::name(&right_type));
                    Err(at(
                        &left,
                        format!("`{op}` doesn't take {} and {}", names.0, names.1),
                        "cast both to integers",
                    ))
                }
            }
        }
        _ => made(*left, *right),
    }
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// `||`: lists are joined, bytes too, and anything else is text.
fn concat(left: Expr, left_type: &DataType, right: Expr, right_type: &DataType) -> Result<Expr> {
    let is_list = |of: &DataType| {
        matches!(of, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
    };
    if is_list(left_type) || is_list(right_type) {
        let Some(meeting) = common(left_type, right_type).filter(is_list) else {
            let message =
                format!("`||` doesn't take {} and {}", types::name(left_type), types::name(right_type));
            return Err(at(&left, message, "make both lists, or both text"));
        };
        let (left, right) = (cast_at(left, left_type, &meeting)?, cast_at(right, right_type, &meeting)?);
        return Ok(datafusion::functions_nested::expr_fn::array_concat(vec![left, right]));
    }
    let bytes = |of: &DataType| matches!(of, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    let wanted = if bytes(left_type) && bytes(right_type) { DataType::Binary } else { DataType::Utf8 };
    let (left, right) = (cast_at(left, left_type, &wanted)?, cast_at(right, right_type, &wanted)?);
    Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), Operator::StringConcat, Box::new(right))))
}

fn between(between: Between, schema: &DFSchema) -> Result<Expr> {
    let Between { expr, negated, low, high } = between;
    let mut meeting = Side::of(&expr, expr.get_type(schema)?);
    for bound in [&low, &high] {
        let side = Side::of(bound, bound.get_type(schema)?);
        let Some(data_type) = comparison(&meeting, &side) else {
            return Err(incomparable(&expr, &meeting.data_type, bound, &side.data_type, "BETWEEN"));
        };
        meeting = Side { data_type, literal: Literal::None };
    }
    let wanted = meeting.data_type;
    let typed = |expr: Box<Expr>| -> Result<Box<Expr>> {
        let typed = as_type(*expr, &wanted, schema)?;
        let length = matches!(wanted, DataType::Interval(_));
        Ok(Box::new(if length { cast::interval_length(typed) } else { typed }))
    };
    Ok(Expr::Between(Between { expr: typed(expr)?, negated, low: typed(low)?, high: typed(high)? }))
}

fn in_list(list: InList, schema: &DFSchema) -> Result<Expr> {
    let InList { expr, list, negated } = list;
    let mut meeting = Side::of(&expr, expr.get_type(schema)?);
    let first = meeting.data_type.clone();
    for item in &list {
        let side = Side::of(item, item.get_type(schema)?);
        let Some(data_type) = comparison(&meeting, &side) else {
            return Err(incomparable(&expr, &first, item, &side.data_type, "IN"));
        };
        let literal = if meeting.literal == Literal::Text && side.literal == Literal::Text {
            Literal::Text
        } else {
            Literal::None
        };
        meeting = Side { data_type, literal };
    }
    let wanted = meeting.data_type;
    let list = list.into_iter().map(|item| as_type(item, &wanted, schema)).collect::<Result<_>>()?;
    Ok(Expr::InList(InList { expr: Box::new(as_type(*expr, &wanted, schema)?), list, negated }))
}

fn in_subquery(list: InSubquery, schema: &DFSchema) -> Result<Expr> {
    let InSubquery { expr, mut subquery, negated } = list;
    let own = expr.get_type(schema)?;
    let theirs = subquery.subquery.schema().field(0).data_type().clone();
    let sides = (Side::of(&expr, own.clone()), Side { data_type: theirs.clone(), literal: Literal::None });
    let Some(meeting) = comparison(&sides.0, &sides.1) else {
        return Err(incomparable(&expr, &own, &expr, &theirs, "IN"));
    };
    subquery.subquery = Arc::new(as_columns(&subquery.subquery, std::slice::from_ref(&meeting))?);
    Ok(Expr::InSubquery(InSubquery { expr: Box::new(cast_at(*expr, &own, &meeting)?), subquery, negated }))
}

fn like(like: Like, schema: &DFSchema) -> Result<Like> {
    for side in [&like.expr, &like.pattern] {
        let own = side.get_type(schema)?;
        if !is_text(&own) && own != DataType::Null {
            return Err(at(
                side,
                format!("LIKE takes VARCHAR, not {}", types::name(&own)),
                "cast it to varchar",
            ));
        }
    }
    Ok(like)
}

fn case(mut case: datafusion::logical_expr::Case, schema: &DFSchema) -> Result<Expr> {
    if let Some(operand) = case.expr.take() {
        let mut meeting = Side::of(&operand, operand.get_type(schema)?);
        for (when, _) in &case.when_then_expr {
            let side = Side::of(when, when.get_type(schema)?);
            let Some(data_type) = comparison(&meeting, &side) else {
                return Err(incomparable(&operand, &meeting.data_type, when, &side.data_type, "CASE"));
            };
            meeting = Side { data_type, literal: Literal::None };
        }
        case.expr = Some(Box::new(as_type(*operand, &meeting.data_type, schema)?));
        for (when, _) in &mut case.when_then_expr {
            **when = as_type(std::mem::take(when.as_mut()), &meeting.data_type, schema)?;
        }
    } else {
        for (when, _) in &mut case.when_then_expr {
            **when = boolean(std::mem::take(when.as_mut()), schema)?;
        }
    }
    let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
    let results: Vec<&Expr> = results.chain(case.else_expr.as_deref()).collect();
    let wanted = meeting(&results, schema, "CASE")?;
    for (_, then) in &mut case.when_then_expr {
        **then = as_type(std::mem::take(then.as_mut()), &wanted, schema)?;
    }
    if let Some(otherwise) = case.else_expr.take() {
        case.else_expr = Some(Box::new(as_type(*otherwise, &wanted, schema)?));
    }
    Ok(Expr::Case(case))
}

fn incomparable(
    left: &Expr,
    left_type: &DataType,
    right: &Expr,
    right_type: &DataType,
    op: &str,
) -> DataFusionError {
    let message = format!("can't compare {} {op} {}", types::name(left_type), types::name(right_type));
    let about = if place(left).is_some() { left } else { right };
    let text = if is_text(left_type) { left } else { right };
    let other = if is_text(left_type) { right_type } else { left_type };
    let help = if is_text(left_type) || is_text(right_type) {
        format!("cast the text: cast({} as {})", written(text), types::name(other).to_lowercase())
    } else {
        "cast one of them to the other's type".to_owned()
    };
    at(about, message, &help)
}

/// An expression roughly as it is written.
fn written(expr: &Expr) -> String {
    match expr {
        Expr::Column(column) => column.flat_name(),
        Expr::Literal(value, _) => format!("'{value}'"),
        _ => "…".to_owned(),
    }
}

/// An error at the place of an expression.
fn at(expr: &Expr, message: String, help: &str) -> DataFusionError {
    let mut diagnostic = Diagnostic::new_error(&message, place(expr));
    diagnostic.add_help(help, None);
    DataFusionError::Plan(message).with_diagnostic(diagnostic)
}

fn placed(error: DataFusionError, place: Option<Span>) -> DataFusionError {
    if place.is_none() || error.diagnostic().is_some() {
        return error;
    }
    let message = super::super::message(&error);
    error.with_diagnostic(Diagnostic::new_error(message, place))
}

/// Where an expression is written: the columns in it know.
fn place(expr: &Expr) -> Option<Span> {
    let mut found = None;
    let visited = expr.apply(|part| {
        if let Expr::Column(column) = part
            && let Some(span) = column.spans().first()
        {
            found = Some(span);
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "the visitor never fails");
    found
}

/// Where the first of some expressions that knows it is written.
fn place_of(expressions: &[Expr]) -> Option<Span> {
    expressions.iter().find_map(place)
}
