//! UNNEST guard against wrong results: DataFusion 55.2 assumes that a column that is unique before an UNNEST
//! is still unique after it (`unnest_with_options` copies the functional dependencies), and drops the ORDER
//! BY and GROUP BY keys that follow it. As a result,
//! `select k, unnest(list(v)) as v from t group by k order by k, v` returns its values in any order.
//!
//! The rule reads such columns through an identity function, which has no functional dependencies.

use std::sync::{Arc, LazyLock};

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        Column,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Unnest, Volatility, expr::ScalarFunction,
    },
    optimizer::AnalyzerRule,
};

/// Wraps the unique input columns of an UNNEST in the identity function.
#[derive(Debug)]
pub(super) struct Independent;

impl AnalyzerRule for Independent {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut guards = false;
        plan.apply_with_subqueries(|node| {
            guards |= matches!(node, LogicalPlan::Unnest(unnest) if has_unique(unnest));
            Ok(TreeNodeRecursion::Continue)
        })?;
        if !guards {
            return Ok(plan);
        }
        let guarded = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Unnest(unnest) if has_unique(&unnest) => guard(unnest).map(Transformed::yes),
            // These nodes cache functional dependencies, which are now outdated.
            LogicalPlan::Projection(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Unnest(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Join(_) => node.recompute_schema().map(Transformed::yes),
            other => Ok(Transformed::no(other)),
        })?;
        Ok(guarded.data)
    }

    fn name(&self) -> &'static str {
        "independent_unnest"
    }
}

fn has_unique(unnest: &Unnest) -> bool {
    !unnest.input.schema().functional_dependencies().is_empty()
}

/// Wraps an expression in the identity function, which hides its functional dependencies.
pub(super) fn same(expr: Expr) -> Expr {
    static SAME: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::from(Same(Signature::any(1, Volatility::Immutable)))));
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&SAME), vec![expr]))
}

fn guard(unnest: Unnest) -> Result<LogicalPlan> {
    let schema = unnest.input.schema();
    let unique = |at: usize| {
        schema.functional_dependencies().iter().any(|dependency| dependency.source_indices.contains(&at))
    };
    let columns = schema.iter().enumerate().map(|(at, (qualifier, field))| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        if unique(at) { same(column).alias_qualified(qualifier.cloned(), field.name()) } else { column }
    });
    let columns: Vec<Expr> = columns.collect();
    LogicalPlanBuilder::from(unnest.input.as_ref().clone())
        .project(columns)?
        .unnest_columns_with_options(unnest.exec_columns, unnest.options)?
        .build()
}

/// The identity function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Same(Signature);

impl ScalarUDFImpl for Same {
    fn name(&self) -> &'static str {
        "$same"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(args.args.swap_remove(0))
    }
}
