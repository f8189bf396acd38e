//! The work of a compilation: compiles one node after another, in graph order, and collects what is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Compiled, Context, Need, Unreadable, compiled::UncheckedCause, source};
use crate::{
    diag::Diagnostic,
    engine::SchemaRef,
    manifest::{Node, SourceTable},
    name::{NodeId, Relation},
    source::WatchedSource,
};

/// The reason why a node isn't compiled.
#[derive(Debug)]
pub(super) enum NotCompiled {
    /// The errors in it.
    Invalid(Vec<Diagnostic>),
    /// The columns of its table aren't its own, perhaps because another writer changed them: it fails alone.
    OtherColumns(Box<Diagnostic>),
    /// A query of its template failed over the rows as they are, perhaps because a table is damaged: it fails
    /// alone.
    FailedQuery(Box<Diagnostic>),
    /// An input is broken or can't be read, which is reported there.
    BrokenInput,
    /// Its template queries this node's table, which isn't built yet, or reads what such a node builds.
    Later(NodeId),
    /// Its template runs a query, but none can be run now.
    Asks,
}

impl NotCompiled {
    /// Changes each error.
    pub(super) fn map(self, mut change: impl FnMut(Diagnostic) -> Diagnostic) -> Self {
        match self {
            Self::Invalid(findings) => Self::Invalid(findings.into_iter().map(change).collect()),
            Self::OtherColumns(finding) => Self::OtherColumns(Box::new(change(*finding))),
            Self::FailedQuery(finding) => Self::FailedQuery(Box::new(change(*finding))),
            other => other,
        }
    }
}

impl From<Vec<Diagnostic>> for NotCompiled {
    fn from(findings: Vec<Diagnostic>) -> Self {
        Self::Invalid(findings)
    }
}

/// The state of a compilation.
pub(super) struct Work<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) selected: &'a BTreeSet<NodeId>,
    pub(super) compiled: Compiled,
    /// The relations behind a node: itself, or the ones that a view reads.
    pub(super) reads: BTreeMap<NodeId, BTreeSet<Relation>>,
    /// A digest of each view's statement, including the views it reads.
    pub(super) views: BTreeMap<NodeId, String>,
    pub(super) findings: Vec<Diagnostic>,
}

impl Work<'_> {
    pub(super) async fn node(&mut self, node: &Node, need: Need) {
        let done = match node {
            Node::Source(source) => self.source(source).await,
            Node::Seed(seed) => match need {
                Need::Schema => self.stored(&seed.model.id, &seed.model.relation),
                Need::Query => self.seed(seed).await,
            },
            Node::Snapshot(snapshot) => match need {
                Need::Schema => self.stored(&snapshot.model.id, &snapshot.model.relation),
                Need::Query => self.snapshot(snapshot).await,
            },
            Node::Model(model) => match need {
                Need::Schema => self.stored(&model.id, &model.relation),
                Need::Query => self.model(model).await,
            },
            // Tests are compiled last, in parallel, because nothing depends on them. Exposures need no
            // compilation.
            Node::Test(_) | Node::Exposure(_) => Ok(()),
            Node::UnitTest(test) => self.unit_test(test).await,
        };
        if let Err(error) = done {
            self.note_failure(node.id(), error);
        }
    }

    /// Records that a node isn't compiled.
    pub(super) fn note_failure(&mut self, id: &NodeId, error: NotCompiled) {
        if let NotCompiled::Later(after) = error {
            self.compiled.later.insert(id.clone(), after);
            return;
        }
        self.compiled.broken.insert(id.clone());
        match error {
            NotCompiled::Later(_) | NotCompiled::Asks => {}
            NotCompiled::Invalid(findings) => self.note_errors(id, findings),
            NotCompiled::OtherColumns(finding) => {
                self.note_unchecked(id, UncheckedCause::Columns, [*finding]);
            }
            NotCompiled::FailedQuery(finding) => {
                self.note_unchecked(id, UncheckedCause::Query, [*finding]);
            }
            NotCompiled::BrokenInput => {
                if let Some(above) = self.unreadable_above(id) {
                    self.compiled.unreadable.insert(id.clone(), above);
                }
            }
        }
    }

    /// Records the errors of a node: they stop the run, or only the node fails.
    fn note_errors(&mut self, id: &NodeId, findings: Vec<Diagnostic>) {
        if self.context.manifest.is_strict(id) {
            self.findings.extend(findings);
        } else {
            self.note_unchecked(id, UncheckedCause::Errors, findings);
        }
    }

    /// Records the errors that a node's settings have, so that it isn't compiled.
    pub(super) fn note_faults(&mut self, id: &NodeId) {
        if let Some(faults) = self.context.manifest.faults.get(id) {
            self.note_unchecked(id, UncheckedCause::Errors, faults.iter().cloned());
        }
    }

    /// Returns the unreadable source that a node reads directly or indirectly.
    fn unreadable_above(&self, id: &NodeId) -> Option<Unreadable> {
        if let Some(own) = self.compiled.unreadable.get(id) {
            return Some(own.clone());
        }
        let parents = self.context.manifest.graph.parents(id);
        parents.into_iter().find_map(|parent| self.compiled.unreadable.get(parent)).cloned()
    }

    /// Records that a source can't be read. Returns the error of the nodes that read it.
    fn note_unreadable(&mut self, source: &SourceTable, why: String) -> NotCompiled {
        let at = source.external.as_ref().map_or(&source.span, |external| &external.declared.location.span);
        let finding = Diagnostic::error("unreadable-source", why)
            .at(at.clone(), "declared here")
            .hint("make sure that the source can be read, and run the command again");
        self.note_unchecked(&source.id, UncheckedCause::Source, [finding]);
        NotCompiled::BrokenInput
    }

    /// Records that a node can't be checked now.
    fn note_unchecked(
        &mut self,
        id: &NodeId,
        cause: UncheckedCause,
        findings: impl IntoIterator<Item = Diagnostic>,
    ) {
        let findings: Arc<[Diagnostic]> = findings.into_iter().collect();
        self.compiled.unreadable.insert(id.clone(), Unreadable { source: id.clone(), cause, findings });
    }

    async fn source(&mut self, source: &SourceTable) -> Result<(), NotCompiled> {
        match &source.external {
            Some(external) if !source.is_delta() => {
                let mut spec = source::spec(source, external, self.context.root)?;
                let Context { engine, found, .. } = self.context;
                if self.context.wanted.watch
                    && let Some(watched) = WatchedSource::new(&spec)
                    && let Some(state) = watched.state()
                {
                    self.compiled.watched.insert(source.id.clone(), (watched, state));
                }
                let looked = source::look(engine, source, external, &mut spec, found).await;
                let source::Looked { schema, found, warnings } = match looked {
                    Err(_) if !self.is_read(&source.id) && source::is_known(&spec) => {
                        source::declared(&spec)?
                    }
                    Err(source::NotLooked::Unreadable(why)) => return Err(self.note_unreadable(source, why)),
                    Err(source::NotLooked::Wrong(findings)) => return Err(findings.into()),
                    Ok(looked) => looked,
                };
                self.compiled.warnings.extend(warnings);
                self.compiled.found.extend(found.map(|found| (source.id.clone(), found)));
                self.declare(&source.id, &source.relation, schema)?;
                self.compiled.sources.insert(source.id.clone(), spec);
            }
            _ if let Some(owner) = &source.same_as => self.same_table(&source.id, owner)?,
            _ => {
                if let Some(why) = self.context.unreadable.get(&source.relation) {
                    return Err(self.note_unreadable(source, why.clone()));
                }
                self.stored(&source.id, &source.relation).map_err(|_| vec![source::missing(source)])?;
            }
        }
        if self.selected.contains(&source.id) {
            self.clock(source).await?;
        }
        Ok(())
    }

    /// Takes over the columns of the node that has the same table as a source.
    fn same_table(&mut self, source: &NodeId, owner: &NodeId) -> Result<(), NotCompiled> {
        self.allowed(source)?;
        if let Some(schema) = self.compiled.schemas.get(owner) {
            self.compiled.schemas.insert(source.clone(), schema.clone());
        }
        if let Some(reads) = self.reads.get(owner) {
            self.reads.insert(source.clone(), reads.clone());
        }
        if let Some(view) = self.views.get(owner) {
            self.views.insert(source.clone(), view.clone());
        }
        Ok(())
    }

    /// Returns whether a selected node reads the rows of a source, directly or through views. Unit tests
    /// don't: they have rows of their own.
    fn is_read(&self, source: &NodeId) -> bool {
        let manifest = self.context.manifest;
        let mut next = vec![source];
        let mut seen = BTreeSet::new();
        while let Some(id) = next.pop() {
            if !seen.insert(id) {
                continue;
            }
            for child in manifest.graph.children(id) {
                match manifest.nodes.get(child) {
                    Some(Node::UnitTest(_)) | None => {}
                    Some(Node::Model(model)) if !model.config.materialized.is_table() => {
                        next.push(child);
                    }
                    Some(_) if self.selected.contains(child) => return true,
                    Some(_) => {}
                }
            }
        }
        false
    }

    fn stored(&mut self, id: &NodeId, relation: &Relation) -> Result<(), NotCompiled> {
        match self.context.stored.get(relation) {
            Some(schema) => Ok(self.declare(id, relation, schema.clone())?),
            None => Err(NotCompiled::BrokenInput),
        }
    }

    pub(super) fn declare(
        &mut self,
        id: &NodeId,
        relation: &Relation,
        schema: SchemaRef,
    ) -> Result<(), Vec<Diagnostic>> {
        self.reads.insert(id.clone(), BTreeSet::from([relation.clone()]));
        self.compiled.schemas.insert(id.clone(), schema.clone());
        self.context
            .engine
            .declare_table(relation, schema)
            .map_err(|error| vec![Diagnostic::error("engine", error.strip_backtrace())])
    }

    /// Returns the relations that a node may read: those of its parents.
    ///
    /// # Errors
    /// If a parent is broken, which has already been reported.
    pub(super) fn allowed(&self, id: &NodeId) -> Result<BTreeSet<Relation>, NotCompiled> {
        let parents = self.context.manifest.graph.parents(id);
        if parents.iter().any(|parent| self.compiled.broken.contains(*parent) && !self.may_ignore(id, parent))
        {
            return Err(NotCompiled::BrokenInput);
        }
        if let Some(parent) = parents.iter().find(|parent| self.compiled.later.contains_key(**parent)) {
            return Err(NotCompiled::Later((*parent).clone()));
        }
        Ok(parents.iter().filter_map(|parent| self.reads.get(*parent)).flatten().cloned().collect())
    }
}
