//! UNPIVOT: turns several columns into rows, each with a column's name and value.

use datafusion::{
    arrow::datatypes::DataType,
    common::{Column, DFSchema, UnnestOptions},
    error::Result,
    logical_expr::{
        Expr as Planned, ExprSchemable, LogicalPlan, LogicalPlanBuilder, lit, planner::RelationPlannerContext,
    },
    sql::sqlparser::ast::{
        Array, Expr, ExprWithAlias, Function, FunctionArg, FunctionArguments, Ident, Spanned, TableFactor,
        Value, ValueWithSpan,
    },
};

use super::argument::{refused, resolve, unique};
use crate::engine::{
    ast::call,
    cast::types,
    dialect::{
        constant,
        marker::UNPIVOTED,
        statement::{Choice, Star, condition},
    },
};

/// One output row for each input row: its name and its values.
struct UnpivotedRow {
    name: String,
    values: Vec<Expr>,
}

/// Plans `table UNPIVOT (value FOR name IN (columns))`.
pub(super) fn plan(
    table: TableFactor,
    value: &Expr,
    name: &Ident,
    columns: Vec<ExprWithAlias>,
    keeps_nulls: bool,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let span = name.span;
    let input = context.plan(table)?;
    let schema = input.schema().as_ref().clone();
    let mut used = Vec::new();
    let mut rows = Vec::new();
    for ExprWithAlias { expr, alias } in columns {
        for mut expr in chosen(expr, &schema, context)? {
            if let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(name), .. }) = &expr {
                expr = Expr::Identifier(Ident::with_quote('"', name));
            }
            resolve(&mut expr, &schema, &mut used);
            rows.push(row(expr, alias.as_ref()));
        }
    }
    let values = value_names(value);
    if let Some(wrong) = rows.iter().find(|row| row.values.len() != values.len()) {
        let message = format!(
            "there are {} names of values, and {} values of {}",
            values.len(),
            wrong.values.len(),
            wrong.name
        );
        return Err(refused(message, "write as many: unpivot ((v, w) for n in ((a, b), (c, d)))", span));
    }
    let mut taken: Vec<String> = Vec::new();
    let mut projected = Vec::new();
    for at in (0..schema.fields().len()).filter(|at| !used.contains(at)) {
        let field = schema.field(at);
        let name = unique(field.name(), &taken);
        projected.push(Planned::Column(Column::from(schema.qualified_field(at))).alias(name.clone()));
        taken.push(name);
    }
    let mut unnested = Vec::new();
    let names = rows.iter().map(|row| lit(row.name.clone())).collect();
    let own = unique(&name.value, &taken);
    taken.push(own.clone());
    projected.push(datafusion::functions_nested::expr_fn::make_array(names).alias(own.clone()));
    unnested.push(own);
    for (place, value) in values.iter().enumerate() {
        one_type(&rows, place, &schema, context)?;
        let items = rows.iter().map(|row| row.values[place].clone()).collect();
        let list = Expr::Array(Array { elem: items, named: false });
        let own = unique(value, &taken);
        taken.push(own.clone());
        projected.push(context.sql_to_expr(list, &schema)?.alias(own.clone()));
        unnested.push(own);
    }
    let columns = unnested.iter().map(Column::from_name).collect();
    let plan = LogicalPlanBuilder::from(input)
        .project(projected)?
        .unnest_columns_with_options(columns, UnnestOptions::new())?;
    if keeps_nulls {
        return plan.build();
    }
    let known = unnested[1..].iter().map(|name| Planned::Column(Column::from_name(name)).is_not_null());
    match known.reduce(Planned::and) {
        Some(known) => plan.filter(known)?.build(),
        None => plan.build(),
    }
}

/// Returns the names in `v` or `(v, w)`.
fn value_names(value: &Expr) -> Vec<String> {
    match value {
        Expr::Identifier(name) => vec![name.value.clone()],
        Expr::Nested(inner) => value_names(inner),
        other => items(other).iter().flat_map(value_names).collect(),
    }
}

/// Returns the items of `(a, b)`, which is a call of `row` at this stage.
fn items(expr: &Expr) -> Vec<Expr> {
    let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = expr else {
        return Vec::new();
    };
    if name.to_string() != "row" {
        return Vec::new();
    }
    let items = list.args.iter().map(|item| match item {
        FunctionArg::Unnamed(datafusion::sql::sqlparser::ast::FunctionArgExpr::Expr(item)) => {
            Some(item.clone())
        }
        _ => None,
    });
    items.flatten().collect()
}

fn row(expr: Expr, alias: Option<&Ident>) -> UnpivotedRow {
    let values = items(&expr);
    let values = if values.is_empty() { vec![expr] } else { values };
    let name = alias.map_or_else(
        || values.iter().map(column_name).collect::<Vec<_>>().join("_"),
        |alias| alias.value.clone(),
    );
    UnpivotedRow { name, values }
}

/// Returns the name of the column that an expression is based on.
fn column_name(expr: &Expr) -> String {
    struct ColumnNameSearch(Option<String>);
    impl datafusion::sql::sqlparser::ast::Visitor for ColumnNameSearch {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> std::ops::ControlFlow<()> {
            self.0 = match expr {
                Expr::Identifier(name) => Some(name.value.clone()),
                Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.clone()),
                _ => return std::ops::ControlFlow::Continue(()),
            };
            std::ops::ControlFlow::Break(())
        }
    }
    let mut find = ColumnNameSearch(None);
    let _ = datafusion::sql::sqlparser::ast::Visit::visit(expr, &mut find);
    find.0.unwrap_or_else(|| expr.to_string())
}

/// Expands COLUMNS to its columns; any other expression stays as it is.
fn chosen(expr: Expr, schema: &DFSchema, context: &mut dyn RelationPlannerContext) -> Result<Vec<Expr>> {
    let star = match &expr {
        Expr::Function(function) if function.name.to_string() == UNPIVOTED => {
            let mut function = function.clone();
            function.name = datafusion::sql::sqlparser::ast::ObjectName::from(vec![Ident::new("columns")]);
            Star::of_call(&function)
        }
        _ => return Ok(vec![expr]),
    };
    let star = match star {
        Ok(Some(star)) => star,
        Ok(None) => return Ok(vec![expr]),
        Err(problem) => {
            return Err(refused(problem.message, problem.help.as_deref().unwrap_or_default(), problem.span));
        }
    };
    let mut chosen = Vec::new();
    for field in schema.fields() {
        let name = field.name();
        let is_excluded = star
            .excluded()
            .iter()
            .any(|names| names.last().is_some_and(|last| last.eq_ignore_ascii_case(name)));
        if !is_excluded && is_chosen(star.choice(), name, context)? {
            chosen.push(Expr::Identifier(Ident::with_quote('"', name)));
        }
    }
    if chosen.is_empty() {
        return Err(refused("no column has such a name", "look at the names of the table", expr.span()));
    }
    Ok(chosen)
}

fn is_chosen(choice: &Choice, name: &str, context: &mut dyn RelationPlannerContext) -> Result<bool> {
    let condition = match choice {
        Choice::All => return Ok(true),
        Choice::Named(names) => return Ok(names.iter().any(|own| own.eq_ignore_ascii_case(name))),
        Choice::Matching(pattern) => {
            call("regexp_matches", vec![crate::engine::ast::text(name), crate::engine::ast::text(pattern)])
        }
        Choice::Where(lambda) => condition(lambda, name),
    };
    constant::holds(context.sql_to_expr(condition, &DFSchema::empty())?)
}

/// Checks that the values at a position have a common type without a cast.
fn one_type(
    rows: &[UnpivotedRow],
    place: usize,
    schema: &DFSchema,
    context: &mut dyn RelationPlannerContext,
) -> Result<()> {
    let mut meeting: Option<DataType> = None;
    for row in rows {
        let own = context.sql_to_expr(row.values[place].clone(), schema)?.get_type(schema)?;
        meeting = Some(match meeting {
            None => own,
            Some(before) => {
                let Some(common) = types::common(&before, &own) else {
                    let names = (types::name(&before), types::name(&own));
                    let message = format!("can't unpivot columns of {} and of {}", names.0, names.1);
                    let help = "cast the columns: unpivot (v for n in (a::varchar, b))";
                    return Err(refused(message, help, row.values[place].span()));
                };
                common
            }
        });
    }
    Ok(())
}
