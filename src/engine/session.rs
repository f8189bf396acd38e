//! The engine: everything that the queries of an invocation share.

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
    memory::{Budget, smallest_batch, smallest_split, with_partitions},
    plan::{joins::Joins, read_cost::ReadCost},
    query::Pending,
    spill_folder::SpillFolder,
};
use crate::name::Relation;

/// The settings of an engine.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The number of partitions of a plan, and so of its concurrent streams.
    pub threads: usize,
    /// The bytes that queries and writers may hold (`memory` divides them); unlimited if `None`.
    pub memory_limit: Option<u64>,
    /// The name of the SQL dialect in lower case, such as `duckdb`.
    pub dialect: String,
    /// The directory for spilled rows; the system's temporary directory if `None`.
    pub temp_dir: Option<PathBuf>,
    /// The name of the lake in SQL, before the names of schema and table.
    pub database: String,
}

/// DataFusion, configured for one invocation. Relations are declared with their schemas first; queries are
/// planned against these schemas and bound to data later.
pub struct Engine {
    context: SessionContext,
    dialect: Dialect,
    /// The session, created once: copying it for each of thousands of small queries would cost more than the
    /// queries. It also makes `now()` constant for the whole invocation.
    session: Arc<super::Session>,
    /// The session with joins that spill.
    spilling: Arc<super::Session>,
    /// The session with one partition, for data that one core reads faster than several could share the work.
    single_partition: Arc<super::Session>,
    task: Arc<TaskContext>,
    threads: usize,
    /// The spill directory, removed with the engine.
    spill: Option<SpillFolder>,
    declaring: Mutex<()>,
    /// The weight of each view by its name in lower case.
    views: Mutex<BTreeMap<Relation, ReadCost>>,
}

impl Engine {
    /// Creates an engine without relations.
    pub fn new(settings: &EngineSettings) -> Result<Self> {
        let budget = Budget::new(settings.memory_limit, settings.threads);
        let config = budget.configure(config(settings)?);
        // Without a memory limit, nothing spills.
        let spill = settings.memory_limit.map(|_| spill(settings)).transpose()?;
        let dialect = Dialect::of(config.options().sql_parser.dialect);
        let builder = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime(budget, spill.as_ref())?)
            .with_default_features()
            .with_optimizer_rules(rules(settings))
            .with_physical_optimizer_rules(super::plan::pushdown_guard::rules(budget));
        let builder = dialect.prepare(super::function::install(builder, &settings.dialect));
        let context = SessionContext::new_with_state(builder.build());
        dialect.register(&context);
        let session = context.state();
        let mut spilling = SessionStateBuilder::new_from_existing(session.clone())
            .with_optimizer_rule(Arc::new(super::plan::null_aware_joins::NullAwareJoins))
            .with_optimizer_rule(Arc::new(super::plan::merge_keys::MergeKeys))
            .with_physical_optimizer_rules(with_partitions(
                session.physical_optimizers(),
                budget.spilling_partitions(),
            ))
            .build();
        let options = spilling.config_mut().options_mut();
        options.optimizer.prefer_hash_join = false;
        options.execution.target_partitions = settings.threads.max(2);
        let mut single_partition = session.clone();
        single_partition.config_mut().options_mut().execution.target_partitions = 1;
        Ok(Self {
            single_partition: Arc::new(single_partition),
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

    /// Returns the directory of spilled rows; `None` if the engine never spills.
    #[must_use]
    pub fn spill_folder(&self) -> Option<&Path> {
        self.spill.as_ref().map(SpillFolder::path)
    }

    /// Returns the number of concurrent streams of a query.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Declares a relation that gets its rows later. Queries planned from now on see `schema`.
    pub fn declare_table(&self, relation: &Relation, schema: super::SchemaRef) -> Result<()> {
        self.views().remove(&folded(relation));
        self.register(relation, Arc::new(Pending::new(relation.clone(), schema)))
    }

    /// Returns the name of the database in which relations are declared.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.session.config_options().catalog.default_catalog
    }

    /// Returns whether a relation is declared.
    #[must_use]
    pub fn knows(&self, relation: &Relation) -> bool {
        self.context.table_exist(reference(relation)).unwrap_or(false)
    }

    /// Declares a view: its plan is inlined into each query that reads it.
    pub fn declare_view(&self, relation: &Relation, query: &super::Query) -> Result<()> {
        let view = datafusion::catalog::view::ViewTable::new(query.plan().clone(), None);
        self.register(relation, Arc::new(view))?;
        self.views().insert(folded(relation), query.weight());
        Ok(())
    }

    /// Returns the weight of a view; `None` for a table.
    pub(super) fn weight(&self, view: &Relation) -> Option<ReadCost> {
        self.views().get(&folded(view)).copied()
    }

    fn views(&self) -> MutexGuard<'_, BTreeMap<Relation, ReadCost>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the engine's session, for tables that others create.
    #[must_use]
    pub fn session(&self) -> Arc<super::Session> {
        Arc::clone(&self.session)
    }

    #[cfg(test)]
    pub(super) fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Returns the version of the dialect's semantics, if they differ from DataFusion's. A table built with
    /// other semantics is stale.
    #[must_use]
    pub fn semantics(&self) -> Option<&'static str> {
        self.dialect.semantics()
    }

    /// Returns whether column names compare without case, quoted or not.
    #[must_use]
    pub fn ignores_case(&self) -> bool {
        self.dialect == Dialect::DuckDb
    }

    /// Returns the SQL dialect.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the session with which queries are planned.
    pub(super) fn planner(&self, joins: Joins) -> &super::Session {
        match joins {
            Joins::Hash => &self.session,
            Joins::Merge => &self.spilling,
        }
    }

    /// Returns the session for small tables.
    pub(super) fn single_partition(&self) -> &super::Session {
        &self.single_partition
    }

    /// Returns the context in which queries are executed.
    pub(super) fn task(&self) -> Arc<TaskContext> {
        Arc::clone(&self.task)
    }

    /// Returns the context in which a plan is executed. If its scans make small batches because rows are
    /// wide, or constants are large, so do the operators above them.
    pub(super) fn task_of(&self, plan: &Arc<dyn ExecutionPlan>) -> Arc<TaskContext> {
        let config = self.task.session_config();
        match smallest_batch(plan)
            .into_iter()
            .chain(smallest_split(plan))
            .min()
            .filter(|rows| *rows < config.batch_size())
        {
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

/// Returns DataFusion's logical rules and ours.
fn rules(settings: &EngineSettings) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = super::plan::null_keys::rules();
    // Runs before all other rules, and again on simplified expressions.
    let simplified = rules.iter().position(|rule| rule.name() == "simplify_expressions");
    rules.insert(simplified.map_or(0, |at| at + 1), Arc::new(super::plan::comparisons::NormalComparisons));
    rules.insert(0, Arc::new(super::plan::comparisons::NormalComparisons));
    rules.insert(0, Arc::new(super::memory::LargeCalls));
    let joins = rules.iter().position(|rule| rule.name() == "decorrelate_predicate_subquery");
    rules.insert(joins.unwrap_or_default(), Arc::new(super::plan::constant_not_in::ConstantNotIn));
    if settings.memory_limit.is_some() {
        let single = rules.iter().position(|rule| rule.name() == "single_distinct_aggregation_to_group_by");
        rules.insert(
            single.map_or(rules.len(), |at| at + 1),
            Arc::new(super::plan::distinct_aggregates::DistinctGroups),
        );
    }
    rules
}

/// Creates the spill directory of this process.
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

/// Folds a relation's name to lower case, because names are compared case-insensitively.
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
        // In either direction, unless the query specifies it.
        options.sql_parser.default_null_ordering = "nulls_last".into();
    }
    // `dialect` decides which sorts of subqueries are kept.
    options.sql_parser.enable_subquery_sort_elimination = Dialect::of(syntax) == Dialect::Other;
    options.catalog.default_catalog.clone_from(&settings.database);
    options.sql_parser.collect_spans = true;
    // Quoted names are compared as written; unquoted ones fold to lower case, as in DuckDB.
    options.sql_parser.enable_ident_normalization = true;
    // Delta has no view types: reading text as plain Utf8 saves a cast of every batch before the write.
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.schema_force_view_types = false;
    // Rows that a filter drops aren't decoded.
    options.execution.parquet.pushdown_filters = true;
    // DataFusion 55.2 treats NaNs as different here: `select distinct x from t order by x limit 5` returns
    // NaN several times.
    options.optimizer.enable_topk_aggregation = false;
    // Below a UNION, each part is sorted without its constants, and DataFusion 55.2 lets the sorts share a
    // threshold beyond which rows are skipped: `… union all … order by a, b limit 3` loses rows of parts in
    // which `a` or `b` is constant.
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    // A table that is joined on a computed expression loses rows to the dynamic filter of another join:
    // `… join b on b.id = length(a.v) join c on c.id = b.id` finds nothing in Parquet files.
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
