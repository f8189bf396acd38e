//! Large constants as calls. DataFusion's optimizer folds `range(100000000)` and `repeat('x', 500000000)` to
//! literals, and puts the text of literals into the names of columns and into comparisons of plans, which
//! takes minutes and gigabytes. This rule keeps such calls: it makes them volatile for the optimizer. They
//! are computed once for each batch.
//!
//! Delete this module once names don't contain whole literals.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, FieldRef},
    common::{
        ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Volatility, expr::ScalarFunction, expr_rewriter::NamePreserver,
    },
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

/// The minimum number of bytes of a constant that isn't folded.
const LARGE: usize = 1 << 20;

/// Keeps calls from being folded. Runs before the rules that fold them.
#[derive(Debug)]
pub(in crate::engine) struct LargeCalls;

impl OptimizerRule for LargeCalls {
    fn name(&self) -> &'static str {
        "large_calls"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let kept = expr.transform_up(|part| {
                Ok(match large(&part) {
                    Some(call) => Transformed::yes(call),
                    None => Transformed::no(part),
                })
            })?;
            Ok(kept.update_data(|expr| name.restore(expr)))
        })
    }
}

/// Returns a call of a large constant as one that isn't folded.
fn large(expr: &Expr) -> Option<Expr> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else { return None };
    if func.inner().downcast_ref::<LargeCall>().is_some() {
        return None;
    }
    let bytes = estimate(func.name(), args).filter(|bytes| *bytes >= LARGE)?;
    let signature = Signature { volatility: Volatility::Volatile, ..func.signature().clone() };
    let call = LargeCall { inner: Arc::clone(func), signature, bytes };
    let func = Arc::new(ScalarUDF::from(call));
    Some(Expr::ScalarFunction(ScalarFunction { func, args: args.clone() }))
}

/// Returns the number of bytes of a call's result, if its arguments are constants.
fn estimate(name: &str, args: &[Expr]) -> Option<usize> {
    match (name, args) {
        ("repeat", [of, times]) => size(of)?.checked_mul(usize::try_from(number(times)?).ok()?),
        ("range" | "generate_series", [to]) => items(0, number(to)?, 1),
        ("range" | "generate_series", [from, to]) => items(number(from)?, number(to)?, 1),
        ("range" | "generate_series", [from, to, step]) => items(number(from)?, number(to)?, number(step)?),
        _ => None,
    }
}

/// Returns the number of bytes of a list of numbers.
fn items(from: i64, to: i64, step: i64) -> Option<usize> {
    let items = to.checked_sub(from)?.checked_div(step)?;
    usize::try_from(items).ok()?.checked_mul(size_of::<i64>())
}

/// Returns the number of bytes of a constant.
fn size(constant: &Expr) -> Option<usize> {
    match constant {
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)), _) => {
            Some(text.len())
        }
        Expr::Literal(value, _) if !value.is_null() => Some(value.size()),
        Expr::Cast(cast) => size(&cast.expr),
        Expr::ScalarFunction(call) => bytes_of(&call.func).or_else(|| estimate(call.func.name(), &call.args)),
        _ => None,
    }
}

/// Returns a constant integer.
fn number(constant: &Expr) -> Option<i64> {
    match constant {
        Expr::Literal(value, _) if value.data_type().is_integer() => {
            match value.cast_to(&DataType::Int64).ok()? {
                ScalarValue::Int64(number) => number,
                _ => None,
            }
        }
        Expr::Cast(cast) => number(&cast.expr),
        _ => None,
    }
}

/// Returns the estimated number of bytes of a large constant that is kept as a call.
pub(super) fn bytes_of(function: &ScalarUDF) -> Option<usize> {
    function.inner().downcast_ref::<LargeCall>().map(|call| call.bytes)
}

/// A function whose result is large for the arguments of its call.
#[derive(Debug, PartialEq, Eq, Hash)]
struct LargeCall {
    inner: Arc<ScalarUDF>,
    signature: Signature,
    bytes: usize,
}

impl ScalarUDFImpl for LargeCall {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::physical_plan::displayable;

    use crate::engine::{Engine, EngineSettings, plan::joins::Joins};

    #[tokio::test]
    async fn large_constants_are_not_in_plans() {
        for (dialect, constant) in [
            ("duckdb", "range(1000000)"),
            ("duckdb", "generate_series(5, 1000000)"),
            ("duckdb", "repeat('x', 50000000)"),
            ("duckdb", "repeat(repeat('xy', 10000), 10000)"),
            ("postgresql", "repeat('x', 50000000)"),
        ] {
            let engine = Engine::new(&EngineSettings {
                threads: 2,
                memory_limit: None,
                dialect: dialect.into(),
                database: "lake".into(),
                temp_dir: None,
            })
            .unwrap();
            let bound = engine
                .plan(&format!("select {constant} as a"))
                .await
                .unwrap()
                .bind(&BTreeMap::new())
                .unwrap();
            let plan = engine.planner(Joins::Hash).create_physical_plan(&bound.plan).await.unwrap();
            let shown = displayable(plan.as_ref()).indent(false).to_string();
            assert!(shown.len() < 100_000, "{dialect}, {constant}: {} bytes", shown.len());
        }
    }
}
