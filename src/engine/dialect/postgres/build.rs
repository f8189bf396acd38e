//! Builds SQL expressions: calls, casts and literals.

use datafusion::sql::sqlparser::{
    ast::{
        Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
        ObjectName, UnaryOperator, Value,
    },
    tokenizer::Span,
};

use super::{placeholder::CAST, refuse::PostgresRefusal};

pub(super) type Lowered = Result<Expr, PostgresRefusal>;

pub(super) fn raw_number(digits: &str, span: Span) -> Expr {
    Expr::Value(Value::Number(digits.to_owned(), false).with_span(span))
}

pub(super) fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) } } else { expr }
}

/// Returns a cast as a call.
pub(super) fn cast(value: Expr, data_type: &str) -> Expr {
    call(CAST, vec![value, text(data_type)])
}

pub(super) fn text(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).with_empty_span())
}

/// Returns an INTEGER literal.
pub(super) fn number(number: i64) -> Expr {
    cast(raw_number(&number.to_string(), Span::empty()), "integer")
}

/// Returns a function call.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
