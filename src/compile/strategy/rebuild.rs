//! Tables and views that are computed from scratch: the columns of the query are those of the table.

use super::{Resolved, Strategy};
use crate::{
    compile::{NotCompiled, Work, check},
    diag::Diagnostic,
    engine::{Query, SchemaRef},
    manifest::{Model, fingerprint},
};

impl Work<'_> {
    /// Checks that a model's query can become a table. Returns its columns.
    pub(super) fn table(&self, model: &Model, query: &Query) -> Result<SchemaRef, Vec<Diagnostic>> {
        check::rejects(query, model, self.context.manifest)?;
        check::table(query, model)
    }

    /// Declares a view to the engine, which plans it into the queries that read it.
    pub(super) fn view(&mut self, model: &Model, query: &Query) -> Result<Resolved, NotCompiled> {
        self.context
            .engine
            .declare_view(&model.relation, query)
            .map_err(|error| vec![Diagnostic::error("engine", error.strip_backtrace())])?;
        self.reads.insert(model.id.clone(), query.relations());
        self.compiled.schemas.insert(model.id.clone(), query.schema());
        let statement = self.statement(&model.id, query.canonical());
        self.views.insert(model.id.clone(), fingerprint::digest(&statement));
        Ok(Resolved { strategy: Strategy::Rebuild, schema: query.schema(), refresh: None })
    }
}
