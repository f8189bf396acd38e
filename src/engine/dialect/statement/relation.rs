//! Relations in FROM: table functions, and builders of queries.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, GroupByExpr, Ident, ObjectName, Query, Select, SelectFlavor,
    SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins, Value, ValueWithSpan,
    Visit, Visitor, helpers::attached_token::AttachedToken,
};

use crate::engine::{
    ast::call,
    dialect::{marker::UNPIVOTED, refusal::SyntaxRefusal},
};

/// List functions that FROM can read as tables.
const SERIES: [&str; 3] = ["unnest", "range", "generate_series"];

/// Rewrites a table function to a subquery that unnests its list. The column gets the function's name.
pub(super) fn lower(factor: &mut TableFactor) -> ControlFlow<SyntaxRefusal> {
    if let TableFactor::Unpivot { columns, .. } = factor {
        // The planner of UNPIVOT resolves these columns.
        for column in columns {
            if let Expr::Function(function) = &mut column.expr
                && function.name.to_string().trim_matches('"').eq_ignore_ascii_case("columns")
            {
                function.name = ObjectName::from(vec![Ident::new(UNPIVOTED)]);
            }
        }
    }
    let TableFactor::Table { name, alias, args: Some(arguments), with_ordinality: false, .. } = factor else {
        return ControlFlow::Continue(());
    };
    let function = name.to_string().to_lowercase();
    let values: Option<Vec<Expr>> = arguments
        .args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value.clone()),
            _ => None,
        })
        .collect();
    let (Some(values), true) = (values, SERIES.contains(&function.as_str())) else {
        return ControlFlow::Continue(());
    };
    let columns = |alias: &Option<TableAlias>| match alias {
        Some(alias) if !alias.columns.is_empty() => alias.columns.clone(),
        _ => vec![TableAliasColumnDef { name: Ident::new(function.clone()), data_type: None }],
    };
    // With constant bounds, DataFusion generates the rows one by one and never holds the whole list.
    let number = |value: &Expr| {
        matches!(value, Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. })
            if digits.parse::<i64>().is_ok())
    };
    if function != "unnest" && values.iter().all(number) {
        let columns = columns(alias);
        let name = alias.take().map_or_else(|| Ident::new(function), |alias| alias.name);
        *alias = Some(TableAlias { explicit: true, name, columns, at: None });
        return ControlFlow::Continue(());
    }
    let lateral = values.iter().any(self::has_column);
    let list = match (function.as_str(), values) {
        ("unnest", mut values) if values.len() == 1 => values.remove(0),
        ("unnest", _) => return ControlFlow::Continue(()),
        (function, values) => call(function, values),
    };
    let name = alias.as_ref().map_or_else(|| function.clone(), |alias| alias.name.value.clone());
    let columns = columns(alias);
    let rows = select(call("unnest", vec![list]), Vec::new(), None);
    *factor = TableFactor::Derived {
        lateral,
        subquery: Box::new(query(SetExpr::Select(Box::new(rows)))),
        alias: Some(TableAlias { explicit: true, name: Ident::new(name), columns, at: None }),
        sample: None,
    };
    ControlFlow::Continue(())
}

/// Returns `SELECT expr FROM from WHERE condition`.
pub(in crate::engine::dialect) fn select(
    expr: Expr,
    from: Vec<TableWithJoins>,
    condition: Option<Expr>,
) -> Select {
    Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: vec![SelectItem::UnnamedExpr(expr)],
        exclude: None,
        into: None,
        from,
        lateral_views: Vec::new(),
        prewhere: None,
        selection: condition,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    }
}

/// Returns a query with only a body.
pub(in crate::engine::dialect) fn query(body: SetExpr) -> Query {
    Query {
        with: None,
        body: Box::new(body),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

pub(super) fn has_column(expr: &Expr) -> bool {
    struct ColumnSearch;
    impl Visitor for ColumnSearch {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }

        fn pre_visit_relation(&mut self, _: &ObjectName) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
    }
    expr.visit(&mut ColumnSearch).is_break()
}
