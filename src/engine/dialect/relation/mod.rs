//! FROM relations that DataFusion can't plan: PIVOT, UNPIVOT, and aliases that name only some of the columns.

mod pivot;
mod unpivot;

use std::ops::ControlFlow;

use datafusion::{
    common::{DFSchema, Diagnostic, Span},
    error::{DataFusionError, Result},
    logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
    sql::sqlparser::{
        ast::{
            Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, TableAlias,
            TableAliasColumnDef, TableFactor, VisitMut, VisitorMut,
        },
        tokenizer,
    },
};

/// The planner of such relations.
#[derive(Debug)]
pub(super) struct Relations;

impl RelationPlanner for Relations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (plan, alias) = match relation {
            TableFactor::Pivot { table, aggregate_functions, alias, .. } => {
                (pivot::plan(*table, aggregate_functions, context)?, alias)
            }
            TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } => {
                let keeps_nulls = matches!(
                    null_inclusion,
                    Some(datafusion::sql::sqlparser::ast::NullInclusion::IncludeNulls)
                );
                (unpivot::plan(*table, &value, &name, columns, keeps_nulls, context)?, alias)
            }
            mut other => {
                let Some(alias) = take_columns(&mut other) else {
                    return Ok(RelationPlanning::Original(Box::new(other)));
                };
                (context.plan(other)?, Some(alias))
            }
        };
        let alias = alias.map(|alias| with_all_columns(alias, plan.schema()));
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

/// Removes and returns an alias that names columns.
fn take_columns(relation: &mut TableFactor) -> Option<TableAlias> {
    match relation {
        TableFactor::Table { alias, args: None, .. } | TableFactor::Derived { alias, lateral: false, .. }
            if alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) =>
        {
            alias.take()
        }
        _ => None,
    }
}

/// Completes an alias that names only the first columns; the others keep their names.
fn with_all_columns(mut alias: TableAlias, schema: &DFSchema) -> TableAlias {
    let named = alias.columns.len();
    if named > 0 {
        alias.columns.extend(schema.fields().iter().skip(named).map(|field| TableAliasColumnDef {
            name: Ident::with_quote('"', field.name()),
            data_type: None,
        }));
    }
    alias
}

/// Returns the name of a call's function and its first argument.
fn call(expr: &Expr) -> Option<(&str, &FunctionArg)> {
    let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = expr else {
        return None;
    };
    let name = name.0.last()?.as_ident()?;
    Some((name.value.as_str(), list.args.first()?))
}

/// Returns the function name and the first argument of a call, if that is an expression.
fn argument(expr: &Expr) -> Option<(&str, &Expr)> {
    match call(expr)? {
        (name, FunctionArg::Unnamed(FunctionArgExpr::Expr(value))) => Some((name, value)),
        _ => None,
    }
}

/// Spells the columns in an expression as the table does (names are case-insensitive), and appends their
/// positions to `places`.
fn resolve(expr: &mut Expr, schema: &DFSchema, places: &mut Vec<usize>) {
    struct Resolve<'a>(&'a DFSchema, &'a mut Vec<usize>);
    impl VisitorMut for Resolve<'_> {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let name = match expr {
                Expr::Identifier(name) => name,
                Expr::CompoundIdentifier(names) => match names.last_mut() {
                    Some(name) => name,
                    None => return ControlFlow::Continue(()),
                },
                _ => return ControlFlow::Continue(()),
            };
            let same = |field: &datafusion::arrow::datatypes::FieldRef| {
                field.name().eq_ignore_ascii_case(&name.value)
            };
            if let Some(place) = self.0.fields().iter().position(same) {
                name.value.clone_from(self.0.field(place).name());
                name.quote_style = Some('"');
                self.1.push(place);
            }
            ControlFlow::Continue(())
        }
    }
    let _ = expr.visit(&mut Resolve(schema, places));
}

/// Makes a name unique: like DuckDB, adds a number to the second of two equal names.
fn unique(name: &str, taken: &[String]) -> String {
    let is_taken = |name: &str| taken.iter().any(|other| other.eq_ignore_ascii_case(name));
    if !is_taken(name) {
        return name.to_owned();
    }
    (1..=taken.len() + 1)
        .map(|number| format!("{name}_{number}"))
        .find(|name| !is_taken(name))
        .unwrap_or_default()
}

/// Returns an error at a position in the statement.
fn refused(message: impl Into<String>, help: &str, span: tokenizer::Span) -> DataFusionError {
    let message = message.into();
    let mut diagnostic = Diagnostic::new_error(&message, Span::try_from_sqlparser_span(span));
    diagnostic.add_help(help, None);
    DataFusionError::Plan(message).with_diagnostic(diagnostic)
}
