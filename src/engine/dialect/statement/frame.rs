//! Offsets of window frames in a parsed statement.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, NamedWindowExpr, Query, Select, VisitMut, VisitorMut, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowType,
};

/// Visits the offsets of window frames in a query and its subqueries.
pub(in crate::engine::dialect) fn offsets<E>(
    query: &mut Query,
    of_one: impl FnMut(WindowFrameUnits, &mut Expr) -> Result<(), E>,
) -> Result<(), E> {
    match query.visit(&mut Offsets(of_one)) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Offsets<F>(F);

impl<E, F: FnMut(WindowFrameUnits, &mut Expr) -> Result<(), E>> Offsets<F> {
    fn of_frame(&mut self, frame: &mut Option<WindowFrame>) -> ControlFlow<E> {
        let Some(WindowFrame { units, start_bound, end_bound }) = frame else {
            return ControlFlow::Continue(());
        };
        for bound in [Some(start_bound), end_bound.as_mut()].into_iter().flatten() {
            if let WindowFrameBound::Preceding(Some(offset)) | WindowFrameBound::Following(Some(offset)) =
                bound
                && let Err(error) = (self.0)(*units, offset)
            {
                return ControlFlow::Break(error);
            }
        }
        ControlFlow::Continue(())
    }
}

impl<E, F: FnMut(WindowFrameUnits, &mut Expr) -> Result<(), E>> VisitorMut for Offsets<F> {
    type Break = E;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<E> {
        for window in &mut select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
                self.of_frame(&mut spec.window_frame)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<E> {
        match expr {
            Expr::Function(Function { over: Some(WindowType::WindowSpec(spec)), .. }) => {
                self.of_frame(&mut spec.window_frame)
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
