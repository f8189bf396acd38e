//! Star expansion: replaces stars with their columns once those are known.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DictionaryField, Distinct, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    Query, Select, SelectItem, VisitMut, VisitorMut,
};

use super::{
    star::Star,
    star_column::StarColumn,
    star_place::{has_star, holds, star_number},
};
use crate::engine::dialect::{marker::UNPACK, refusal::SyntaxRefusal};

/// Replaces a star with its columns. `alias` returns the name of one of several results, given the written
/// alias.
///
/// # Errors
/// If the star is in a position that takes a single expression.
pub(in crate::engine::dialect) fn expand(
    query: &mut Query,
    number: usize,
    star: &Star,
    columns: &[StarColumn],
    alias: &mut dyn FnMut(&str, &StarColumn) -> String,
) -> Result<(), SyntaxRefusal> {
    let mut expand = Expand { number, star, columns, alias, done: false };
    if let ControlFlow::Break(refused) = query.visit(&mut expand) {
        return Err(refused);
    }
    if expand.done { Ok(()) } else { Err(misplaced(star)) }
}

fn misplaced(star: &Star) -> SyntaxRefusal {
    let help = "name the columns here";
    SyntaxRefusal::new("columns(…) may be used in SELECT, WHERE and QUALIFY only", Some(help), star.span)
}

struct Expand<'a> {
    number: usize,
    star: &'a Star,
    columns: &'a [StarColumn],
    alias: &'a mut dyn FnMut(&str, &StarColumn) -> String,
    done: bool,
}

impl VisitorMut for Expand<'_> {
    type Break = SyntaxRefusal;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SyntaxRefusal> {
        if !holds(select, self.number) {
            return ControlFlow::Continue(());
        }
        self.done = true;
        let mut unpack = Unpack { number: self.number, columns: self.columns };
        let _ = select.visit(&mut unpack);
        let mut items = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            match self.items(item) {
                Ok(more) => items.extend(more),
                Err(refused) => return ControlFlow::Break(refused),
            }
        }
        select.projection = items;
        if let Some(Distinct::On(keys)) = &mut select.distinct {
            *keys = std::mem::take(keys).into_iter().flat_map(|key| self.each(key)).collect();
        }
        for condition in [&mut select.selection, &mut select.qualify].into_iter().flatten() {
            let taken = std::mem::replace(condition, Expr::Identifier(Ident::new("")));
            let all = self.each(taken).into_iter().map(|one| Expr::Nested(Box::new(one)));
            let all = all.reduce(|left, right| Expr::BinaryOp {
                left: Box::new(left),
                op: BinaryOperator::And,
                right: Box::new(right),
            });
            match all {
                Some(all) => *condition = all,
                None => return ControlFlow::Break(misplaced(self.star)),
            }
        }
        ControlFlow::Continue(())
    }
}

impl Expand<'_> {
    /// Returns the expression for each column, or the unchanged expression if it doesn't contain the star.
    fn each(&self, expr: Expr) -> Vec<Expr> {
        if !has_star(&expr, Some(self.number)) {
            return vec![expr];
        }
        let columns = self.columns.iter();
        columns.map(|column| with_column(expr.clone(), self.number, &column.value)).collect()
    }

    fn items(&mut self, item: SelectItem) -> Result<Vec<SelectItem>, SyntaxRefusal> {
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
            other => return Ok(vec![other]),
        };
        if !has_star(&expr, Some(self.number)) {
            return Ok(vec![match alias {
                Some(alias) => SelectItem::ExprWithAlias { expr, alias },
                None => SelectItem::UnnamedExpr(expr),
            }]);
        }
        let is_bare = star_number(&expr).is_some();
        let mut items = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let expr = with_column(expr.clone(), self.number, &column.value);
            if has_star(&expr, None) {
                let help = "name the columns of one of them";
                let message = "an expression can have one choice of columns only";
                return Err(SyntaxRefusal::new(message, Some(help), self.star.span));
            }
            let name = match (&alias, &column.renamed) {
                (Some(alias), _) => Some((self.alias)(&alias.value, column)),
                (None, Some(renamed)) => Some(renamed.clone()),
                (None, None) => (!is_bare).then(|| column.name.clone()),
            };
            items.push(match name {
                Some(name) => SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) },
                None => SelectItem::UnnamedExpr(expr),
            });
        }
        Ok(items)
    }
}

fn with_column(mut expr: Expr, number: usize, column: &Expr) -> Expr {
    struct StarReplacement<'a>(usize, &'a Expr);
    impl VisitorMut for StarReplacement<'_> {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if star_number(expr) == Some(self.0) {
                *expr = self.1.clone();
            }
            ControlFlow::Continue(())
        }
    }
    let _ = VisitMut::visit(&mut expr, &mut StarReplacement(number, column));
    expr
}

/// A visitor that replaces an unpacked star with all of its columns.
struct Unpack<'a> {
    number: usize,
    columns: &'a [StarColumn],
}

impl Unpack<'_> {
    fn is_mine(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Function(function) if function.name.to_string().trim_matches('"') == UNPACK => {
                has_star(expr, Some(self.number))
            }
            _ => false,
        }
    }

    fn values(&self, expr: Expr) -> Vec<Expr> {
        if self.is_mine(&expr) {
            self.columns.iter().map(|column| column.value.clone()).collect()
        } else {
            vec![expr]
        }
    }
}

impl VisitorMut for Unpack<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Array(list) = expr {
            list.elem =
                std::mem::take(&mut list.elem).into_iter().flat_map(|item| self.values(item)).collect();
            return ControlFlow::Continue(());
        }
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let is_struct = function.name.to_string().eq_ignore_ascii_case("struct_pack");
        let FunctionArguments::List(list) = &mut function.args else { return ControlFlow::Continue(()) };
        let plain = |argument: &FunctionArg| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => self.is_mine(value),
            _ => false,
        };
        if is_struct && list.args.iter().all(plain) && !list.args.is_empty() {
            let fields = self.columns.iter().map(|column| DictionaryField {
                key: Ident::with_quote('\'', column.name.clone()),
                value: Box::new(column.value.clone()),
            });
            *expr = Expr::Dictionary(fields.collect());
            return ControlFlow::Continue(());
        }
        list.args = std::mem::take(&mut list.args)
            .into_iter()
            .flat_map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => {
                    let values = self.values(value).into_iter();
                    values.map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value))).collect()
                }
                other => vec![other],
            })
            .collect();
        ControlFlow::Continue(())
    }
}
