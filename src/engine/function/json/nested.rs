//! JSON within JSON: `json_object('a', json_array(1))` nests the array instead of quoting its text.
//!
//! JSON has the type text, so a value alone doesn't show that it is JSON. The rule below looks at the
//! expression that makes it: a function that returns JSON, or a cast to JSON, possibly under an alias.

use std::sync::Arc;

use datafusion::{
    common::{
        ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    execution::SessionStateBuilder,
    functions::core::named_struct,
    logical_expr::{Expr, LogicalPlan, expr_rewriter::NamePreserver},
    optimizer::AnalyzerRule,
};

use crate::engine::cast::is_cast_to_json;

/// The name of the single field of a struct that carries JSON.
pub(super) const CARRIER: &str = "\u{0}json";

/// Functions that return JSON text.
const RETURN_JSON: [&str; 13] = [
    "array_to_json",
    "json",
    "json_array",
    "json_extract",
    "json_extract_path",
    "json_group_array",
    "json_group_object",
    "json_merge_patch",
    "json_object",
    "json_structure",
    "row_to_json",
    "to_json",
    "json_quote",
];

/// Functions that nest JSON arguments.
const NEST: [&str; 5] = ["json_array", "json_group_array", "json_group_object", "json_object", "to_json"];

/// Registers the rule.
pub(in crate::engine::function) fn install(builder: &mut SessionStateBuilder) {
    builder.analyzer_rules().get_or_insert_default().push(Arc::new(NestedJson));
}

#[derive(Debug)]
struct NestedJson;

impl AnalyzerRule for NestedJson {
    fn name(&self) -> &'static str {
        "nested_json"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            let names = NamePreserver::new(&node);
            node.map_expressions(|expression| {
                let name = names.save(&expression);
                let changed = expression.transform_up(|part| Ok(nested(part)))?;
                Ok(changed.update_data(|expression| name.restore(expression)))
            })
        })
        .map(|plan| plan.data)
    }
}

/// Wraps a call's JSON arguments in carrier structs.
fn nested(part: Expr) -> Transformed<Expr> {
    match part {
        Expr::ScalarFunction(mut call) if NEST.contains(&call.func.name()) => {
            let changed = carry_all(&mut call.args);
            let call = Expr::ScalarFunction(call);
            if changed { Transformed::yes(call) } else { Transformed::no(call) }
        }
        Expr::AggregateFunction(mut call) if NEST.contains(&call.func.name()) => {
            let changed = carry_all(&mut call.params.args);
            let call = Expr::AggregateFunction(call);
            if changed { Transformed::yes(call) } else { Transformed::no(call) }
        }
        other => Transformed::no(other),
    }
}

fn carry_all(arguments: &mut [Expr]) -> bool {
    let mut changed = false;
    for argument in arguments.iter_mut().filter(|argument| is_json(argument)) {
        let name = Expr::Literal(ScalarValue::Utf8(Some(CARRIER.to_owned())), None);
        *argument = named_struct().call(vec![name, argument.clone()]);
        changed = true;
    }
    changed
}

fn is_json(expression: &Expr) -> bool {
    match expression {
        Expr::Alias(alias) => is_json(&alias.expr),
        Expr::ScalarFunction(call) => RETURN_JSON.contains(&call.func.name()) || is_cast_to_json(call),
        Expr::AggregateFunction(call) => RETURN_JSON.contains(&call.func.name()),
        // An aggregate below the projection has become a column by now.
        Expr::Column(column) => column.name.starts_with("json_group_"),
        _ => false,
    }
}
