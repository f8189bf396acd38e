//! Columns that USING merges. Of a LEFT or INNER JOIN they are the left side's, which DataFusion takes; of a
//! RIGHT or FULL JOIN they are of the side that has the row.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, ObjectNamePart, Query, Select, SelectItem,
    Spanned, TableFactor, VisitMut, VisitorMut,
};

use super::{Refused, expression::call};

/// Returns whether a join merges columns.
pub(super) fn merges(join: &Join) -> bool {
    matches!(constraint(join), Some(JoinConstraint::Using(_) | JoinConstraint::Natural))
}

/// Returns whether rows of the right side are kept that have no match.
pub(super) fn keeps_right(join: &Join) -> bool {
    matches!(
        join.join_operator,
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
    )
}

fn constraint(join: &Join) -> Option<&JoinConstraint> {
    match &join.join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

/// Writes the columns that a SELECT's RIGHT and FULL JOINs merge as the first of both sides that isn't NULL.
pub(super) fn lower(select: &mut Select) -> Result<(), Refused> {
    let mut merged: Vec<Merged> = Vec::new();
    for from in &select.from {
        let keeps = from.joins.iter().any(|join| keeps_right(join) && merges(join));
        if !keeps {
            continue;
        }
        for join in &from.joins {
            match constraint(join) {
                Some(JoinConstraint::Natural) => {
                    let help = "write using (…) with the columns";
                    let message = "a NATURAL JOIN next to a RIGHT or FULL JOIN is not supported";
                    return Err(Refused::new(message, Some(help), join.relation.span()));
                }
                Some(JoinConstraint::Using(names)) => {
                    for name in
                        names.iter().filter_map(|name| name.0.last().and_then(ObjectNamePart::as_ident))
                    {
                        let right = of(&join.relation, name)?;
                        match merged.iter_mut().find(|known| known.is(name)) {
                            Some(known) => known.sides.push(right),
                            None => merged.push(Merged {
                                name: name.value.clone(),
                                sides: vec![of(&from.relation, name)?, right],
                            }),
                        }
                    }
                }
                _ => {}
            }
        }
    }
    if !merged.is_empty() {
        replace(select, merged);
    }
    Ok(())
}

struct Merged {
    name: String,
    sides: Vec<Expr>,
}

impl Merged {
    fn is(&self, name: &Ident) -> bool {
        self.name.eq_ignore_ascii_case(&name.value)
    }
}

/// A column of a table in FROM.
fn of(relation: &TableFactor, column: &Ident) -> Result<Expr, Refused> {
    let table = match relation {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            vec![alias.name.clone()]
        }
        TableFactor::Table { name, .. } => {
            name.0.iter().filter_map(ObjectNamePart::as_ident).cloned().collect()
        }
        other => {
            let help = "give it a name, as in (select …) as t";
            let message = "a side of a RIGHT or FULL JOIN with USING needs a name";
            return Err(Refused::new(message, Some(help), other.span()));
        }
    };
    let names = table.into_iter().map(|name| Ident { span: column.span, ..name });
    Ok(Expr::CompoundIdentifier(names.chain([column.clone()]).collect()))
}

fn replace(select: &mut Select, merged: Vec<Merged>) {
    for item in &mut select.projection {
        // The column keeps its name.
        if let SelectItem::UnnamedExpr(Expr::Identifier(name)) = item
            && merged.iter().any(|one| one.is(name))
        {
            *item = SelectItem::ExprWithAlias { expr: Expr::Identifier(name.clone()), alias: name.clone() };
        }
    }
    let mut replace = Replace { merged, depth: 0 };
    for item in &mut select.projection {
        let _ = VisitMut::visit(item, &mut replace);
    }
    let conditions = [&mut select.selection, &mut select.having, &mut select.qualify];
    for condition in conditions.into_iter().flatten() {
        let _ = VisitMut::visit(condition, &mut replace);
    }
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        for key in keys {
            let _ = VisitMut::visit(key, &mut replace);
        }
    }
}

struct Replace {
    merged: Vec<Merged>,
    /// Subqueries around, whose names are their own.
    depth: usize,
}

impl VisitorMut for Replace {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Identifier(name) = &*expr else { return ControlFlow::Continue(()) };
        let found = self.merged.iter().find(|one| one.is(name)).filter(|_| self.depth == 0);
        if let Some(one) = found {
            *expr = call("coalesce", one.sides.clone());
        }
        ControlFlow::Continue(())
    }
}
