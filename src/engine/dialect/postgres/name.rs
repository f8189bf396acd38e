//! Output column names: PostgreSQL's rules for columns without an alias.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType, Expr, Ident, SelectItem, SetExpr, TrimWhereField, Value,
};

/// PostgreSQL's name for an unnamed expression.
const UNNAMED: &str = "?column?";

/// The separator between a duplicate name and its number, which user-written names don't contain.
const TWICE: &str = " #";

/// Gives each item of a SELECT its PostgreSQL name; a duplicate gets a number.
pub(super) fn assign(items: &mut [SelectItem]) {
    let mut taken: BTreeSet<String> = items
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
            SelectItem::UnnamedExpr(expr @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_))) => {
                column(expr)
            }
            _ => None,
        })
        .collect();
    for item in items {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            continue;
        }
        let own = column(expr).unwrap_or_else(|| UNNAMED.to_owned());
        let free = (1..).map(|at| if at == 1 { own.clone() } else { format!("{own}{TWICE}{at}") });
        let Some(name) = free.into_iter().find(|name| !taken.contains(name)) else { continue };
        taken.insert(name.clone());
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', name) };
    }
}

/// Returns the original name if a column was numbered as a duplicate.
pub(super) fn is_taken(name: &str) -> Option<&str> {
    let (name, number) = name.rsplit_once(TWICE)?;
    number.parse::<usize>().ok().map(|_| name)
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() }
}

/// Returns the name that an expression gives its column.
fn column(expr: &Expr) -> Option<String> {
    let fixed = |name: &str| Some(name.to_owned());
    match expr {
        Expr::Identifier(name) => Some(folded(name)),
        Expr::CompoundIdentifier(names) => names.last().map(folded),
        Expr::Nested(inner) => column(inner),
        Expr::Collate { expr, .. } => column(expr),
        Expr::CompoundFieldAccess { root, access_chain } => match access_chain.last() {
            Some(AccessExpr::Dot(Expr::Identifier(name))) => Some(folded(name)),
            _ => column(root),
        },
        Expr::Function(function) => {
            let last = function.name.0.last()?.as_ident()?;
            Some(folded(last))
        }
        Expr::Cast { expr, data_type, .. } => column(expr).or_else(|| Some(type_name(data_type))),
        Expr::TypedString(typed) => Some(type_name(&typed.data_type)),
        Expr::Interval(_) => fixed("interval"),
        Expr::Value(value) if matches!(value.value, Value::Boolean(_)) => fixed("bool"),
        Expr::Case { else_result, .. } => else_result.as_deref().and_then(column).or_else(|| fixed("case")),
        Expr::Exists { .. } => fixed("exists"),
        Expr::Array(_) => fixed("array"),
        Expr::Extract { .. } => fixed("extract"),
        Expr::Substring { shorthand, .. } => fixed(if *shorthand { "substr" } else { "substring" }),
        Expr::Position { .. } => fixed("position"),
        Expr::Overlay { .. } => fixed("overlay"),
        Expr::Trim { trim_where, .. } => fixed(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        Expr::Ceil { .. } => fixed("ceil"),
        Expr::Floor { .. } => fixed("floor"),
        Expr::AtTimeZone { .. } => fixed("timezone"),
        Expr::Subquery(query) => match query.body.as_ref() {
            SetExpr::Select(select) => match select.projection.first()? {
                SelectItem::UnnamedExpr(expr) => column(expr),
                SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn type_name(data_type: &DataType) -> String {
    let text = data_type.to_string().to_lowercase();
    let plain = text.split(['(', '[']).next().unwrap_or("").trim();
    match plain {
        "boolean" => "bool",
        "smallint" => "int2",
        "int" | "integer" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "float" | "double precision" | "double" => "float8",
        "decimal" | "dec" => "numeric",
        "character varying" | "char varying" => "varchar",
        "character" | "char" => "bpchar",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        other => other,
    }
    .to_owned()
}
