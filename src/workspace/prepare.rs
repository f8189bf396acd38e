//! Prepares a request: selects, compiles and plans its nodes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    error::WorkspaceError,
    graph_context,
    load::Workspace,
    request::{NodeSelection, Request},
    retry::{Retried, retried},
};
use crate::{
    compile::{self, Compiled, FOUND_COLUMNS, FoundColumns, LakeQueries, RecordedColumns, Wanted},
    diag::Diagnostic,
    engine::{Engine, SchemaRef},
    manifest::Node,
    name::{NodeId, Relation},
    plan::Plan,
    run::{
        late_compiler::{damage_finder, table_reader},
        observed::ObservedState,
        planning::{self, PlanOptions},
        tables::Tables,
        unchanged::conditions::{TablesState, WatchedTables},
    },
    select::{Criteria, Selectors},
};

/// A compiled and planned request. Nodes with errors, and those downstream of them, are not in the plan.
pub struct Prepared {
    /// The nodes that the request runs.
    pub chosen: BTreeSet<NodeId>,
    /// The engine that they were compiled with.
    pub engine: Engine,
    /// The project's tables.
    pub tables: Arc<Tables>,
    /// The recorded columns of sources that declare none.
    pub found: BTreeMap<NodeId, RecordedColumns>,
    /// The compiled nodes.
    pub compiled: Compiled,
    /// The state of the lake and the sources.
    pub observed: ObservedState,
    /// The tables and their state before any was read, if requested and observable.
    pub watched: Option<(WatchedTables, TablesState)>,
    /// The options of compilation.
    pub wanted: Wanted,
    /// The options of the plan.
    pub options: PlanOptions,
    pub plan: Plan,
    /// The errors and warnings about the nodes, apart from those found while loading.
    pub diagnostics: Vec<Diagnostic>,
    /// The unfinished nodes of the last run that the project has no more.
    pub gone: BTreeSet<NodeId>,
}

impl Prepared {
    /// Returns whether any node has an error, so that nothing can be run.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

impl Workspace {
    /// Selects, compiles and plans the requested nodes.
    ///
    /// # Errors
    /// If the selection is invalid, or the lake can't be read.
    pub async fn prepare(&self, request: &Request) -> Result<Prepared, WorkspaceError> {
        let (mut selected, mut diagnostics) = self.select(&request.selection)?;
        let mut gone = BTreeSet::new();
        if let Some(last) = &request.again {
            Retried { nodes: selected, gone } = retried(last, selected, &self.manifest);
        }
        let mut chosen = request.nodes(&selected, &self.manifest);
        self.check_audits(request, &chosen)?;
        let engine = self.engine()?;
        let mut tables = self.tables(&engine)?;
        let mut deferred = BTreeMap::new();
        if let Some(deferral) = &request.deferral {
            (tables, deferred) = self.deferred(&engine, tables, &chosen, deferral).await?;
        }
        let watched = WatchedTables::new(&tables, &self.manifest).filter(|_| request.watch);
        let watched = watched.and_then(|tables| Some((tables.state(self.threads)?, tables)));
        let watched = watched.map(|(state, tables)| (tables, state));
        graph_context::set(self, &chosen);
        let found = self.found_columns(&tables).await;
        let options =
            PlanOptions { gate: request.builds(), rebuild: request.rebuild, set_aside: request.set_aside };
        let mut building =
            if request.is_compiled_only { BTreeSet::new() } else { self.built(&chosen, |_| true) };
        let mut observed = ObservedState::of(&tables, &self.manifest).await?;
        let wanted = Wanted { built_empty: observed.built_empty(), deferred, ..request.wanted() };
        let (compiled, plan) = loop {
            let queries = LakeQueries {
                read: table_reader(&tables),
                damage: damage_finder(&tables),
                building,
                waits: true,
                staged: None,
            };
            let stored = observed.schemas();
            let context =
                self.compile_context(&engine, (&stored, &observed.unreadable), &found, &wanted, &queries);
            let (compiled, errors) = compile::compile(&context, &chosen).await;
            observed = observed.and_sources(&engine, &compiled).await;
            let planned = plannable(&chosen, &compiled);
            let plan = planning::plan(&self.manifest, &planned, &compiled, &observed, options);
            let idle = plan.steps().filter(|step| step.reason.is_idle()).map(|step| &step.node);
            let idle: BTreeSet<&NodeId> = idle.collect();
            let known = compiled.later.values().any(|id| idle.contains(id) && queries.building.contains(id));
            if !known {
                diagnostics.extend(compiled.warnings.iter().cloned().chain(errors));
                chosen = planned;
                break (compiled, plan);
            }
            // Tables that aren't rebuilt can be queried at once.
            building = self.built(&chosen, |id| !idle.contains(id));
        };
        if request.is_compiled_only {
            diagnostics.extend(compiled.later.iter().filter_map(|(id, after)| self.unchecked(id, after)));
        }
        diagnostics.extend(self.jinja.take_undefined());
        Ok(Prepared {
            chosen,
            engine,
            tables,
            found,
            compiled,
            observed,
            watched,
            wanted,
            options,
            plan,
            diagnostics,
            gone,
        })
    }

    /// Returns an error if failures are to be stored and two of the chosen tests would share a table.
    fn check_audits(&self, request: &Request, chosen: &BTreeSet<NodeId>) -> Result<(), WorkspaceError> {
        if !request.retain.failures {
            return Ok(());
        }
        let shared = self.manifest.shared_audits(chosen);
        if shared.is_empty() { Ok(()) } else { Err(shared.into()) }
    }

    /// Returns those of the chosen nodes that build a table.
    fn built(&self, chosen: &BTreeSet<NodeId>, keeps: impl Fn(&NodeId) -> bool) -> BTreeSet<NodeId> {
        let models = self.manifest.refables().filter(|model| model.config.materialized.is_table());
        let built = models.map(|model| &model.id).filter(|id| chosen.contains(*id) && keeps(id));
        built.cloned().collect()
    }

    /// Returns the warning about a node that can't be checked before another one is built.
    fn unchecked(&self, id: &NodeId, after: &NodeId) -> Option<Diagnostic> {
        let model = self.manifest.model(id)?;
        let message =
            format!("`{}` isn't checked: it is compiled after `{}` is built", model.name, after.name());
        let found = Diagnostic::warning("compiled-later", message).at(model.file.span(0..0), "");
        Some(found.hint(format!("headwater build -s +{}", model.name)))
    }

    /// Returns the selected nodes, and warnings about criteria that match nothing.
    ///
    /// # Errors
    /// If the selection is invalid, or compares with an earlier state that can't be read.
    pub fn select(
        &self,
        selection: &NodeSelection,
    ) -> Result<(BTreeSet<NodeId>, Vec<Diagnostic>), WorkspaceError> {
        let NodeSelection { select, exclude, selector, indirect, .. } = selection;
        let mut candidates = self.manifest.candidates();
        let selectors = Selectors::new(&self.project.selectors)?;
        let has_words = !(select.is_empty() && exclude.is_empty());
        let default = if has_words { None } else { self.default_selector()? };
        let criteria = Criteria::parse((select, exclude), selector.as_deref().or(default), &selectors)?;
        self.compare_with(selection.state.as_deref(), &criteria.needed_files(), &mut candidates)?;
        let (selected, warnings) = criteria.choose(&candidates, &self.manifest.graph, *indirect);
        let mut chosen = selected.chosen;
        chosen.retain(|id| selection.keeps(id.kind()));
        Ok((chosen, warnings))
    }

    /// Returns the selector that applies if the command selects nothing.
    fn default_selector(&self) -> Result<Option<&str>, WorkspaceError> {
        let mut defaults = Vec::new();
        for selector in &self.project.selectors {
            let is_default = match selector.default.as_ref().map(|yaml| (yaml.as_bool(), yaml)) {
                Some((Some(is_default), _)) => is_default,
                Some((None, yaml)) => {
                    let text = yaml.as_str().unwrap_or_default();
                    let text = self.jinja.render_value(text, &yaml.span).map_err(|found| vec![found])?;
                    text.trim().eq_ignore_ascii_case("true")
                }
                None => false,
            };
            defaults.extend(is_default.then_some(selector));
        }
        match defaults[..] {
            [] => Ok(None),
            [one] => Ok(Some(&one.name.value)),
            [one, two, ..] => {
                let message = "only one selector can be the default";
                let found = Diagnostic::error("duplicate-default", message);
                let found = found.at(one.name.span.clone(), "this one").at(two.name.span.clone(), "and this");
                Err(vec![found].into())
            }
        }
    }

    /// Observes the lake and type-checks the chosen nodes against it. With `waits`, nodes are left out whose
    /// templates query tables that aren't there. Returns what could be compiled, and the
    /// errors and warnings.
    ///
    /// # Errors
    /// If the lake can't be read.
    pub async fn compile(
        &self,
        engine: &Engine,
        tables: &Arc<Tables>,
        chosen: &BTreeSet<NodeId>,
        waits: bool,
    ) -> Result<(Compiled, ObservedState, Vec<Diagnostic>), WorkspaceError> {
        graph_context::set(self, chosen);
        let observed = ObservedState::of(tables, &self.manifest).await?;
        let stored = observed.schemas();
        let found = self.found_columns(tables).await;
        let queries = LakeQueries {
            read: table_reader(tables),
            damage: damage_finder(tables),
            building: BTreeSet::new(),
            waits,
            staged: None,
        };
        let wanted = Wanted::default();
        let context =
            self.compile_context(engine, (&stored, &observed.unreadable), &found, &wanted, &queries);
        let (compiled, errors) = compile::compile(&context, chosen).await;
        let warnings = compiled.warnings.iter().cloned().chain(self.jinja.take_undefined());
        let diagnostics = warnings.chain(errors).collect();
        Ok((compiled, observed, diagnostics))
    }

    /// Returns the recorded columns of sources that declare none. A record that can't be read concerns the
    /// nodes that read its source.
    pub(super) async fn found_columns(&self, tables: &Tables) -> BTreeMap<NodeId, RecordedColumns> {
        let mut found = BTreeMap::new();
        for source in self.manifest.nodes.values() {
            let Node::Source(source) = source else { continue };
            if !source.may_be_undeclared() {
                continue;
            }
            let lake = tables.lake();
            let place = lake.record_place(FOUND_COLUMNS, source.id.as_str());
            let failed = |why: String| {
                format!(
                    "{}.{}: its recorded columns can't be used: {why}\n  hint: restore {place} from a copy; or \
                     remove it, and the next build finds the columns in all files again",
                    source.source, source.name
                )
            };
            let known = match lake.recorded(FOUND_COLUMNS, source.id.as_str()).await {
                Ok(None) => continue,
                Ok(Some(text)) => FoundColumns::of_text(&text).map_err(|error| {
                    failed(format!("{place} is damaged, or wasn't written by a build: {error}"))
                }),
                Err(error) => Err(failed(error.to_string())),
            };
            found.extend(known.transpose().map(|known| (source.id.clone(), known)));
        }
        found
    }

    pub(super) fn compile_context<'a>(
        &'a self,
        engine: &'a Engine,
        (stored, unreadable): (&'a BTreeMap<Relation, SchemaRef>, &'a BTreeMap<Relation, String>),
        found: &'a BTreeMap<NodeId, RecordedColumns>,
        wanted: &'a Wanted,
        queries: &'a LakeQueries,
    ) -> compile::Context<'a> {
        compile::Context {
            manifest: &self.manifest,
            jinja: &self.jinja,
            engine,
            root: &self.project.root,
            stored,
            unreadable,
            found,
            now: self.started,
            wanted,
            queries,
        }
    }
}

/// Returns the nodes that can be planned. One that reads a source that can't be read is planned, and fails.
fn plannable(chosen: &BTreeSet<NodeId>, compiled: &Compiled) -> BTreeSet<NodeId> {
    let is_whole = |id: &&NodeId| !compiled.broken.contains(*id) || compiled.unreadable.contains_key(*id);
    chosen.iter().filter(is_whole).cloned().collect()
}
