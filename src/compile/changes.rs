//! `changes(ref(…))`: the rows inserted into and deleted from a table since the model that asks last read it.
//! For queries it is a relation of its own, with the table's columns and [`CHANGE_TYPE`]. The relation is
//! declared when a template asks for it.

use std::sync::Arc;

use super::Work;
use crate::{
    diag::Diagnostic,
    engine::{
        SchemaRef,
        rows::change_feed::{CHANGE_TYPE, with_change_type},
    },
    jinja::ChangesCall,
    manifest::{Materialized, Model, Node},
    name::Relation,
};

/// Returns a warning about `changes()` in a model that isn't incremental: its rows are replaced in each
/// build, so that nothing of a former version counts.
pub(super) fn useless_changes(model: &Model, calls: &[ChangesCall]) -> Option<Diagnostic> {
    let call = calls.first().filter(|_| model.config.materialized != Materialized::Incremental)?;
    let message = format!(
        "`{}` isn't incremental, so that changes() returns all rows as inserts in each build",
        model.name
    );
    let found = Diagnostic::warning("all-changes", message).at(call.span.clone(), "");
    Some(found.hint("materialize it as `incremental`, or read the table itself with ref() or source()"))
}

impl Work<'_> {
    /// Declares the change relations that a template reads.
    pub(super) fn declare_changes(
        &self,
        model: &Model,
        calls: &[ChangesCall],
    ) -> Result<(), Vec<Diagnostic>> {
        let mut findings = Vec::new();
        for ChangesCall { relation, span } in calls {
            let node = self.context.manifest.at(relation);
            // An unknown relation was already reported, or will be when the SQL is planned.
            let Some((node, schema)) =
                node.and_then(|node| Some((node, self.compiled.schemas.get(node.id())?)))
            else {
                continue;
            };
            let refused = match node {
                _ if self.context.manifest.is_file(relation) => Some("its rows are read from files"),
                _ if *relation == model.relation => Some("this model is about to replace them"),
                _ if !model.config.materialized.is_table() => {
                    Some("a view does not say when it was read last")
                }
                Node::Model(read) if !read.config.materialized.is_table() => Some("it is a view"),
                _ if schema.field_with_name(CHANGE_TYPE).is_ok() => Some("it has a column `_change_type`"),
                _ => None,
            };
            match refused {
                Some(why) => {
                    let message = format!("the changes of `{}` are not known: {why}", node.display_name());
                    findings.push(
                        Diagnostic::error("no-changes", message)
                            .at(span.clone(), "")
                            .note("changes() returns the rows inserted into and deleted from a Delta table"),
                    );
                }
                None => self.declare_changes_of(relation, schema)?,
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    /// Declares the change relation of a relation with these columns.
    pub(super) fn declare_changes_of(
        &self,
        relation: &Relation,
        schema: &SchemaRef,
    ) -> Result<(), Vec<Diagnostic>> {
        self.redeclare(&relation.changes(), &Arc::new(with_change_type(schema)))
    }
}
