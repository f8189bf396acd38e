//! Windows that go on from a named one: `OVER (w ROWS 2 PRECEDING)` has the partition and order of `w`, and a
//! frame of its own, which DataFusion would leave out.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, NamedWindowExpr, Query, Select, VisitMut, VisitorMut, WindowSpec, WindowType,
};

/// Writes what such windows have of the SELECT's named ones.
pub(super) fn named(select: &mut Select) {
    let windows: Vec<(String, WindowSpec)> = select
        .named_window
        .iter()
        .filter_map(|window| match &window.1 {
            NamedWindowExpr::WindowSpec(spec) => Some((window.0.value.to_lowercase(), spec.clone())),
            NamedWindowExpr::NamedWindow(_) => None,
        })
        .collect();
    if windows.is_empty() {
        return;
    }
    let mut inherit = Inherit { windows, depth: 0 };
    for item in &mut select.projection {
        let _ = VisitMut::visit(item, &mut inherit);
    }
    if let Some(qualify) = &mut select.qualify {
        let _ = VisitMut::visit(qualify, &mut inherit);
    }
}

struct Inherit {
    windows: Vec<(String, WindowSpec)>,
    /// Subqueries around; they have windows of their own.
    depth: usize,
}

impl VisitorMut for Inherit {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let Some(WindowType::WindowSpec(spec)) = &mut function.over else { return ControlFlow::Continue(()) };
        let Some(name) = spec.window_name.as_ref().filter(|_| self.depth == 0) else {
            return ControlFlow::Continue(());
        };
        let name = name.value.to_lowercase();
        if let Some((_, window)) = self.windows.iter().find(|(own, _)| *own == name) {
            spec.window_name = None;
            if spec.partition_by.is_empty() {
                spec.partition_by.clone_from(&window.partition_by);
            }
            if spec.order_by.is_empty() {
                spec.order_by.clone_from(&window.order_by);
            }
            if spec.window_frame.is_none() {
                spec.window_frame.clone_from(&window.window_frame);
            }
        }
        ControlFlow::Continue(())
    }
}
