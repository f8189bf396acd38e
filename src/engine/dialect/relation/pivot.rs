//! PIVOT: computes an aggregate for each value, over the rows with that value.
//!
//! ```text
//! group by the columns that are left: sum(x) filter (where k = 'a') as a, sum(x) filter (where k = 'b') as b
//! ```

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        Column, DFSchema,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    logical_expr::{
        Expr as Planned, ExprSchemable, LogicalPlan, LogicalPlanBuilder, planner::RelationPlannerContext,
    },
    sql::sqlparser::ast::{
        BinaryOperator, Expr, ExprWithAlias, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Spanned,
        TableFactor,
    },
};

use super::argument::{argument, refused, resolve, unique};
use crate::engine::{
    ast::{call, text},
    dialect::{
        constant,
        marker::CAST,
        token::pivot::{GROUP, ON, USING, VALUE},
    },
};

/// The parts of a PIVOT, which `token` encoded as calls.
#[derive(Default)]
struct PivotParts {
    aggregates: Vec<(Expr, Option<Ident>)>,
    on: Vec<On>,
    groups: Vec<Expr>,
}

/// The column to pivot, and the values that become columns.
struct On {
    expr: Expr,
    values: Vec<(Expr, Option<Ident>)>,
}

/// One pivoted value, with a result column for each aggregate: the condition that selects its rows, and its
/// name.
#[derive(Clone)]
struct PivotCase {
    condition: Expr,
    name: String,
}

/// Plans `table PIVOT (…)`.
pub(super) fn plan(
    table: TableFactor,
    parts: Vec<ExprWithAlias>,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let span = table.span();
    let input = context.plan(table)?;
    let schema = input.schema().as_ref().clone();
    let mut parts = PivotParts::of(parts);
    let mut used = Vec::new();
    for (aggregate, _) in &mut parts.aggregates {
        resolve(aggregate, &schema, &mut used);
    }
    for on in &mut parts.on {
        resolve(&mut on.expr, &schema, &mut used);
    }
    let groups = groups(&mut parts, &schema, &used, context)?;
    let cases = cases(&parts, &schema, context)?;
    let mut names: Vec<String> = groups.iter().map(name_of).collect();
    let own = names.len();
    let mut aggregates: Vec<Planned> = Vec::new();
    let mut columns = Vec::new();
    for case in cases {
        let condition = context.sql_to_expr(case.condition, &schema)?;
        for (aggregate, alias) in &parts.aggregates {
            let planned = context.sql_to_expr(aggregate.clone(), &schema)?;
            let filters = |part: &Planned| {
                Ok(matches!(part, Planned::AggregateFunction(call) if call.params.filter.is_some()))
            };
            if planned.exists(filters)? {
                let help = "filter the table in a subquery, or use a CASE within the aggregate";
                return Err(refused("FILTER within a PIVOT is not supported", help, span));
            }
            let value = filtered(planned, &condition, &mut aggregates)?;
            if value.column_refs().iter().any(|column| schema.has_column(column)) {
                let help = "use a column within an aggregate: any_value(x)";
                return Err(refused("a PIVOT's values are aggregates", help, span));
            }
            let name = match (alias, parts.aggregates.len()) {
                (Some(alias), _) => format!("{}_{}", case.name, alias.value),
                (None, 1) => case.name.clone(),
                (None, _) => format!("{}_{}", case.name, written(aggregate)?),
            };
            let twice = names[own..].contains(&name);
            if twice {
                let message = format!("the value {name} is in the list twice");
                return Err(refused(message, "write each value once, or give it an alias", span));
            }
            names.push(name);
            columns.push(value);
        }
    }
    let grouped = LogicalPlanBuilder::from(input).aggregate(groups.clone(), aggregates)?;
    let mut taken: Vec<String> = Vec::new();
    let grouped_columns = groups.iter().map(|group| match group {
        Planned::Column(column) => Planned::Column(column.clone()),
        other => Planned::Column(Column::from_name(other.schema_name().to_string())),
    });
    let all: Vec<Planned> = grouped_columns.chain(columns).collect();
    let output = all.into_iter().zip(names).map(|(value, name)| {
        let name = unique(&name, &taken);
        taken.push(name.clone());
        value.alias(name)
    });
    let output: Vec<Planned> = output.collect();
    grouped.project(output)?.build()
}

impl PivotParts {
    fn of(calls: Vec<ExprWithAlias>) -> Self {
        let mut parts = Self::default();
        for ExprWithAlias { expr, alias } in calls {
            let Some((kind, value)) = argument(&expr) else { continue };
            let value = value.clone();
            match kind {
                USING => parts.aggregates.push((value, alias)),
                ON => parts.on.push(On { expr: value, values: Vec::new() }),
                VALUE => {
                    if let Some(on) = parts.on.last_mut() {
                        on.values.push((value, alias));
                    }
                }
                GROUP => parts.groups.push(value),
                _ => {}
            }
        }
        parts
    }
}

fn name_of(group: &Planned) -> String {
    match group {
        Planned::Column(column) => column.name.clone(),
        other => other.schema_name().to_string(),
    }
}

/// Returns the columns to group by: the named ones, or all that the PIVOT doesn't use otherwise.
fn groups(
    parts: &mut PivotParts,
    schema: &DFSchema,
    used: &[usize],
    context: &mut dyn RelationPlannerContext,
) -> Result<Vec<Planned>> {
    if parts.groups.is_empty() {
        let others = (0..schema.fields().len()).filter(|at| !used.contains(at));
        return Ok(others.map(|at| Planned::Column(Column::from(schema.qualified_field(at)))).collect());
    }
    let mut groups = Vec::new();
    for group in &mut parts.groups {
        resolve(group, schema, &mut Vec::new());
        groups.push(context.sql_to_expr(group.clone(), schema)?);
    }
    Ok(groups)
}

/// Returns every combination of the values. Those of the first `on` vary slowest.
fn cases(
    parts: &PivotParts,
    schema: &DFSchema,
    context: &mut dyn RelationPlannerContext,
) -> Result<Vec<PivotCase>> {
    let mut cases: Vec<PivotCase> = Vec::new();
    for (place, on) in parts.on.iter().enumerate() {
        let mut own: Vec<PivotCase> = Vec::with_capacity(on.values.len());
        for (value, alias) in &on.values {
            let one = case(&on.expr, value, alias.as_ref(), schema, context)?;
            if own.iter().any(|other| other.condition == one.condition) {
                let message = format!("the value {value} is in the list twice");
                return Err(refused(message, "write each value once", value.span()));
            }
            own.push(one);
        }
        if own.is_empty() {
            return Err(no_value(&on.expr));
        }
        cases = if place == 0 {
            own
        } else {
            cases.iter().flat_map(|before| own.iter().map(|case| both(before, case))).collect()
        };
    }
    Ok(cases)
}

fn both(one: &PivotCase, other: &PivotCase) -> PivotCase {
    PivotCase {
        condition: and(one.condition.clone(), other.condition.clone()),
        name: format!("{}_{}", one.name, other.name),
    }
}

fn and(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) }
}

fn case(
    on: &Expr,
    value: &Expr,
    alias: Option<&Ident>,
    schema: &DFSchema,
    context: &mut dyn RelationPlannerContext,
) -> Result<PivotCase> {
    let mut found = match (items(on), items(value)) {
        (Some(columns), Some(values)) if columns.len() == values.len() => {
            let mut all: Option<PivotCase> = None;
            for (column, value) in columns.iter().zip(&values) {
                let one = case(column, value, None, schema, context)?;
                all = Some(all.map_or_else(|| one.clone(), |all| both(&all, &one)));
            }
            match all {
                Some(all) => all,
                None => return Err(no_value(value)),
            }
        }
        (None, None) => single(on, value, schema, context)?,
        _ => {
            let help = "write as many values as columns: for (a, b) in ((1, 2), (3, 4))";
            return Err(refused("the values of this PIVOT don't fit its columns", help, value.span()));
        }
    };
    if let Some(alias) = alias {
        found.name.clone_from(&alias.value);
    }
    Ok(found)
}

/// Returns the items of `(a, b)`, which is a call of `row` at this stage.
fn items(expr: &Expr) -> Option<Vec<Expr>> {
    let Expr::Function(function) = expr else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let name = function.name.0.last()?.as_ident()?;
    if name.value != "row" {
        return None;
    }
    let items = list.args.iter().map(|item| match item {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(item)) => Some(item.clone()),
        _ => None,
    });
    items.collect()
}

fn single(
    on: &Expr,
    value: &Expr,
    schema: &DFSchema,
    context: &mut dyn RelationPlannerContext,
) -> Result<PivotCase> {
    let value = match value {
        Expr::Nested(inner) => inner.as_ref(),
        // A name means its text.
        Expr::Identifier(name) => &text(&name.value),
        other => other,
    };
    let is_constant = match value {
        Expr::Value(_) | Expr::Cast { .. } | Expr::UnaryOp { .. } => true,
        other => argument(other).is_some_and(|(name, _)| name == CAST),
    };
    if !is_constant {
        return Err(no_value(value));
    }
    let empty = DFSchema::empty();
    let as_text = context.sql_to_expr(call(CAST, vec![value.clone(), text("VARCHAR")]), &empty)?;
    let Some(name) = constant::text(&constant::value(as_text)?) else {
        return Ok(PivotCase { condition: Expr::IsNull(Box::new(on.clone())), name: "NULL".into() });
    };
    let planned = context.sql_to_expr(value.clone(), &empty)?;
    let (own, theirs) =
        (context.sql_to_expr(on.clone(), schema)?.get_type(schema)?, planned.get_type(&empty)?);
    let equal = |left, right| Expr::BinaryOp {
        left: Box::new(Expr::Nested(Box::new(left))),
        op: BinaryOperator::Eq,
        right: Box::new(right),
    };
    // DuckDB compares text. For these types, comparing the values gives the same result.
    let condition = if alike(&own, &theirs) {
        equal(on.clone(), value.clone())
    } else {
        equal(call(CAST, vec![on.clone(), text("VARCHAR")]), text(&name))
    };
    Ok(PivotCase { condition, name })
}

fn alike(left: &DataType, right: &DataType) -> bool {
    let is_simple = matches!(left, DataType::Utf8 | DataType::Boolean | DataType::Date32);
    (left == right && is_simple) || (left.is_integer() && right.is_integer())
}

fn no_value(value: &Expr) -> datafusion::error::DataFusionError {
    let help = "write constants: for k in ('a', 'b')";
    refused("the values of a PIVOT must be constants", help, value.span())
}

/// Rewrites an expression over the columns of the aggregates, and adds a filter to each aggregate.
fn filtered(expr: Planned, condition: &Planned, aggregates: &mut Vec<Planned>) -> Result<Planned> {
    let replaced = expr.transform_down(|part| {
        let Planned::AggregateFunction(mut call) = part else { return Ok(Transformed::no(part)) };
        call.params.filter = Some(Box::new(condition.clone()));
        let name = format!("${}", aggregates.len());
        aggregates.push(Planned::AggregateFunction(call).alias(name.clone()));
        Ok(Transformed::new(
            Planned::Column(Column::from_name(name)),
            true,
            datafusion::common::tree_node::TreeNodeRecursion::Jump,
        ))
    })?;
    Ok(replaced.data)
}

/// Returns the aggregate's part of a column name, as DuckDB writes it.
fn written(aggregate: &Expr) -> Result<String> {
    let unnamed = || {
        let help = "give each aggregate a name: sum(x + 1) as total";
        refused("this aggregate needs a name, since there are several", help, aggregate.span())
    };
    let Expr::Function(function) = aggregate else { return Err(unnamed()) };
    let FunctionArguments::List(list) = &function.args else { return Err(unnamed()) };
    let name = function.name.to_string().to_lowercase();
    let plain = function.filter.is_none() && list.clauses.is_empty() && list.duplicate_treatment.is_none();
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] if plain && name == "count" => {
            Ok("count_star()".into())
        }
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(column)))] if plain => {
            Ok(format!("{name}({})", column.value))
        }
        _ => Err(unnamed()),
    }
}
