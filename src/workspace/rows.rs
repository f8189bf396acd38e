//! Rows: reads those of a model's SQL, of a snapshot, of a seed's file, or of any query, over the published
//! tables. Writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{error::WorkspaceError, load::Workspace, request::NodeSelection};
use crate::{
    compile::{LakeQueries, Wanted, inline},
    diag::Diagnostic,
    engine::{Engine, Query, SendableRecordBatchStream, Table},
    name::{NodeId, Relation},
    run::{
        late_compiler::{damage_finder, table_reader},
        observed::ObservedState,
        tables::Tables,
    },
    source::{self, RejectCounts, RejectSink, SourceSpec},
};

/// The rows to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowSource {
    /// The rows of a selected model's SQL, of a snapshot's SQL (not of its versions), or of a seed's file.
    Node(String),
    /// The rows of a node's last version that failed its tests, if that version was kept.
    Staged(String),
    /// The rows of a query with `ref()`, `source()` or table names.
    Sql(String),
}

/// The rows of a query over the published tables.
pub struct Rows {
    /// The rows, which are read as they are polled.
    pub stream: SendableRecordBatchStream,
    /// The rejects in the files read.
    pub rejects: Rejects,
    /// The warnings about the selection and the sources.
    pub warnings: Vec<Diagnostic>,
}

/// The rejects in the files that a query reads.
pub struct Rejects {
    sink: Arc<RejectSink>,
    /// It owns the folder for spilled rows.
    _engine: Engine,
}

impl Rejects {
    /// Returns the rejects in the files read so far.
    #[must_use]
    pub fn counts(&self) -> RejectCounts {
        self.sink.counts()
    }
}

type SourceSpecs = BTreeMap<Relation, SourceSpec>;

/// A query whose tables are not opened yet.
struct Unbound {
    query: Query,
    sources: SourceSpecs,
    warnings: Vec<Diagnostic>,
}

impl Workspace {
    /// Reads up to `limit` rows. Invalid input is read leniently, and counted.
    pub async fn rows(&self, of: &RowSource, limit: Option<usize>) -> Result<Rows, WorkspaceError> {
        let engine = self.engine()?;
        let tables = self.tables(&engine)?;
        let Unbound { query, sources, warnings } = match of {
            RowSource::Node(select) => self.node_query(&engine, &tables, select).await?,
            RowSource::Staged(select) => self.staged_query(&engine, &tables, select).await?,
            RowSource::Sql(sql) => self.sql_query(&engine, &tables, sql).await?,
        };
        let mut bound: BTreeMap<Relation, Table> = BTreeMap::new();
        let (rejects, stream) = RejectSink::new(1);
        drop(stream);
        for relation in query.relations() {
            let table = match sources.get(&relation) {
                Some(spec) => {
                    let mut spec = spec.clone();
                    spec.drift.is_lenient = true;
                    source::open(&engine, &spec, Some(&rejects)).await?
                }
                None => tables.provider(&relation).await?.ok_or_else(|| self.missing(&relation))?,
            };
            bound.insert(relation, table);
        }
        let stream = engine.stream(&query.bind(&bound)?, limit).await?;
        Ok(Rows { stream, rejects: Rejects { sink: rejects, _engine: engine }, warnings })
    }

    async fn node_query(
        &self,
        engine: &Engine,
        tables: &Arc<Tables>,
        select: &str,
    ) -> Result<Unbound, WorkspaceError> {
        let (id, mut warnings) = self.one(select)?;
        if let Some(snapshot) = self.manifest.snapshot(&id)
            && tables.observe(&snapshot.model.relation).await?.is_some()
        {
            // Its SQL has only the current rows.
            let sql = format!("select * from {}", snapshot.model.relation.quoted());
            let unbound = self.sql_query(engine, tables, &sql).await?;
            warnings.extend(unbound.warnings);
            return Ok(Unbound { warnings, ..unbound });
        }
        let chosen = BTreeSet::from([id.clone()]);
        let (compiled, _, more) = self.compile(engine, tables, &chosen, false).await?;
        if more.iter().any(Diagnostic::is_error) {
            return Err(more.into());
        }
        // Errors of a source that can't be read belong to the nodes that read it: here, to this one.
        let mut compiled = compiled.whole()?;
        warnings.extend(more);
        let model = compiled.models.remove(&id);
        let model = model.ok_or_else(|| WorkspaceError::message("nothing was compiled"))?;
        Ok(Unbound { query: model.query, sources: self.by_relation(compiled.sources), warnings })
    }

    /// Queries the kept rows of a version that failed its tests.
    async fn staged_query(
        &self,
        engine: &Engine,
        tables: &Arc<Tables>,
        select: &str,
    ) -> Result<Unbound, WorkspaceError> {
        let (id, mut warnings) = self.one(select)?;
        let model = self.manifest.refable(&id).ok_or_else(|| WorkspaceError::message("it is no model"))?;
        let kept = model.relation.kept();
        if tables.observe(&kept).await?.is_none() {
            let message = format!("no version of {} that failed its tests was kept", model.relation);
            let hint = format!("headwater build -s {} --keep-staged", model.name);
            return Err(WorkspaceError::hinted(message, hint));
        }
        let unbound = self.sql_query(engine, tables, &format!("select * from {}", kept.quoted())).await?;
        warnings.extend(unbound.warnings);
        Ok(Unbound { warnings, ..unbound })
    }

    /// Returns the single selected model, seed or snapshot.
    fn one(&self, select: &str) -> Result<(NodeId, Vec<Diagnostic>), WorkspaceError> {
        let (selected, warnings) = self.select(&NodeSelection::of(select))?;
        let chosen: Vec<NodeId> =
            selected.into_iter().filter(|id| self.manifest.refable(id).is_some()).collect();
        let [id] = &chosen[..] else {
            let message =
                format!("`show` shows one model, seed or snapshot; `{select}` selects {}", chosen.len());
            return Err(WorkspaceError::hinted(message, "see `headwater list -s ...` for what it selects"));
        };
        Ok((id.clone(), warnings))
    }

    async fn sql_query(
        &self,
        engine: &Engine,
        tables: &Arc<Tables>,
        sql: &str,
    ) -> Result<Unbound, WorkspaceError> {
        let observed = ObservedState::of(tables, &self.manifest).await?;
        let mut stored = observed.schemas();
        for relation in inline::bare_tables(engine, sql) {
            if !stored.contains_key(&relation)
                && let Some(found) = tables.observe(&relation).await?
            {
                stored.insert(relation, found.schema);
            }
        }
        let (found, wanted) = (self.found_columns(tables).await, Wanted::default());
        let queries = LakeQueries {
            read: table_reader(tables),
            damage: damage_finder(tables),
            building: BTreeSet::new(),
            waits: false,
            staged: None,
        };
        let context =
            self.compile_context(engine, (&stored, &observed.unreadable), &found, &wanted, &queries);
        let (query, sources) = inline::compile_query(&context, sql).await?;
        Ok(Unbound { query, sources: self.by_relation(sources), warnings: Vec::new() })
    }

    fn by_relation(&self, specs: BTreeMap<NodeId, SourceSpec>) -> SourceSpecs {
        let of = |(id, spec)| Some((self.manifest.read_from(&id)?.clone(), spec));
        specs.into_iter().filter_map(of).collect()
    }

    fn missing(&self, relation: &Relation) -> WorkspaceError {
        let message = format!("the table {relation} is not in the lake");
        match self.manifest.at(relation) {
            Some(node) => {
                WorkspaceError::hinted(message, format!("headwater build -s +{}", node.display_name()))
            }
            None => WorkspaceError::message(message),
        }
    }
}
