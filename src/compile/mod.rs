//! Compilation: renders, parses, plans and type-checks every model of a command against schemas alone, before
//! anything is written.
//!
//! - `model`: models; `render` renders their templates, [`check`] checks that they can become tables
//! - [`strategy`]: how each table is brought up to date
//! - [`changes`]: a table's changes as a relation of its own
//! - [`contract`]: declared columns and constraints
//! - `column_names`: names from properties files as SQL compares them
//! - [`damaged_table`]: descriptions of damage, and cures
//! - [`data_test`], [`unit_test`]: tests
//! - [`hooks`]: SQL before and after the build of a model; `hook_template` renders it
//! - [`freshness`]: source ages
//! - [`inline`]: ad-hoc queries
//! - [`inputs`]: the nodes that a query reads
//! - [`source`]: declared sources as the engine reads them
//! - [`lake_queries`], `query_table`, `table_list`: queries that templates run while they are compiled
//! - `unread`: broken sources and ephemeral models that no node reads
//! - [`compiled`]: the result
//!
//! Must not write. Start at [`compile`].

pub mod changes;
pub mod check;
mod column_names;
pub mod compiled;
pub mod contract;
pub mod damaged_table;
pub mod data_test;
pub mod freshness;
mod hook_template;
pub mod hooks;
pub mod inline;
pub mod inputs;
pub mod lake_queries;
mod model;
pub mod query_table;
mod render;
pub mod source;
pub mod strategy;
mod table_list;
#[cfg(test)]
mod tests;
pub mod unit_test;
mod unread;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chrono::{DateTime, Utc};

use self::work::{NotCompiled, Work};
pub use self::{
    compiled::{Compiled, CompiledModel, UncheckedCause, Unreadable},
    data_test::{Anomaly, CompiledTest, Direction, ModelRule, Probe},
    freshness::{Clock, FreshnessCheck},
    hooks::CompiledHooks,
    inputs::{InputForm, InputNode, InputNodes},
    lake_queries::{DamageFinder, LakeQueries, StagedRows, TableReader},
    source::{FOUND_COLUMNS, FoundColumns, RecordedColumns},
    strategy::{
        ExistingFiles, ExistingVersions, FILE, FileLoad, MergeQueries, NewRows, Refresh, SnapshotQueries,
        Strategy, TimeBatches, nullable,
    },
    unit_test::CompiledUnitTest,
};
use crate::{
    diag::Diagnostic,
    engine::{Engine, SchemaRef},
    interval::{Interval, Intervals},
    jinja::Jinja,
    manifest::{DataTest, Manifest, Node},
    name::{NodeId, NodeKind, Relation},
    project::RowsText,
};

/// The inputs of compilation.
pub struct Context<'a> {
    /// The resolved project.
    pub manifest: &'a Manifest,
    /// Its templates.
    pub jinja: &'a Jinja,
    /// The engine that plans queries; compilation declares relations to it.
    pub engine: &'a Engine,
    /// The project folder, which relative locations start from.
    pub root: &'a Path,
    /// The columns of the existing Delta tables in the lake.
    pub stored: &'a BTreeMap<Relation, SchemaRef>,
    /// The existing Delta tables that can't be read, with the reason.
    pub unreadable: &'a BTreeMap<Relation, String>,
    /// The recorded columns of sources that declare none.
    pub found: &'a BTreeMap<NodeId, RecordedColumns>,
    /// The start time of the invocation.
    pub now: DateTime<Utc>,
    /// The command's options.
    pub wanted: &'a Wanted,
    /// The tables that templates may query.
    pub queries: &'a LakeQueries,
}

/// A command's options for compilation; by default, whatever is due is built.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Whether incremental models get a full refresh.
    pub full_refresh: bool,
    /// The time range whose microbatches are rebuilt.
    pub time: Option<Interval>,
    /// The failed batches to retry, by model.
    pub again: BTreeMap<NodeId, Intervals>,
    /// Whether to record the state of each source before it is read.
    pub watch: bool,
    /// Whether nodes are built as if what they read had no rows (`--empty`).
    pub empty: bool,
    /// The tables that were built so before.
    pub built_empty: BTreeSet<Relation>,
    /// The tables that are read from another target, with their places.
    pub deferred: BTreeMap<Relation, String>,
}

/// Compiles `selected` (models, seeds, snapshots, data tests, unit tests, and sources for freshness checks)
/// and everything needed to type-check them: a parent that is neither selected nor in the lake is planned for
/// its schema, a view for its query.
///
/// Returns what could be compiled and all errors that stop the run, in graph order, except for models
/// downstream of a broken one. The errors of nodes that fail alone are in [`Compiled::unreadable`], as are
/// sources that can't be read, which aren't errors of the project: the nodes that read them are left out.
pub async fn compile(context: &Context<'_>, selected: &BTreeSet<NodeId>) -> (Compiled, Vec<Diagnostic>) {
    let needed = needed(context, selected);
    let mut work = Work {
        context,
        selected,
        compiled: Compiled { broken: context.manifest.broken.clone(), ..Compiled::default() },
        reads: BTreeMap::new(),
        views: BTreeMap::new(),
        findings: Vec::new(),
    };
    for id in context.manifest.graph.sorted() {
        let (Some(node), Some(need)) = (context.manifest.nodes.get(id), needed.get(id)) else { continue };
        if context.manifest.broken.contains(id) {
            work.note_faults(id);
        } else {
            work.node(node, *need).await;
        }
    }
    let tests: Vec<&DataTest> = context
        .manifest
        .graph
        .sorted()
        .iter()
        .filter(|id| needed.contains_key(*id) && !context.manifest.broken.contains(*id))
        .filter_map(|id| context.manifest.test(id))
        .collect();
    work.data_tests(&tests).await;
    work.forget_unread();
    (work.compiled, work.findings)
}

/// The information required about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Its columns, which the lake has.
    Schema,
    Query,
}

fn needed(context: &Context<'_>, selected: &BTreeSet<NodeId>) -> BTreeMap<NodeId, Need> {
    let mut needed = BTreeMap::new();
    let mut next: Vec<(&NodeId, bool)> = selected.iter().map(|id| (id, true)).collect();
    while let Some((id, is_selected)) = next.pop() {
        let Some(node) = context.manifest.nodes.get(id) else { continue };
        let need = match context.manifest.refable(id) {
            Some(model)
                if !is_selected
                    && model.config.materialized.is_table()
                    && context.stored.contains_key(&model.relation) =>
            {
                Need::Schema
            }
            _ => Need::Query,
        };
        let known = needed.get(id).copied();
        if known == Some(Need::Query) || known == Some(need) {
            continue;
        }
        needed.insert(id.clone(), need);
        if need == Need::Query {
            // A unit test runs its model's SQL, whatever is in the lake.
            let whole = matches!(node, Node::UnitTest(_));
            let parents = context.manifest.graph.parents(id);
            next.extend(parents.into_iter().map(|id| (id, whole || selected.contains(id))));
            if let Node::UnitTest(test) = node {
                // An input without rows may be a seed, whose file is read.
                let absent = test.given.iter().filter(|given| given.rows.rows == RowsText::Absent);
                next.extend(absent.map(|given| (&given.input, matches!(given.input.kind(), NodeKind::Seed))));
            }
        }
    }
    needed
}
