//! Lineage of one expression.

use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    logical_expr::{
        Case, Expr, SortExpr, Subquery,
        expr::{AggregateFunctionParams, WindowFunctionDefinition, WindowFunctionParams},
    },
};

use super::{
    ColumnUse, Derivation, LineageWalk,
    trace::{ColumnScope, ValueLineage, add_uses},
};

impl LineageWalk<'_> {
    /// Returns the lineage of an expression's value.
    pub(super) fn values(&mut self, expr: &Expr, scope: &ColumnScope<'_>) -> ValueLineage {
        match expr {
            Expr::Alias(alias) => self.values(&alias.expr, scope),
            Expr::Column(column) => scope.column(column).unwrap_or_default(),
            Expr::OuterReferenceColumn(_, column) => scope.outer_column(column).unwrap_or_default(),
            Expr::Case(case) => self.case(case, scope),
            Expr::AggregateFunction(call) => self.aggregated(&call.params, scope),
            Expr::WindowFunction(call) => {
                let how = match call.fun {
                    WindowFunctionDefinition::AggregateUDF(_) => Derivation::Aggregated,
                    WindowFunctionDefinition::WindowUDF(_) => Derivation::Transformed,
                };
                self.over_window(&call.params, how, scope)
            }
            Expr::ScalarSubquery(subquery) => self.subquery(subquery, true, scope),
            Expr::Exists(exists) => self.subquery(&exists.subquery, false, scope),
            Expr::InSubquery(test) => self
                .all([test.expr.as_ref()], Derivation::Transformed, scope)
                .plus(self.subquery(&test.subquery, true, scope)),
            Expr::SetComparison(test) => self
                .all([test.expr.as_ref()], Derivation::Transformed, scope)
                .plus(self.subquery(&test.subquery, true, scope)),
            other => {
                let mut parts = ValueLineage::default();
                let visited = other.apply_children(|part| {
                    parts.and(self.values(part, scope));
                    Ok(TreeNodeRecursion::Continue)
                });
                debug_assert!(visited.is_ok(), "the visitor never fails");
                parts.at_least(Derivation::Transformed)
            }
        }
    }

    fn case(&mut self, case: &Case, scope: &ColumnScope<'_>) -> ValueLineage {
        let results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
        let mut values = self.all(results.map(AsRef::as_ref), Derivation::Transformed, scope);
        let conditions = case.expr.iter().chain(case.when_then_expr.iter().map(|(when, _)| when));
        self.decide(&mut values, conditions.map(AsRef::as_ref), ColumnUse::Condition, scope);
        values
    }

    fn aggregated(&mut self, call: &AggregateFunctionParams, scope: &ColumnScope<'_>) -> ValueLineage {
        let mut values = self.all(&call.args, Derivation::Aggregated, scope);
        self.decide(&mut values, call.filter.as_deref(), ColumnUse::Condition, scope);
        self.decide(&mut values, keys(&call.order_by), ColumnUse::Order, scope);
        values
    }

    fn over_window(
        &mut self,
        call: &WindowFunctionParams,
        how: Derivation,
        scope: &ColumnScope<'_>,
    ) -> ValueLineage {
        let mut values = self.all(&call.args, how, scope);
        self.decide(&mut values, call.filter.as_deref(), ColumnUse::Condition, scope);
        self.decide(
            &mut values,
            call.partition_by.iter().chain(keys(&call.order_by)),
            ColumnUse::Window,
            scope,
        );
        values
    }

    /// Returns the lineage of a subquery in an expression: its column's values if `is_value`, and the uses
    /// that decide about its rows.
    fn subquery(&mut self, subquery: &Subquery, is_value: bool, scope: &ColumnScope<'_>) -> ValueLineage {
        let trace = self.node(&subquery.subquery, Some(scope));
        let column = trace.columns.into_iter().next().filter(|_| is_value);
        let mut values = column.unwrap_or_default().at_least(Derivation::Transformed);
        add_uses(&mut values.uses, trace.rows);
        values
    }

    /// Merges the lineage of several parts, each derived at least by `how`.
    fn all<'e>(
        &mut self,
        parts: impl IntoIterator<Item = &'e Expr>,
        how: Derivation,
        scope: &ColumnScope<'_>,
    ) -> ValueLineage {
        let mut values = ValueLineage::default();
        for part in parts {
            values.and(self.values(part, scope));
        }
        values.at_least(how)
    }

    /// Adds the uses of the parts that decide which value is taken.
    fn decide<'e>(
        &mut self,
        values: &mut ValueLineage,
        parts: impl IntoIterator<Item = &'e Expr>,
        used_for: ColumnUse,
        scope: &ColumnScope<'_>,
    ) {
        for part in parts {
            add_uses(&mut values.uses, self.values(part, scope).used_for(used_for));
        }
    }
}

fn keys(order: &[SortExpr]) -> impl Iterator<Item = &Expr> {
    order.iter().map(|key| &key.expr)
}
