//! Aggregates that see all rows of a group at once: medians, lists, modes, and DISTINCT in front of others.
//!
//! Rows are collected as columns: the arguments, then what ORDER BY within the call names. A partial result is a
//! list per column.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, ListArray, RecordBatch, RecordBatchOptions, UInt32Array,
            new_empty_array,
        },
        buffer::{NullBuffer, OffsetBuffer},
        compute::{SortOptions, and, concat, filter as keep, interleave, is_not_null, take},
        datatypes::{DataType, Field, FieldRef, Schema},
        row::{RowConverter, Rows as OrderedRows, SortField},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
    logical_expr::{
        Accumulator, EmitTo, GroupsAccumulator,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
    physical_expr::PhysicalExpr,
};

use super::{Method, Rewrite, sliding::Recipe};
use crate::engine::function::value::comparable;

/// Which rows are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skip {
    Nothing,
    /// Rows with NULL in a collected argument.
    Nulls,
    /// Rows with NULL in one argument.
    NullsOf(usize),
}

/// An aggregate as a function of its rows.
#[derive(Debug)]
pub(super) struct Rows {
    /// How many arguments are collected; those after are constants.
    pub(super) columns: usize,
    pub(super) skip: Skip,
    /// Whether ORDER BY within the call sorts the rows.
    pub(super) ordered: bool,
    /// Whether ORDER BY may be written as WITHIN GROUP.
    pub(super) within_group: bool,
    /// Whether the result is the list of the rows, NULL for none.
    pub(super) lists: bool,
    /// The same as an expression that DataFusion computes faster.
    pub(super) rewrite: Option<Rewrite>,
    /// Checks the constants before any row is read.
    pub(super) check: fn(&Settings) -> Result<()>,
    /// Computes the result of a group, which may have no row.
    pub(super) finish: fn(&[ArrayRef], &Settings) -> Result<ScalarValue>,
}

/// A [`Rows`] that collects one argument without its NULLs, in any order.
pub(super) const VALUES: Rows = Rows {
    columns: 1,
    skip: Skip::Nulls,
    ordered: false,
    within_group: false,
    lists: false,
    rewrite: None,
    check: |_| Ok(()),
    finish: |_, settings| ScalarValue::try_from(&settings.result),
};

/// All of a call but its rows.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The arguments that are not collected.
    pub(super) constants: Vec<ScalarValue>,
    pub(super) result: DataType,
    /// Whether the call's ORDER BY descends.
    pub(super) descending: bool,
}

impl Settings {
    /// NULL of the result's type.
    pub(super) fn null(&self) -> Result<ScalarValue> {
        ScalarValue::try_from(&self.result)
    }
}

/// The value of an argument that must be constant.
fn constant(expression: &Arc<dyn PhysicalExpr>, name: &str) -> Result<ScalarValue> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
        .map_err(DataFusionError::from)
        .and_then(|row| expression.evaluate(&row)?.into_array(1))
        .and_then(|value| ScalarValue::try_from_array(&value, 0))
        .map_err(|_| DataFusionError::Plan(format!("`{name}`: `{expression}` must be a constant")))
}

type Finish = Arc<dyn Fn(&[ArrayRef]) -> Result<ScalarValue> + Send + Sync>;

/// How rows are collected and made a result.
#[derive(Clone)]
struct Collection {
    /// The types of the collected columns, the ordering's included.
    types: Vec<DataType>,
    columns: usize,
    orders: Vec<SortOptions>,
    skip: Skip,
    distinct: bool,
    lists: bool,
    finish: Finish,
    result: DataType,
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("types", &self.types)
            .field("distinct", &self.distinct)
            .finish_non_exhaustive()
    }
}

impl Collection {
    fn new(rows: &Rows, call: &AccumulatorArgs<'_>) -> Result<Self> {
        let constants = call
            .exprs
            .iter()
            .skip(rows.columns)
            .map(|one| constant(one, call.name))
            .collect::<Result<_>>()?;
        let settings = Settings {
            constants,
            result: call.return_field.data_type().clone(),
            descending: call.order_bys.first().is_some_and(|order| order.options.descending),
        };
        (rows.check)(&settings)?;
        let mut types: Vec<DataType> =
            call.expr_fields.iter().take(rows.columns).map(|field| field.data_type().clone()).collect();
        let mut orders = Vec::new();
        if rows.ordered {
            for order in call.order_bys {
                types.push(order.expr.data_type(call.schema)?);
                orders.push(order.options);
            }
        }
        let finish = rows.finish;
        Ok(Self {
            columns: types.len() - orders.len(),
            types,
            orders,
            skip: rows.skip,
            distinct: call.is_distinct,
            lists: rows.lists,
            result: settings.result.clone(),
            finish: Arc::new(move |columns| finish(columns, &settings)),
        })
    }

    /// The columns to collect of a call's input: constants lie between arguments and ordering.
    fn columns_of(&self, values: &[ArrayRef]) -> Vec<ArrayRef> {
        let ordering = values.len() - self.orders.len().min(values.len());
        let ordering = ordering.max(self.columns);
        values[..self.columns].iter().chain(&values[ordering..]).cloned().collect()
    }

    /// The rows that are collected; all if `None`.
    fn kept(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Option<BooleanArray>> {
        let mut kept = filter.map(|filter| {
            BooleanArray::new(
                match filter.nulls() {
                    Some(nulls) => filter.values() & nulls.inner(),
                    None => filter.values().clone(),
                },
                None,
            )
        });
        let judged = match self.skip {
            Skip::Nothing => &[],
            Skip::Nulls => &columns[..self.columns],
            Skip::NullsOf(one) => &columns[one..=one],
        };
        {
            for column in judged.iter().filter(|one| one.logical_null_count() > 0) {
                let valid = is_not_null(column)?;
                kept = Some(match kept {
                    Some(kept) => and(&kept, &valid)?,
                    None => valid,
                });
            }
        }
        Ok(kept)
    }

    /// The result of one group's rows.
    fn result(&self, columns: Vec<ArrayRef>) -> Result<ScalarValue> {
        let rows = columns.first().map_or(0, Array::len);
        if rows < 2 || (self.orders.is_empty() && !self.distinct) {
            return (self.finish)(&columns[..self.columns]);
        }
        let mut columns = columns;
        if self.distinct {
            let indices = first_of_each(&columns[..self.columns])?;
            columns = pick(&columns, &indices)?;
        }
        if !self.orders.is_empty() {
            let indices = sorted(&columns[self.columns..], &self.orders)?;
            columns.truncate(self.columns);
            columns = pick(&columns, &indices)?;
        }
        (self.finish)(&columns[..self.columns])
    }
}

fn pick(columns: &[ArrayRef], indices: &UInt32Array) -> Result<Vec<ArrayRef>> {
    columns.iter().map(|column| Ok(take(column, indices, None)?)).collect()
}

/// The rows of ordering columns, comparable.
fn keys(columns: &[ArrayRef], orders: &[SortOptions]) -> Result<OrderedRows> {
    let fields = columns
        .iter()
        .zip(orders)
        .map(|(column, options)| SortField::new_with_options(column.data_type().clone(), *options))
        .collect();
    let columns: Vec<ArrayRef> = columns.iter().map(comparable).collect::<Result<_>>()?;
    Ok(RowConverter::new(fields)?.convert_columns(&columns)?)
}

/// The order of rows by some columns; rows that tie keep theirs.
fn sorted(columns: &[ArrayRef], orders: &[SortOptions]) -> Result<UInt32Array> {
    let rows = keys(columns, orders)?;
    let mut indices: Vec<u32> = (0..narrow(rows.num_rows())).collect();
    indices.sort_by(|a, b| rows.row(*a as usize).cmp(&rows.row(*b as usize)));
    Ok(indices.into())
}

/// The first of each set of equal rows, in their order.
pub(super) fn first_of_each(columns: &[ArrayRef]) -> Result<UInt32Array> {
    let rows = keys(columns, &vec![SortOptions::default(); columns.len()])?;
    let mut seen = std::collections::HashSet::with_capacity(rows.num_rows());
    let first = rows.iter().enumerate().filter(|(_, row)| seen.insert(*row));
    Ok(first.map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect::<Vec<u32>>().into())
}

impl Method for Rows {
    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let ordering = if self.ordered { call.ordering_fields } else { &[] };
        Ok(state(call, call.input_fields.iter().take(self.columns).chain(ordering)))
    }

    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Collector::new(Collection::new(self, &call)?)))
    }

    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        Ok(Some(Box::new(Groups { collection: Collection::new(self, &call)?, chunks: Vec::new(), total: 0 })))
    }

    fn ordered(&self) -> bool {
        self.ordered
    }

    fn within_group(&self) -> bool {
        self.within_group
    }

    fn own_distinct(&self) -> bool {
        true
    }

    fn rewrite(&self) -> Option<Rewrite> {
        self.rewrite
    }
}

fn state<'a>(call: &StateFieldsArgs<'_>, columns: impl Iterator<Item = &'a FieldRef>) -> Vec<FieldRef> {
    let list = |(at, column): (usize, &FieldRef)| {
        let name = format!("{}[rows {at}]", call.name);
        Arc::new(Field::new(name, list_of(column.data_type()), true))
    };
    columns.enumerate().map(list).collect()
}

fn list_of(item: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item.clone(), true)))
}

/// The partial result of an aggregate whose rows are made distinct first.
pub(super) fn distinct_state(call: &StateFieldsArgs<'_>) -> Vec<FieldRef> {
    state(call, call.input_fields.iter())
}

/// An aggregate over the distinct rows of a group.
pub(super) fn distinct(method: &'static dyn Method, call: &AccumulatorArgs<'_>) -> Collector {
    let recipe = Recipe::new(method, call, false);
    let types: Vec<DataType> = call.expr_fields.iter().map(|field| field.data_type().clone()).collect();
    Collector::new(Collection {
        columns: types.len(),
        types,
        orders: Vec::new(),
        skip: Skip::Nothing,
        distinct: true,
        lists: false,
        result: call.return_field.data_type().clone(),
        finish: Arc::new(move |columns| {
            let mut accumulator = recipe.accumulator()?;
            accumulator.update_batch(columns)?;
            accumulator.evaluate()
        }),
    })
}

/// The rows of one group.
#[derive(Debug)]
pub(super) struct Collector {
    collection: Collection,
    /// One list of chunks a column.
    chunks: Vec<Vec<ArrayRef>>,
}

impl Collector {
    fn new(collection: Collection) -> Self {
        Self { chunks: vec![Vec::new(); collection.types.len()], collection }
    }

    fn add(&mut self, columns: Vec<ArrayRef>) {
        if columns.first().is_some_and(|column| !column.is_empty()) {
            self.chunks.iter_mut().zip(columns).for_each(|(chunks, column)| chunks.push(column));
        }
    }

    fn keep(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let columns = self.collection.columns_of(values);
        match self.collection.kept(&columns, None)? {
            Some(kept) => columns.iter().map(|one| Ok(keep(one, &kept)?)).collect(),
            None => Ok(columns),
        }
    }

    fn columns(&mut self) -> Result<Vec<ArrayRef>> {
        for (chunks, data_type) in self.chunks.iter_mut().zip(&self.collection.types) {
            let whole = match chunks.as_slice() {
                [] => new_empty_array(data_type),
                [one] => Arc::clone(one),
                many => concat(&many.iter().map(AsRef::as_ref).collect::<Vec<_>>())?,
            };
            *chunks = vec![whole];
        }
        Ok(self.chunks.iter().map(|chunks| Arc::clone(&chunks[0])).collect())
    }
}

impl Accumulator for Collector {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let columns = self.keep(values)?;
        self.add(columns);
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        // The oldest rows leave first.
        let gone = self.keep(values)?.first().map_or(0, Array::len);
        let columns = self.columns()?;
        for (chunks, column) in self.chunks.iter_mut().zip(columns) {
            let gone = gone.min(column.len());
            *chunks = vec![column.slice(gone, column.len() - gone)];
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let columns = self.columns()?;
        self.collection.result(columns)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |column: ArrayRef| {
            let field = Arc::new(Field::new_list_field(column.data_type().clone(), true));
            let offsets = OffsetBuffer::from_lengths([column.len()]);
            Ok(ScalarValue::List(Arc::new(ListArray::try_new(field, offsets, column, None)?)))
        };
        self.columns()?.into_iter().map(list).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns = states.iter().map(|state| values_of(state.as_list::<i32>())).collect();
        self.add(columns);
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.chunks.iter().flatten().map(bytes).sum::<usize>()
    }
}

/// The items of all lists.
fn values_of(lists: &ListArray) -> ArrayRef {
    let (first, last) = (lists.value_offsets()[0], lists.value_offsets()[lists.len()]);
    lists.values().slice(as_usize(first), as_usize(last - first))
}

fn as_usize(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

fn bytes(column: &ArrayRef) -> usize {
    column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
}

/// Rows as they came, and whose they are.
#[derive(Debug)]
struct Chunk {
    columns: Vec<ArrayRef>,
    /// The group and the row, for each row that is kept.
    entries: Vec<(u32, u32)>,
    bytes: usize,
}

/// The rows of many groups.
#[derive(Debug)]
struct Groups {
    collection: Collection,
    chunks: Vec<Chunk>,
    /// The number of groups.
    total: usize,
}

/// Rows sorted by their group, and where each group's end.
struct Grouped {
    columns: Vec<ArrayRef>,
    offsets: OffsetBuffer<i32>,
}

impl Groups {
    fn add(&mut self, columns: Vec<ArrayRef>, entries: Vec<(u32, u32)>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let (mut columns, mut entries) = (columns, entries);
        if entries.len() * 2 < columns.first().map_or(0, Array::len) {
            let indices: UInt32Array = entries.iter().map(|(_, row)| *row).collect::<Vec<_>>().into();
            columns = pick(&columns, &indices)?;
            entries.iter_mut().zip(0..).for_each(|(entry, row)| entry.1 = row);
        }
        let bytes = columns.iter().map(bytes).sum::<usize>() + entries.capacity() * size_of::<(u32, u32)>();
        self.chunks.push(Chunk { columns, entries, bytes });
        Ok(())
    }

    /// Takes out the rows of the first groups.
    fn emit(&mut self, emit_to: EmitTo, groups: usize) -> Result<Grouped> {
        let limit = match emit_to {
            EmitTo::All => u32::MAX,
            EmitTo::First(n) => narrow(n),
        };
        let mut picked: Vec<(u32, (usize, usize))> = Vec::new();
        for (at, chunk) in self.chunks.iter_mut().enumerate() {
            chunk.entries.retain_mut(|(group, row)| {
                if *group < limit {
                    picked.push((*group, (at, *row as usize)));
                    return false;
                }
                *group -= limit;
                true
            });
        }
        picked.sort_by_key(|(group, _)| *group);
        let mut lengths = vec![0_usize; groups];
        for (group, _) in &picked {
            lengths[*group as usize] += 1;
        }
        let indices: Vec<(usize, usize)> = picked.into_iter().map(|(_, row)| row).collect();
        let columns = (0..self.collection.types.len())
            .map(|column| {
                let chunks: Vec<&dyn Array> =
                    self.chunks.iter().map(|chunk| chunk.columns[column].as_ref()).collect();
                if chunks.is_empty() {
                    return Ok(new_empty_array(&self.collection.types[column]));
                }
                Ok(interleave(&chunks, &indices)?)
            })
            .collect::<Result<_>>()?;
        self.chunks.retain(|chunk| !chunk.entries.is_empty());
        let total: usize = lengths.iter().sum();
        if i32::try_from(total).is_err() {
            return Err(DataFusionError::Execution("an aggregate collected more than 2^31 values".into()));
        }
        Ok(Grouped { columns, offsets: OffsetBuffer::from_lengths(lengths) })
    }

    /// The rows of each group as a list.
    fn lists(&self, grouped: Grouped) -> Result<ArrayRef> {
        let Grouped { columns, offsets } = grouped;
        let mut items = Arc::clone(&columns[0]);
        if !self.collection.orders.is_empty() {
            let mut indices = Vec::with_capacity(items.len());
            let keys = keys(&columns[self.collection.columns..], &self.collection.orders)?;
            for ends in offsets.windows(2) {
                let mut group: Vec<u32> = (narrow(as_usize(ends[0]))..narrow(as_usize(ends[1]))).collect();
                group.sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
                indices.extend(group);
            }
            items = take(&items, &UInt32Array::from(indices), None)?;
        }
        let nulls: NullBuffer = offsets.windows(2).map(|ends| ends[0] < ends[1]).collect();
        let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        Ok(Arc::new(ListArray::try_new(field, offsets, items, Some(nulls))?))
    }

    /// Forgets the groups to emit, and returns how many they are.
    fn leaving(&mut self, emit_to: EmitTo) -> usize {
        let leaving = match emit_to {
            EmitTo::First(n) => n,
            EmitTo::All => self.total,
        };
        self.total -= leaving;
        leaving
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.total = total_num_groups;
        let columns = self.collection.columns_of(values);
        let kept = self.collection.kept(&columns, filter)?;
        let entries = group_indices.iter().enumerate();
        let entries = match &kept {
            Some(kept) => entries
                .filter(|(row, _)| kept.value(*row))
                .map(|(row, group)| (narrow(*group), narrow(row)))
                .collect(),
            None => entries.map(|(row, group)| (narrow(*group), narrow(row))).collect(),
        };
        self.add(columns, entries)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.leaving(emit_to);
        let grouped = self.emit(emit_to, groups)?;
        if groups == 0 {
            return Ok(new_empty_array(&self.collection.result));
        }
        if self.collection.lists && !self.collection.distinct {
            return self.lists(grouped);
        }
        let results = grouped.offsets.windows(2).map(|ends| {
            let (start, length) = (as_usize(ends[0]), as_usize(ends[1] - ends[0]));
            self.collection.result(grouped.columns.iter().map(|one| one.slice(start, length)).collect())
        });
        let results: Vec<ScalarValue> = results.collect::<Result<_>>()?;
        ScalarValue::iter_to_array(results)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.leaving(emit_to);
        let Grouped { columns, offsets } = self.emit(emit_to, groups)?;
        columns.into_iter().map(|column| lists(column, offsets.clone())).collect()
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.total = total_num_groups;
        let columns = values.iter().map(|state| values_of(state.as_list::<i32>())).collect();
        let first = values[0].as_list::<i32>();
        let mut entries = Vec::new();
        let mut row = 0;
        for (at, group) in group_indices.iter().enumerate() {
            for _ in 0..as_usize(first.value_length(at)) {
                entries.push((narrow(*group), row));
                row += 1;
            }
        }
        self.add(columns, entries)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let columns = self.collection.columns_of(values);
        let rows = columns.first().map_or(0, Array::len);
        let Some(kept) = self.collection.kept(&columns, filter)? else {
            let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(1, rows));
            return columns.into_iter().map(|column| lists(column, offsets.clone())).collect();
        };
        let offsets = OffsetBuffer::from_lengths(kept.values().iter().map(usize::from));
        let filtered = columns.iter().map(|column| keep(column, &kept));
        filtered.map(|column| lists(column?, offsets.clone())).collect()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.chunks.iter().map(|chunk| chunk.bytes).sum::<usize>()
    }
}

fn lists(items: ArrayRef, offsets: OffsetBuffer<i32>) -> Result<ArrayRef> {
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, offsets, items, None::<NullBuffer>)?))
}
