//! Guards against wrong results from columns that DataFusion 55.2 wrongly treats as constant, or whose
//! constancy it relies on where it may not.
//!
//! - A column that a filter pins to one value (`where k = 7`) stays a constant of an outer join's result
//!   (`EquivalenceGroup::join`), although it is NULL there for rows without a match. So ORDER BY and
//!   PARTITION BY drop the column, and this query starts a new partition at each switch between 7 and NULL:
//!
//!   ```sql
//!   select s.k, row_number() over (partition by s.k order by a.id)
//!   from a left join (select * from b where k = 7) s on a.id = s.id
//!   ```
//!
//!   Delete once only the constants of the preserved sides are kept.
//! - A column with a different constant in each part of a UNION is left out of the sort of each part, which
//!   is correct. But with a LIMIT, the parts share a threshold beyond which rows are skipped (a dynamic
//!   filter of `TopK`), and it ignores that column. Delete once sorts by fewer than all keys share no filter.
//!
//! Before sorts and partitioning are decided, this rule makes such inputs look as if they had no constant
//! columns and no order.

use std::sync::Arc;

use datafusion::{
    common::{
        JoinType, Statistics,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    execution::TaskContext,
    physical_expr::{AcrossPartitions, ConstExpr, EquivalenceProperties, PhysicalExpr},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
        PlanProperties, ReplaceChildrenOptions, SendableRecordBatchStream,
        execution_plan::CardinalityEffect,
        filter_pushdown::{
            ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
        },
        joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec},
        statistics::{ChildStats, StatisticsArgs},
        union::UnionExec,
    },
};

/// Hides the constants of the nullable sides of outer joins, and of unions.
#[derive(Debug)]
pub(crate) struct HiddenConstants;

impl PhysicalOptimizerRule for HiddenConstants {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let hide = |node: Arc<dyn ExecutionPlan>| {
            if node.downcast_ref::<UnionExec>().is_some()
                && node.equivalence_properties().constants().iter().any(differs)
            {
                return Ok(Transformed::yes(
                    Arc::new(HiddenConstantsExec::new(node)) as Arc<dyn ExecutionPlan>
                ));
            }
            let Some(sides) = nullable(&node) else { return Ok(Transformed::no(node)) };
            let mut changed = false;
            let children = node.children().into_iter().zip(sides).map(|(child, nullable)| {
                if !nullable || child.equivalence_properties().constants().is_empty() {
                    return Arc::clone(child);
                }
                changed = true;
                Arc::new(HiddenConstantsExec::new(Arc::clone(child))) as Arc<dyn ExecutionPlan>
            });
            let children: Vec<_> = children.collect();
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            if changed {
                Ok(Transformed::yes(node.replace_children(children, options)?))
            } else {
                Ok(Transformed::no(node))
            }
        };
        plan.transform_up(hide).map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "HiddenConstants"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns which inputs of a join may be NULL in its result; `None` if the node isn't such a join.
fn nullable(node: &Arc<dyn ExecutionPlan>) -> Option<[bool; 2]> {
    let hash = node.downcast_ref::<HashJoinExec>().map(HashJoinExec::join_type).copied();
    let merge = node.downcast_ref::<SortMergeJoinExec>().map(SortMergeJoinExec::join_type);
    let nested = node.downcast_ref::<NestedLoopJoinExec>().map(NestedLoopJoinExec::join_type).copied();
    match hash.or(merge).or(nested)? {
        JoinType::Left => Some([false, true]),
        JoinType::Right => Some([true, false]),
        JoinType::Full => Some([true, true]),
        _ => None,
    }
}

/// Returns whether a column is a different constant in each part.
fn differs(constant: &ConstExpr) -> bool {
    constant.across_partitions == AcrossPartitions::Heterogeneous
}

/// Passes its input through without known constant columns or known order.
#[derive(Debug, Clone)]
struct HiddenConstantsExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl HiddenConstantsExec {
    fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        // Hide orders too: those that are known, or that sorts below would make, leave constants out.
        let hidden = EquivalenceProperties::new(input.schema());
        let properties = input.properties().as_ref().clone().with_eq_properties(hidden);
        Self { properties: Arc::new(properties), input }
    }
}

impl DisplayAs for HiddenConstantsExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "HiddenConstantsExec")
    }
}

impl ExecutionPlan for HiddenConstantsExec {
    fn name(&self) -> &'static str {
        "HiddenConstantsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.swap_remove(0);
        Ok(match options.children_properties {
            ChildrenPropertiesMode::Keep => {
                Arc::new(Self { input, properties: Arc::clone(&self.properties) })
            }
            ChildrenPropertiesMode::Recompute => Arc::new(Self::new(input)),
        })
    }

    fn execute(&self, part: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(part, context)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::clone(&inputs[0]))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(filters, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(result))
    }
}
