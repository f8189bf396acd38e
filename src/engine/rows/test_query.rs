//! Test queries: counts the rows that break each of many rules, computes one number, or samples a few rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, AsArray},
        compute::cast,
        datatypes::{DataType, Field, Float64Type, Schema},
        util::display::{ArrayFormatter, FormatOptions},
    },
    common::TableReference,
    datasource::provider_as_source,
    error::{DataFusionError, Result},
    execution::SendableRecordBatchStream,
    functions_aggregate::count::count_all,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder},
    prelude::Column,
};
use futures::StreamExt;
use tokio::task::JoinSet;

use super::rule::{CompiledRules, RowRule};
use crate::{
    engine::{
        Engine, Query, RecordBatch, SchemaRef, SqlError, Streams, Table,
        exec::{binding::Bound, streams::is_out_of_memory},
        plan::joins::Joins,
        query::Pending,
    },
    outcome::{RowSample, SampleColumn, SampleRow},
};

/// The number of rows from which a table is no longer small.
const SMALL: u64 = 200_000;
/// The known size of a query's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputSize {
    /// So few rows that one core reads them faster than several could share the work.
    Small,
    /// Nothing is known.
    Unknown,
}

impl InputSize {
    /// Returns the size of a table with this number of rows.
    #[must_use]
    pub fn of(rows: u64) -> Self {
        if rows < SMALL { Self::Small } else { Self::Unknown }
    }
}

/// The maximum length of a value in a sample, in characters; longer values are truncated.
const LONGEST: usize = 1_000;

/// Returns a value for a sample.
pub(crate) fn cell(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns the columns of a sample.
pub(crate) fn sample_columns(schema: &Schema) -> Vec<SampleColumn> {
    let column = |field: &Arc<Field>| SampleColumn {
        name: field.name().clone(),
        is_number: field.data_type().is_numeric(),
    };
    schema.fields().iter().map(column).collect()
}

impl Engine {
    /// Counts the rows of a table that break each rule. All rules are about the same relation, and `table` is
    /// that relation's.
    ///
    /// One pass reads the columns that the rules name, however many rules there are. Rules that only compare
    /// columns with values get a separate pass, because file statistics can answer them: if no row breaks
    /// them, no row is read.
    pub async fn count_broken(&self, table: Table, size: InputSize, rules: &[RowRule]) -> Result<Vec<u64>> {
        // Planning a second pass over a small table would take longer than reading it.
        let is_small = size == InputSize::Small;
        let (known, unknown): (Vec<usize>, Vec<usize>) =
            (0..rules.len()).partition(|at| !is_small && rules[*at].is_answered_by_statistics());
        let mut counts = vec![0; rules.len()];
        for (group, filtered) in [(known, true), (unknown, false)] {
            let some: Vec<&RowRule> = group.iter().map(|at| &rules[*at]).collect();
            let Some(first) = some.first() else { continue };
            let columns = read_by(&some, first.schema())?;
            let compiled = CompiledRules::new(some.iter().copied(), &columns, self.planner(Joins::Hash))?;
            let streams = if is_small {
                self.rows(&table, &columns).await?
            } else {
                self.planned_rows(Arc::clone(&table), &some, &columns, filtered).await?
            };
            let counted = count_all_streams(streams, Arc::new(compiled), &columns, some.len()).await?;
            group.into_iter().zip(counted).for_each(|(at, count)| counts[at] = count);
        }
        Ok(counts)
    }

    /// Reads all rows of some columns of a table. Skips the optimizer: such a query has nothing to optimize,
    /// and for a small table optimizing would take longer than reading.
    async fn rows(&self, table: &Table, columns: &SchemaRef) -> Result<Streams> {
        let schema = table.schema();
        let positions = columns
            .fields()
            .iter()
            .map(|field| schema.index_of(field.name()))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let plan = table.scan(self.planner(Joins::Hash), Some(&positions), &[], None).await?;
        self.start_partitions(plan)
    }

    /// Plans a read of some columns, on all threads. If `filtered`, returns only rows that break one of the
    /// rules, so that file statistics can prune files.
    async fn planned_rows(
        &self,
        table: Table,
        rules: &[&RowRule],
        columns: &SchemaRef,
        filtered: bool,
    ) -> Result<Streams> {
        let Some(first) = rules.first() else { return Ok(Vec::new()) };
        let relation = first.relation().clone();
        let pending = Arc::new(Pending::new(relation.clone(), Arc::clone(first.schema())));
        let name = TableReference::partial(relation.schema.clone(), relation.name.clone());
        let read = columns.fields().iter().map(|field| Expr::Column(Column::new_unqualified(field.name())));
        let mut rows = LogicalPlanBuilder::scan(name, provider_as_source(pending), None)?;
        if filtered && let Some(any) = rules.iter().map(|rule| rule.broken().clone()).reduce(Expr::or) {
            rows = rows.filter(any)?;
        }
        let query = Query::of_plan(rows.project(read.collect::<Vec<_>>())?.build()?);
        let bound = query.bind(&BTreeMap::from([(relation, table)]))?;
        self.streams(&bound, &[], Joins::Hash).await
    }

    /// Plans the query that computes a test's number of failures: `fail_calc`, SQL such as `count(*)`, over
    /// the rows of its query, or over the first `limit` of them.
    ///
    /// # Errors
    /// If `fail_calc` isn't an expression over the query's columns.
    pub async fn plan_failures(
        &self,
        query: &Query,
        sql: &str,
        fail_calc: &str,
        limit: Option<u64>,
    ) -> std::result::Result<Query, SqlError> {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        if fail_calc.trim().eq_ignore_ascii_case("count(*)") {
            let counted = || {
                let rows = LogicalPlanBuilder::from(query.plan().clone());
                let rows = if limit.is_some() { rows.limit(0, limit)? } else { rows };
                rows.aggregate(Vec::<Expr>::new(), vec![count_all().alias("failures")])?.build()
            };
            return counted().map(Query::of_plan).map_err(|error| SqlError::new(&error, sql));
        }
        // The line break keeps a comment at the end of the query from swallowing what follows.
        let rows = sql.trim_end().trim_end_matches(';');
        let limit = limit.map(|limit| format!(" limit {limit}")).unwrap_or_default();
        let wrapped = format!(
            "select {fail_calc} as failures from (select * from (\n{rows}\n) as found{limit}) as counted"
        );
        self.plan(&wrapped).await.map_err(|error| SqlError { at: None, ..error })
    }

    /// Returns the first column of the first row as a number, or `None` if there is no row or it is NULL. If
    /// joins exceed the memory pool, runs the query again with joins that spill.
    pub async fn number(&self, bound: &Bound, size: InputSize) -> Result<Option<f64>> {
        match self.number_by(bound, size, Joins::Hash).await {
            Err(error) if is_out_of_memory(&error) => {
                tracing::info!("out of memory; asking again with joins that spill");
                self.number_by(bound, InputSize::Unknown, Joins::Merge).await
            }
            number => number,
        }
    }

    async fn number_by(&self, bound: &Bound, size: InputSize, joins: Joins) -> Result<Option<f64>> {
        let planner = match size {
            InputSize::Small => self.single_partition(),
            InputSize::Unknown => self.planner(joins),
        };
        let plan = LogicalPlanBuilder::from(bound.plan.clone()).limit(0, Some(1))?.build()?;
        let plan = self.physical(planner, &plan).await?;
        let mut stream = self.start(plan)?;
        while let Some(batch) = stream.next().await.transpose()? {
            if batch.num_rows() > 0 && batch.num_columns() > 0 {
                let numbers = cast(batch.column(0), &DataType::Float64)?;
                let numbers = numbers.as_primitive::<Float64Type>();
                return Ok((!numbers.is_null(0)).then(|| numbers.value(0)));
            }
        }
        Ok(None)
    }

    /// Returns the first rows of a query for messages: in the query's order or, if it has none, in the order
    /// of their values, so that the same rows are shown each time.
    pub async fn sample(&self, bound: &Bound, rows: usize) -> Result<RowSample> {
        let mut stream = self.stream(&in_fixed_order(bound)?, Some(rows)).await?;
        let mut sample = RowSample { columns: sample_columns(&stream.schema()), ..RowSample::default() };
        let options = FormatOptions::new();
        while let Some(batch) = stream.next().await.transpose()? {
            let columns = batch.columns().iter();
            let formatters: Vec<ArrayFormatter<'_>> = columns
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
                .collect::<std::result::Result<_, _>>()?;
            for row in 0..batch.num_rows() {
                let cell = |(formatter, column): (&ArrayFormatter<'_>, &Arc<dyn Array>)| {
                    (!column.is_null(row)).then(|| cell(formatter.value(row).to_string()))
                };
                let cells = formatters.iter().zip(batch.columns()).map(cell).collect();
                sample.rows.push(SampleRow { cells, ..SampleRow::default() });
            }
        }
        Ok(sample)
    }
}

/// Sorts the rows of a query by their values, unless the query sorts them.
fn in_fixed_order(bound: &Bound) -> Result<Bound> {
    let mut plan = &bound.plan;
    loop {
        plan = match plan {
            LogicalPlan::Sort(_) => return Ok(Bound { plan: bound.plan.clone() }),
            LogicalPlan::Projection(of) => &of.input,
            LogicalPlan::Limit(of) => &of.input,
            LogicalPlan::SubqueryAlias(of) => &of.input,
            _ => break,
        };
    }
    let keys = bound.plan.schema().iter().filter(|(_, field)| !field.data_type().is_nested());
    let keys: Vec<_> = keys.map(|column| Expr::Column(Column::from(column)).sort(true, false)).collect();
    if keys.is_empty() {
        return Ok(Bound { plan: bound.plan.clone() });
    }
    Ok(Bound { plan: LogicalPlanBuilder::from(bound.plan.clone()).sort(keys)?.build()? })
}

/// Returns the columns that rules read, as declared. At least one: a batch without columns still has rows,
/// but not every reader reports how many.
fn read_by(rules: &[&RowRule], schema: &SchemaRef) -> Result<SchemaRef> {
    let names: BTreeSet<String> = rules.iter().flat_map(|rule| rule.columns()).collect();
    let mut positions =
        names.iter().map(|name| schema.index_of(name)).collect::<std::result::Result<Vec<_>, _>>()?;
    if positions.is_empty() {
        positions.push(0);
    }
    Ok(Arc::new(schema.project(&positions)?))
}

/// Counts the rows of all streams that break each rule.
async fn count_all_streams(
    streams: Streams,
    compiled: Arc<CompiledRules>,
    columns: &SchemaRef,
    rules: usize,
) -> Result<Vec<u64>> {
    let mut counting = JoinSet::new();
    for stream in streams {
        counting.spawn(count(stream, Arc::clone(&compiled), Arc::clone(columns), rules));
    }
    let mut counts = vec![0; rules];
    while let Some(one) = counting.join_next().await {
        let one = one.map_err(|error| DataFusionError::External(Box::new(error)))??;
        counts.iter_mut().zip(one).for_each(|(all, some)| *all += some);
    }
    Ok(counts)
}

/// Counts the rows of a stream that break each rule.
async fn count(
    mut stream: SendableRecordBatchStream,
    compiled: Arc<CompiledRules>,
    columns: SchemaRef,
    rules: usize,
) -> Result<Vec<u64>> {
    let mut counts = vec![0; rules];
    while let Some(batch) = stream.next().await.transpose()? {
        let batch = in_types_of(&batch, &columns)?;
        for (count, mask) in counts.iter_mut().zip(compiled.masks(&batch)?) {
            *count += mask.true_count() as u64;
        }
    }
    Ok(counts)
}

/// Selects columns of a batch by name and casts them to the declared types.
pub(crate) fn in_types_of(batch: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch> {
    let columns_of = columns.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name()).ok_or_else(|| {
            DataFusionError::Execution(format!("there is no column {} any more", field.name()))
        })?;
        if column.data_type() == field.data_type() {
            Ok(Arc::clone(column))
        } else {
            Ok(cast(column, field.data_type())?)
        }
    });
    let nullable: Vec<_> =
        columns.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(nullable)), columns_of.collect::<Result<_>>()?)?)
}
