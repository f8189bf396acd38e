//! Late compilation: compiles nodes whose templates query tables of this run once those tables are built.
//!
//! Each node gets its own worker, with the nodes compiled for it; everything else is shared.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{FutureExt, future::BoxFuture};

use super::{
    build::Candidate,
    late_compiler::{damage_finder, table_reader},
    worker::Worker,
};
use crate::{
    compile::{self, Compiled, CompiledHooks, LakeQueries, StagedRows, TableReader},
    diag::{Diagnostic, described},
    engine::Table,
    name::{NodeId, Relation},
    outcome::Outcome,
    plan::Step,
};

impl Worker {
    /// Returns a worker that knows these tests, if any of them isn't compiled yet. Templates that query the
    /// relation of `version` read its staged rows.
    ///
    /// # Errors
    /// If a test can't be compiled.
    pub(super) async fn late_tests(
        &self,
        tests: &[&Arc<Step>],
        version: Option<&Candidate>,
    ) -> Result<Option<Arc<Self>>, Vec<Diagnostic>> {
        let is_known = |test: &Step| self.compiled.unreadable.contains_key(&test.node);
        if tests.iter().all(|test| self.test_task(test).is_some() || is_known(test)) {
            return Ok(None);
        }
        let staged = match version {
            Some(version) => version.table().await.ok().map(|table| (version.relation.clone(), table)),
            None => None,
        };
        let tests = tests.iter().filter(|test| !is_known(test));
        let nodes = tests.map(|test| test.node.clone()).collect();
        let worker = Arc::new(self.with(Arc::clone(&self.compiled), Arc::clone(&self.unread)));
        worker.compile_late(nodes, staged).await.map(Some)
    }

    /// Compiles nodes against the lake as it is now. Templates that query the relation of `version` read its
    /// staged rows.
    pub(super) fn compile_late(
        self: Arc<Self>,
        nodes: BTreeSet<NodeId>,
        version: Option<(Relation, Table)>,
    ) -> BoxFuture<'static, Result<Arc<Self>, Vec<Diagnostic>>> {
        async move { self.compiled_late(&nodes, version).await }.boxed()
    }

    async fn compiled_late(
        &self,
        nodes: &BTreeSet<NodeId>,
        version: Option<(Relation, Table)>,
    ) -> Result<Arc<Self>, Vec<Diagnostic>> {
        let (compiled, unreadable) = self.compile_now(nodes, version, None).await?;
        let compiled = Arc::new(compiled);
        self.late.note(Arc::clone(&compiled));
        Ok(Arc::new(self.with(compiled, Arc::new(unreadable))))
    }

    /// Compiles the post-hooks of a node, which query the rows of its staged version.
    ///
    /// # Errors
    /// If they can't be compiled.
    pub(super) async fn staged_hooks(
        &self,
        id: &NodeId,
        version: (Relation, Table),
        adds_rows: bool,
    ) -> Result<CompiledHooks, Vec<Diagnostic>> {
        let staged = StagedRows { relation: version.0.clone(), adds_rows };
        let nodes = BTreeSet::from([id.clone()]);
        let (mut compiled, _) = self.compile_now(&nodes, Some(version), Some(staged)).await?;
        for warning in &compiled.warnings {
            tracing::warn!(node = %id, "{}", warning.message);
        }
        let hooks = compiled.models.remove(id).map(|model| model.hooks);
        hooks.ok_or_else(|| vec![Diagnostic::error("hooks", format!("the hooks of {id} can't be compiled"))])
    }

    /// Compiles nodes. Also returns the tables that can't be read, with the reasons.
    async fn compile_now(
        &self,
        nodes: &BTreeSet<NodeId>,
        version: Option<(Relation, Table)>,
        staged: Option<StagedRows>,
    ) -> Result<(Compiled, BTreeMap<Relation, String>), Vec<Diagnostic>> {
        let late = &self.late;
        let _one_at_a_time = late.declaring.lock().await;
        let (mut stored, mut unreadable) = (BTreeMap::new(), BTreeMap::new());
        let upstream = self.manifest.graph.upstream(nodes, None);
        for (relation, observed) in self.tables.observe_nodes(&self.manifest, &upstream).await {
            match observed {
                Ok(Some(observed)) => drop(stored.insert(relation, observed.schema)),
                Ok(None) => {}
                Err(error) => drop(unreadable.insert(relation, error.to_string())),
            }
        }
        let read = table_reader(&self.tables);
        if let Some((relation, table)) = &version {
            stored.insert(relation.clone(), table.schema());
        }
        let read: TableReader = Arc::new(move |relation| match &version {
            Some((staged, table)) if *staged == relation => {
                let table = Arc::clone(table);
                async move { Ok(Some(table)) }.boxed()
            }
            _ => read(relation),
        });
        let damage = damage_finder(&self.tables);
        let queries = LakeQueries { read, damage, building: BTreeSet::new(), waits: false, staged };
        let context = compile::Context {
            manifest: &self.manifest,
            jinja: &late.jinja,
            engine: &self.engine,
            root: &late.root,
            stored: &stored,
            unreadable: &unreadable,
            found: &late.found,
            now: late.now,
            wanted: &late.wanted,
            queries: &queries,
        };
        let (compiled, errors) = Box::pin(compile::compile(&context, nodes)).await;
        let errors: Vec<Diagnostic> = errors.into_iter().filter(Diagnostic::is_error).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok((compiled.whole()?, unreadable))
    }
}

/// Returns the outcome of a step that couldn't be compiled. Without findings about it, the node is missing
/// because of what it reads.
pub(super) fn not_compiled(findings: &[Diagnostic]) -> Outcome {
    let message = match findings {
        [] => "it could not be compiled, because a node that it reads could not be".to_owned(),
        findings => described(findings),
    };
    Outcome::Failed { message, compiled: None }
}
