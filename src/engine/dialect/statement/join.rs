//! Joins whose syntax DataFusion can't plan: SEMI and ANTI without LEFT, and ASOF.

use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectNamePart, SelectItem, SetExpr,
        Spanned, TableAlias, TableFactor, TableWithJoins, Value, WildcardAdditionalOptions,
    },
    tokenizer::Span,
};

use super::relation::{query, select};
use crate::engine::{
    ast::call,
    dialect::{marker::AS_OF, refusal::SyntaxRefusal},
};

/// Rewrites a join for DataFusion.
pub(super) fn lower(join: &mut Join) -> Result<(), SyntaxRefusal> {
    // The keyword before JOIN by which `token` marks an ASOF JOIN.
    let is_as_of = std::mem::take(&mut join.global);
    let operator = &mut join.join_operator;
    let taken = std::mem::replace(operator, JoinOperator::CrossJoin(JoinConstraint::None));
    *operator = match taken {
        JoinOperator::Semi(constraint) => JoinOperator::LeftSemi(constraint),
        JoinOperator::Anti(constraint) => JoinOperator::LeftAnti(constraint),
        other => other,
    };
    let place = join.relation.span();
    let Some(constraint) = constraint(operator) else { return Ok(()) };
    if matches!(constraint, JoinConstraint::None) {
        let help = "write on …, using (…), or cross join";
        return Err(SyntaxRefusal::new("this join has no condition", Some(help), place));
    }
    if is_as_of { as_of(join, place) } else { Ok(()) }
}

/// Returns the constraint of a join that requires one.
fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::LeftAnti(constraint) => Some(constraint),
        _ => None,
    }
}

fn as_of(join: &mut Join, place: Span) -> Result<(), SyntaxRefusal> {
    let operator = &mut join.join_operator;
    let keeps_right =
        matches!(operator, JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_));
    if keeps_right {
        let help = "use asof left join, and add the other rows with union all";
        return Err(SyntaxRefusal::new("ASOF RIGHT and FULL JOIN are not supported", Some(help), place));
    }
    match constraint(operator) {
        Some(JoinConstraint::On(condition)) => {
            let mut found = 0;
            mark(condition, &mut found)?;
            if found != 1 {
                let message = format!("an ASOF JOIN has one inequality, and this has {found}");
                let help = "write asof join t on a.key = t.key and a.time >= t.time";
                return Err(SyntaxRefusal::new(message, Some(help), condition.span()));
            }
            Ok(())
        }
        Some(JoinConstraint::Using(_)) => {
            join.relation = marked(&join.relation, place)?;
            Ok(())
        }
        _ => {
            let help = "write asof join t on a.key = t.key and a.time >= t.time";
            Err(SyntaxRefusal::new("an ASOF JOIN needs ON or USING", Some(help), place))
        }
    }
}

/// Marks the inequalities of a condition, and counts them.
fn mark(condition: &mut Expr, found: &mut usize) -> Result<(), SyntaxRefusal> {
    match condition {
        Expr::Nested(inner) => mark(inner, found),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            mark(left, found)?;
            mark(right, found)
        }
        Expr::BinaryOp { op: BinaryOperator::Eq, .. } => Ok(()),
        Expr::BinaryOp {
            op: BinaryOperator::Gt | BinaryOperator::GtEq | BinaryOperator::Lt | BinaryOperator::LtEq,
            ..
        } => {
            *found += 1;
            let inequality = std::mem::replace(condition, Expr::Identifier(Ident::new("")));
            *condition = call(AS_OF, vec![inequality]);
            Ok(())
        }
        other => {
            let help = "filter the tables in subqueries before they are joined";
            let message = "an ASOF JOIN takes conditions with = and one inequality";
            Err(SyntaxRefusal::new(message, Some(help), other.span()))
        }
    }
}

/// Returns `(SELECT * FROM relation WHERE "$asof"(true)) AS relation`, because a join with USING has no other
/// place for the mark.
fn marked(relation: &TableFactor, place: Span) -> Result<TableFactor, SyntaxRefusal> {
    let alias = match relation {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, .. } => name.0.last().and_then(ObjectNamePart::as_ident).cloned(),
        _ => None,
    };
    let Some(name) = alias else {
        let help = "give it a name, as in (select …) as t";
        return Err(SyntaxRefusal::new(
            "the right side of an ASOF JOIN with USING needs a name",
            Some(help),
            place,
        ));
    };
    let truth = Expr::Value(Value::Boolean(true).with_empty_span());
    let from = TableWithJoins { relation: relation.clone(), joins: Vec::new() };
    let mut rows = select(truth.clone(), vec![from], Some(call(AS_OF, vec![truth])));
    rows.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
    Ok(TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query(SetExpr::Select(Box::new(rows)))),
        alias: Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None }),
        sample: None,
    })
}
