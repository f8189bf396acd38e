//! Lambdas: rewrites uses of lambda parameters that DataFusion would take for columns.

use std::{iter, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, LambdaFunction, OneOrManyWithParens,
    Spanned, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

use crate::engine::{
    ast::{call, text},
    dialect::refusal::SyntaxRefusal,
};

/// Returns the names of the relations in FROM.
pub(super) fn relations(from: &[TableWithJoins]) -> impl Iterator<Item = String> {
    let factors = from
        .iter()
        .flat_map(|one| iter::once(&one.relation).chain(one.joins.iter().map(|join| &join.relation)));
    factors.filter_map(|factor| match factor {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.value.clone())
        }
        TableFactor::Table { name, .. } => Some(name.0.last()?.as_ident()?.value.clone()),
        _ => None,
    })
}

/// Rewrites the lambdas among the arguments of a call. `item.price` stays a column if a relation is called
/// `item`.
pub(super) fn lower(function: &mut Function, relations: &[String]) -> ControlFlow<SyntaxRefusal> {
    let name = function.name.to_string().to_lowercase();
    let span = function.name.span();
    let FunctionArguments::List(list) = &mut function.args else { return ControlFlow::Continue(()) };
    for argument in &mut list.args {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Lambda(lambda))) = argument else { continue };
        let count = parameters(lambda).len();
        if matches!(name.as_str(), "list_reduce" | "array_reduce" | "reduce") && count < 2 {
            let message = format!("`{name}` takes a lambda of two or three parameters, not of {count}");
            let help = format!("name the value so far first: {name}(list, (sum, item) -> sum + item)");
            return ControlFlow::Break(SyntaxRefusal::new(message, Some(&help), span));
        }
        let is_relation = |name: &String| relations.iter().any(|other| other.eq_ignore_ascii_case(name));
        let own = parameters(lambda).into_iter().filter(|name| !is_relation(name)).collect();
        let mut body = LambdaBody(own);
        lambda.body.visit(&mut body)?;
    }
    ControlFlow::Continue(())
}

/// Returns the names of a lambda's parameters.
fn parameters(lambda: &LambdaFunction) -> Vec<String> {
    match &lambda.params {
        OneOrManyWithParens::One(one) => vec![one.name.value.clone()],
        OneOrManyWithParens::Many(many) => many.iter().map(|one| one.name.value.clone()).collect(),
    }
}

struct LambdaBody(Vec<String>);

impl LambdaBody {
    fn is_parameter(&self, name: &str) -> bool {
        self.0.iter().any(|parameter| parameter.eq_ignore_ascii_case(name))
    }
}

impl VisitorMut for LambdaBody {
    type Break = SyntaxRefusal;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SyntaxRefusal> {
        if let Expr::Function(function) = expr
            && function.name.to_string().eq_ignore_ascii_case("unnest")
        {
            let help = "unnest the list outside of the lambda, or use list_transform(…)";
            let message = "a lambda can't unnest a list";
            return ControlFlow::Break(SyntaxRefusal::new(message, Some(help), function.name.span()));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SyntaxRefusal> {
        match expr {
            // `item.price` is a field of the parameter here, not a column of a table with that name.
            Expr::CompoundIdentifier(parts) => {
                if let [root, fields @ ..] = parts.as_slice()
                    && self.is_parameter(&root.value)
                {
                    let root = Expr::Identifier(root.clone());
                    *expr = fields
                        .iter()
                        .fold(root, |inner, field| call("struct_extract", vec![inner, text(&field.value)]));
                }
            }
            // DataFusion doesn't know the parameters when it plans the items of a list.
            Expr::Array(array) if !array.elem.is_empty() => {
                *expr = call("list_value", std::mem::take(&mut array.elem));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
