//! Relations in FROM: tables, subqueries and table functions.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, FunctionArg, FunctionArgExpr, Ident, JoinConstraint, JoinOperator, ObjectName,
    Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Spanned, TableAlias, TableAliasColumnDef,
    TableFactor, TableWithJoins,
};

use super::{build::call, refuse::PostgresRefusal};
use crate::engine::dialect::statement::relation::{query, select};

/// Checks a relation, and rewrites table functions as subqueries.
pub(super) fn lower(factor: &mut TableFactor) -> ControlFlow<PostgresRefusal> {
    let span = factor.span();
    let refuse = |what: &str, help: &str| ControlFlow::Break(PostgresRefusal::unlisted(what, help, span));
    match factor {
        TableFactor::Derived { sample: None, .. } | TableFactor::NestedJoin { .. } => {
            ControlFlow::Continue(())
        }
        TableFactor::Table { with_ordinality: true, .. }
        | TableFactor::UNNEST { with_ordinality: true, .. } => {
            refuse("WITH ORDINALITY", "number rows with row_number() over ()")
        }
        TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version: None,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
            ..
        } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
            let Some(arguments) = args else { return ControlFlow::Continue(()) };
            let function = name.to_string().to_lowercase();
            let values: Option<Vec<Expr>> = arguments
                .args
                .iter()
                .map(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value.clone()),
                    _ => None,
                })
                .collect();
            match (function.as_str(), values) {
                ("generate_series", Some(values)) => {
                    *factor = rows("generate_series", call("$series", values), alias.take());
                    ControlFlow::Continue(())
                }
                ("unnest", Some(mut values)) if values.len() == 1 => {
                    *factor = rows("unnest", values.remove(0), alias.take());
                    ControlFlow::Continue(())
                }
                _ => refuse(
                    &format!("the function `{function}` in FROM"),
                    "use generate_series(…) or unnest(…), or read a table",
                ),
            }
        }
        TableFactor::UNNEST { alias, array_exprs, with_offset: false, .. } if array_exprs.len() == 1 => {
            let array = array_exprs.remove(0);
            *factor = rows("unnest", array, alias.take());
            ControlFlow::Continue(())
        }
        TableFactor::Function { name, .. } => {
            let what = format!("the function `{name}` with LATERAL");
            refuse(&what, "read a table, or a subquery with LATERAL")
        }
        _ => refuse("this relation of FROM", "read a table, a subquery, generate_series(…) or unnest(…)"),
    }
}

/// Returns a subquery that unnests a list. Its column is named after the alias, or after the function.
fn rows(function: &str, list: Expr, alias: Option<TableAlias>) -> TableFactor {
    let name = alias.as_ref().map_or_else(|| Ident::new(function), |alias| alias.name.clone());
    let columns = match alias {
        Some(alias) if !alias.columns.is_empty() => alias.columns,
        _ => vec![TableAliasColumnDef { name: name.clone(), data_type: None }],
    };
    let rows = select(call("unnest", vec![list]), Vec::new(), None);
    TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query(SetExpr::Select(Box::new(rows)))),
        alias: Some(TableAlias { explicit: true, name, columns, at: None }),
        sample: None,
    }
}

/// Checks the kinds of joins. RIGHT ANTI JOIN isn't PostgreSQL syntax, but Headwater's own tests use it and
/// it is unambiguous.
pub(super) fn joins(from: &[TableWithJoins]) -> ControlFlow<PostgresRefusal> {
    use JoinOperator as J;
    for TableWithJoins { relation, joins } in from {
        let nested = joins.iter().map(|join| &join.relation).chain([relation]);
        for factor in nested {
            if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
                self::joins(std::slice::from_ref(table_with_joins.as_ref()))?;
            }
        }
        for join in joins {
            let known = matches!(
                join.join_operator,
                J::Join(_)
                    | J::Inner(_)
                    | J::Left(_)
                    | J::LeftOuter(_)
                    | J::Right(_)
                    | J::RightOuter(_)
                    | J::FullOuter(_)
                    | J::CrossJoin(_)
                    | J::RightAnti(_)
            );
            let outer = matches!(
                join.join_operator,
                J::Right(JoinConstraint::Using(_) | JoinConstraint::Natural)
                    | J::RightOuter(JoinConstraint::Using(_) | JoinConstraint::Natural)
                    | J::FullOuter(JoinConstraint::Using(_) | JoinConstraint::Natural)
            );
            if outer {
                let help = "write on a.id = b.id, and select coalesce(a.id, b.id)";
                let what = "USING or NATURAL with a right or full join";
                return ControlFlow::Break(PostgresRefusal::unlisted(what, help, join.relation.span()));
            }
            if !known || join.global {
                let help = "use inner, left, right, full or cross join, or EXISTS for a semi or anti join";
                return ControlFlow::Break(PostgresRefusal::unlisted(
                    "this kind of join",
                    help,
                    join.relation.span(),
                ));
            }
        }
    }
    ControlFlow::Continue(())
}

/// Expands `*` to the columns merged by USING, followed by the other columns of each relation.
pub(super) fn merged_columns(select: &mut Select) -> ControlFlow<PostgresRefusal> {
    let span = select.span();
    if !select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_))) {
        return ControlFlow::Continue(());
    }
    let refuse = |what: &str| ControlFlow::Break(PostgresRefusal::unlisted(what, "name the columns", span));
    let constraints =
        select.from.iter().flat_map(|from| &from.joins).map(|join| constraint(&join.join_operator));
    let (mut uses, mut natural) = (false, false);
    for found in constraints.flatten() {
        uses |= matches!(found, JoinConstraint::Using(_));
        natural |= matches!(found, JoinConstraint::Natural);
    }
    if natural {
        return refuse("`*` of a natural join");
    }
    if !uses {
        return ControlFlow::Continue(());
    }
    let [from] = select.from.as_slice() else { return refuse("`*` of USING among several relations") };
    let mut merged: Vec<Ident> = Vec::new();
    let Some(first) = name(&from.relation) else {
        return refuse("`*` of USING with a relation without a name");
    };
    let mut relations = vec![(first.clone(), false)];
    for (at, join) in from.joins.iter().enumerate() {
        let Some(own) = name(&join.relation) else {
            return refuse("`*` of USING with a relation without a name");
        };
        let names: Vec<Ident> = match constraint(&join.join_operator) {
            Some(JoinConstraint::Using(names)) => {
                names.iter().filter_map(|name| name.0.last()?.as_ident().cloned()).collect()
            }
            _ => Vec::new(),
        };
        if at == 0 {
            merged.clone_from(&names);
            relations[0].1 = !names.is_empty();
        } else if !names.is_empty() && names != merged {
            return refuse("`*` of joins with different columns in USING");
        }
        relations.push((own, !names.is_empty()));
    }
    let mut items = Vec::with_capacity(select.projection.len());
    for item in std::mem::take(&mut select.projection) {
        let SelectItem::Wildcard(options) = item else {
            items.push(item);
            continue;
        };
        let columns = merged.iter().cloned();
        items.extend(
            columns.map(|name| SelectItem::UnnamedExpr(Expr::CompoundIdentifier(vec![first.clone(), name]))),
        );
        for (relation, excludes) in &relations {
            let mut options = options.clone();
            let names = merged.iter().cloned().map(|name| ObjectName::from(vec![name])).collect();
            options.opt_exclude = excludes.then(|| ExcludeSelectItem::Multiple(names));
            let relation =
                SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(vec![relation.clone()]));
            items.push(SelectItem::QualifiedWildcard(relation, options));
        }
    }
    select.projection = items;
    ControlFlow::Continue(())
}

/// Returns the qualifier of a relation's columns.
fn name(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, args: None, .. } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    use JoinOperator as J;
    match operator {
        J::Join(on) | J::Inner(on) | J::Left(on) | J::LeftOuter(on) => Some(on),
        _ => None,
    }
}
