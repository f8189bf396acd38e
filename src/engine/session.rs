//! One engine an invocation: everything that its queries share.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use datafusion::{
    catalog::MemorySchemaProvider,
    common::TableReference,
    error::{DataFusionError, Result},
    execution::{
        SessionStateBuilder, TaskContext,
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    optimizer::OptimizerRule,
    physical_plan::ExecutionPlan,
    prelude::{SessionConfig, SessionContext},
};

use super::{
    Table,
    dialect::Dialect,
    execute::Joins,
    memory::{Budget, smallest_batch, with_partitions},
    query::Pending,
    reads::Weight,
    spill::SpillFolder,
};
use crate::name::Relation;

/// How an engine is set up.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Partitions of a plan, which is how many of its streams run side by side.
    pub threads: usize,
    /// Bytes that queries and writers may hold (`memory` has the shares); unbounded if `None`.
    pub memory_limit: Option<u64>,
    /// The SQL dialect by its name in lower case, such as `duckdb`.
    pub dialect: String,
    /// Where rows are kept that memory has no room for; the system's folder for temporary files if `None`.
    pub temp_dir: Option<PathBuf>,
    /// What SQL may call the lake, before the names of schema and table.
    pub database: String,
}

/// DataFusion, set up for an invocation. Relations are declared to it schema first; queries are planned
/// against those schemas and bound to data later.
pub struct Engine {
    context: SessionContext,
    dialect: Dialect,
    /// The session, made once: a copy for each of thousands of small queries would cost more than they do. So
    /// `now()` is one moment for a whole invocation.
    session: Arc<super::Session>,
    /// The same, with joins that spill.
    spilling: Arc<super::Session>,
    /// The same, for what one core reads sooner than two have shared it out.
    narrow: Arc<super::Session>,
    task: Arc<TaskContext>,
    threads: usize,
    /// Removed with the engine.
    spill: Option<SpillFolder>,
    declaring: Mutex<()>,
    /// How often each view reads tables, by its name in lower case.
    views: Mutex<BTreeMap<Relation, Weight>>,
}

impl Engine {
    /// An engine with no relations.
    pub fn new(settings: &EngineSettings) -> Result<Self> {
        let budget = Budget::new(settings.memory_limit, settings.threads);
        let config = budget.configure(config(settings)?);
        // Nothing spills where nothing has a limit.
        let spill = settings.memory_limit.map(|_| spill(settings)).transpose()?;
        let dialect = Dialect::of(config.options().sql_parser.dialect);
        let builder = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime(budget, spill.as_ref())?)
            .with_default_features()
            .with_optimizer_rules(rules(settings))
            .with_physical_optimizer_rules(super::guard::rules(budget));
        let builder = dialect.prepare(super::function::install(builder, &settings.dialect));
        let context = SessionContext::new_with_state(builder.build());
        dialect.register(&context);
        let session = context.state();
        let mut spilling = SessionStateBuilder::new_from_existing(session.clone())
            .with_optimizer_rule(Arc::new(super::merge_keys::MergeKeys))
            .with_physical_optimizer_rules(with_partitions(
                session.physical_optimizers(),
                budget.spilling_partitions(),
            ))
            .build();
        let options = spilling.config_mut().options_mut();
        options.optimizer.prefer_hash_join = false;
        options.execution.target_partitions = settings.threads.max(2);
        let mut narrow = session.clone();
        narrow.config_mut().options_mut().execution.target_partitions = 1;
        Ok(Self {
            narrow: Arc::new(narrow),
            task: Arc::new(TaskContext::from(&session)),
            session: Arc::new(session),
            spilling: Arc::new(spilling),
            context,
            dialect,
            threads: settings.threads,
            spill,
            declaring: Mutex::new(()),
            views: Mutex::default(),
        })
    }

    /// Where this engine keeps rows that memory has no room for; `None` if it never has to.
    #[must_use]
    pub fn spill_folder(&self) -> Option<&Path> {
        self.spill.as_ref().map(SpillFolder::path)
    }

    /// How many streams of one query run side by side.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Declares a relation whose rows come later: queries planned from now on see `schema`.
    pub fn declare_table(&self, relation: &Relation, schema: super::SchemaRef) -> Result<()> {
        self.views().remove(&folded(relation));
        self.register(relation, Arc::new(Pending::new(relation.clone(), schema)))
    }

    /// Whether a relation was declared.
    #[must_use]
    pub fn knows(&self, relation: &Relation) -> bool {
        self.context.table_exist(reference(relation)).unwrap_or(false)
    }

    /// Declares a relation that stands for a query: it is planned into whoever reads it.
    pub fn declare_view(&self, relation: &Relation, query: &super::Query) -> Result<()> {
        let view = datafusion::catalog::view::ViewTable::new(query.plan().clone(), None);
        self.register(relation, Arc::new(view))?;
        self.views().insert(folded(relation), query.weight());
        Ok(())
    }

    /// What reading a view comes down to; `None` of a table.
    pub(super) fn weight(&self, view: &Relation) -> Option<Weight> {
        self.views().get(&folded(view)).copied()
    }

    fn views(&self) -> MutexGuard<'_, BTreeMap<Relation, Weight>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine's session, for tables that others make.
    #[must_use]
    pub fn session(&self) -> Arc<super::Session> {
        Arc::clone(&self.session)
    }

    /// A source's table; what it sets aside goes to `rejects`, or nowhere.
    pub async fn source(
        &self,
        spec: &super::source::SourceSpec,
        rejects: Option<&Arc<super::source::RejectSink>>,
    ) -> Result<Table> {
        super::source::provider(spec, self.session.as_ref(), rejects.cloned()).await
    }

    /// Looks for damaged files of a source, which are set aside when it is read again. Returns whether there are any.
    pub async fn find_damage(&self, spec: &super::source::SourceSpec) -> Result<bool> {
        super::source::find_damage(spec, self.session.as_ref()).await
    }

    /// The files of a source, in the order of their names. Not for databases.
    pub async fn source_files(
        &self,
        spec: &super::source::SourceSpec,
    ) -> Result<Vec<super::source::SourceFile>> {
        super::source::list(spec, self.session.as_ref()).await
    }

    /// The files that a source's location leads to, and those that are left out. Not for databases.
    pub async fn source_listing(&self, spec: &super::source::SourceSpec) -> Result<super::source::Listing> {
        super::source::listing(spec, self.session.as_ref()).await
    }

    /// The columns of some of a source's text files, whatever is declared.
    pub async fn source_columns(
        &self,
        spec: &super::source::SourceSpec,
        files: Vec<super::source::SourceFile>,
        look: super::source::Look,
    ) -> Result<super::source::Found> {
        super::source::columns(spec, self.session.as_ref(), files, look).await
    }

    /// Returns the undeclared columns of a source's text files.
    pub async fn source_new_columns(&self, spec: &super::source::SourceSpec) -> Result<Vec<String>> {
        let files = super::source::list(spec, self.session.as_ref()).await?;
        super::source::new_columns(spec, self.session.as_ref(), files).await
    }

    /// The table of some of a source's files; what it sets aside goes to `rejects`.
    pub async fn source_of(
        &self,
        spec: &super::source::SourceSpec,
        files: Vec<super::source::SourceFile>,
        rejects: Option<&Arc<super::source::RejectSink>>,
    ) -> Result<Table> {
        super::source::provider_of(spec, self.session.as_ref(), files, rejects.cloned()).await
    }

    /// The state that a source's data is in.
    pub async fn source_state(&self, spec: &super::source::SourceSpec) -> Result<super::source::SourceState> {
        super::source::state(spec, self.session.as_ref()).await
    }

    /// When a source's files or database were last modified; none if the store does not say.
    pub async fn source_modified(
        &self,
        spec: &super::source::SourceSpec,
    ) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
        super::source::modified(spec, self.session.as_ref()).await
    }

    #[cfg(test)]
    pub(super) fn context(&self) -> &SessionContext {
        &self.context
    }

    /// What the same SQL text means, where that isn't DataFusion's own: a table made under another meaning is
    /// stale.
    #[must_use]
    pub fn semantics(&self) -> Option<&'static str> {
        self.dialect.semantics()
    }

    /// How SQL is read.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What queries are planned with.
    pub(super) fn planner(&self, joins: Joins) -> &super::Session {
        match joins {
            Joins::Hash => &self.session,
            Joins::Merge => &self.spilling,
        }
    }

    /// The same for small tables.
    pub(super) fn narrow(&self) -> &super::Session {
        &self.narrow
    }

    /// What they are executed with.
    pub(super) fn task(&self) -> Arc<TaskContext> {
        Arc::clone(&self.task)
    }

    /// Returns the context to execute a plan with. Where its scans make small batches, since their rows are wide,
    /// so do the operators above them.
    pub(super) fn task_of(&self, plan: &Arc<dyn ExecutionPlan>) -> Arc<TaskContext> {
        let config = self.task.session_config();
        match smallest_batch(plan).filter(|rows| *rows < config.batch_size()) {
            Some(rows) => {
                let config = config.clone().with_batch_size(rows);
                Arc::new(TaskContext::from(self.session.as_ref()).with_session_config(config))
            }
            None => self.task(),
        }
    }

    fn register(&self, relation: &Relation, table: Table) -> Result<()> {
        let options = &self.session.config_options().catalog;
        let catalog = self.context.catalog(&options.default_catalog).ok_or_else(|| {
            datafusion::error::DataFusionError::Internal("the session has no default catalog".into())
        })?;
        {
            let _one_at_a_time = self.declaring.lock().unwrap_or_else(PoisonError::into_inner);
            if catalog.schema(&relation.schema).is_none() {
                catalog.register_schema(&relation.schema, Arc::new(MemorySchemaProvider::new()))?;
            }
        }
        self.context.deregister_table(reference(relation))?;
        self.context.register_table(reference(relation), table).map(drop)
    }
}

/// DataFusion's logical rules, and ours.
fn rules(settings: &EngineSettings) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = super::null_keys::rules();
    // Before all others, and over what was simplified.
    let simplified = rules.iter().position(|rule| rule.name() == "simplify_expressions");
    rules.insert(simplified.map_or(0, |at| at + 1), Arc::new(super::comparisons::Comparisons));
    rules.insert(0, Arc::new(super::comparisons::Comparisons));
    let joins = rules.iter().position(|rule| rule.name() == "decorrelate_predicate_subquery");
    rules.insert(joins.unwrap_or_default(), Arc::new(super::constant_not_in::ConstantNotIn));
    if settings.memory_limit.is_some() {
        let single = rules.iter().position(|rule| rule.name() == "single_distinct_aggregation_to_group_by");
        rules.insert(single.map_or(rules.len(), |at| at + 1), Arc::new(super::distinct::DistinctGroups));
    }
    rules
}

/// The folder that this process spills to.
fn spill(settings: &EngineSettings) -> Result<SpillFolder> {
    let base = settings.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
    SpillFolder::new(&base).map_err(|error| {
        let place = base.display();
        let cure = "choose another with `temp_dir` of the target, or TMPDIR";
        DataFusionError::Execution(format!(
            "the folder for temporary files {place} can't be used: {error}; {cure}"
        ))
    })
}

/// Names are compared without case.
fn folded(relation: &Relation) -> Relation {
    Relation::new(relation.schema.to_lowercase(), relation.name.to_lowercase())
}

pub(super) fn reference(relation: &Relation) -> TableReference {
    TableReference::partial(relation.schema.clone(), relation.name.clone())
}

fn config(settings: &EngineSettings) -> Result<SessionConfig> {
    let mut config = SessionConfig::new().with_target_partitions(settings.threads);
    let syntax = settings.dialect.parse()?;
    let options = config.options_mut();
    options.sql_parser.dialect = syntax;
    if Dialect::of(syntax) == Dialect::DuckDb {
        // In either direction, unless the query says otherwise.
        options.sql_parser.default_null_ordering = "nulls_last".into();
    }
    // `dialect` decides which of them are read.
    options.sql_parser.enable_subquery_sort_elimination = Dialect::of(syntax) == Dialect::Other;
    options.catalog.default_catalog.clone_from(&settings.database);
    options.sql_parser.collect_spans = true;
    // Names are compared as written once quoted; unquoted ones fold to lower case, as in DuckDB.
    options.sql_parser.enable_ident_normalization = true;
    // Delta has no view types: reading text as plain Utf8 saves a cast of every batch before it is written.
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.schema_force_view_types = false;
    // Rows that a filter drops are not decoded.
    options.execution.parquet.pushdown_filters = true;
    // DataFusion 55.2 tells NaN from NaN there: `select distinct x from t order by x limit 5` has it several
    // times.
    options.optimizer.enable_topk_aggregation = false;
    // Below a UNION each part is sorted without its constants, and DataFusion 55.2 lets the sorts tell each
    // other beyond which rows none counts: `… union all … order by a, b limit 3` loses rows whose part has
    // `a` or `b` constant.
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    // Joined by something that is computed, a table loses rows to the filter of another join: `… join b on b.id =
    // length(a.v) join c on c.id = b.id` finds nothing in files of Parquet.
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    Ok(config)
}

fn runtime(budget: Budget, spill: Option<&SpillFolder>) -> Result<Arc<RuntimeEnv>> {
    let mode = spill.map_or(DiskManagerMode::OsTmpDirectory, |folder| {
        DiskManagerMode::Directories(vec![folder.path().to_owned()])
    });
    let mut disk = DiskManagerBuilder::default().with_mode(mode);
    if let Some(runs) = budget.fan_in() {
        disk.set_max_spill_merge_fan_in(runs);
    }
    RuntimeEnvBuilder::new().with_memory_pool(budget.pool()).with_disk_manager_builder(disk).build_arc()
}
