//! The collected columns of a group, and the result computed from them.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, ListArray, RecordBatch, RecordBatchOptions, UInt32Array},
        compute::{SortOptions, and, is_not_null, take},
        datatypes::{DataType, Field, FieldRef, Schema},
        row::{RowConverter, Rows as OrderedRows, SortField},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
    logical_expr::function::{AccumulatorArgs, StateFieldsArgs},
    physical_expr::PhysicalExpr,
};

use crate::engine::function::{aggregate::description::Rewrite, value::comparable};

/// The rows that are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::function::aggregate) enum Skip {
    Nothing,
    /// Rows with NULL in a collected argument.
    Nulls,
    /// Rows with NULL in one argument.
    NullsOf(usize),
}

/// An aggregate defined as a function of all rows of a group.
#[derive(Debug)]
pub(in crate::engine::function::aggregate) struct RowAggregate {
    /// The number of collected arguments; the rest are constants.
    pub(in crate::engine::function::aggregate) columns: usize,
    pub(in crate::engine::function::aggregate) skip: Skip,
    /// True if ORDER BY within the call sorts the rows.
    pub(in crate::engine::function::aggregate) ordered: bool,
    /// True if ORDER BY may be written as WITHIN GROUP.
    pub(in crate::engine::function::aggregate) within_group: bool,
    /// True if the result is the list of rows, or NULL if there are none.
    pub(in crate::engine::function::aggregate) lists: bool,
    /// A rewrite to an equivalent expression that DataFusion computes faster.
    pub(in crate::engine::function::aggregate) rewrite: Option<Rewrite>,
    /// Validates the constants before any row is read.
    pub(in crate::engine::function::aggregate) check: fn(&CallSettings) -> Result<()>,
    /// Computes a group's result. The group may be empty.
    pub(in crate::engine::function::aggregate) finish: fn(&[ArrayRef], &CallSettings) -> Result<ScalarValue>,
}

/// A [`RowAggregate`] that collects one argument, skipping NULLs, in any order.
pub(in crate::engine::function::aggregate) const VALUES: RowAggregate = RowAggregate {
    columns: 1,
    skip: Skip::Nulls,
    ordered: false,
    within_group: false,
    lists: false,
    rewrite: None,
    check: |_| Ok(()),
    finish: |_, settings| ScalarValue::try_from(&settings.result),
};

/// Everything about a call except its rows.
#[derive(Debug, Clone)]
pub(in crate::engine::function::aggregate) struct CallSettings {
    /// The constant arguments, which are not collected.
    pub(in crate::engine::function::aggregate) constants: Vec<ScalarValue>,
    pub(in crate::engine::function::aggregate) result: DataType,
    /// True if the call's ORDER BY is descending.
    pub(in crate::engine::function::aggregate) descending: bool,
}

impl CallSettings {
    /// Returns NULL of the result type.
    pub(in crate::engine::function::aggregate) fn null(&self) -> Result<ScalarValue> {
        ScalarValue::try_from(&self.result)
    }
}

/// Evaluates an argument that must be constant.
fn constant(expression: &Arc<dyn PhysicalExpr>, name: &str) -> Result<ScalarValue> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
        .map_err(DataFusionError::from)
        .and_then(|row| expression.evaluate(&row)?.into_array(1))
        .and_then(|value| ScalarValue::try_from_array(&value, 0))
        .map_err(|_| DataFusionError::Plan(format!("`{name}`: `{expression}` must be a constant")))
}

type RowsFinish = Arc<dyn Fn(&[ArrayRef]) -> Result<ScalarValue> + Send + Sync>;

/// Collects rows and computes a result from them.
#[derive(Clone)]
pub(super) struct Collection {
    /// The aggregate, for messages.
    pub(super) name: String,
    /// The types of the collected columns, including ordering keys.
    pub(super) types: Vec<DataType>,
    pub(super) columns: usize,
    pub(super) orders: Vec<SortOptions>,
    pub(super) skip: Skip,
    pub(super) distinct: bool,
    pub(super) lists: bool,
    pub(super) finish: RowsFinish,
    pub(super) result: DataType,
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("types", &self.types)
            .field("distinct", &self.distinct)
            .finish_non_exhaustive()
    }
}

/// Returns the name of the aggregate in DataFusion's text of a call: `string_agg(t,Utf8(","))`.
pub(super) fn aggregate(call: &str) -> String {
    call.split('(').next().unwrap_or_default().to_owned()
}

impl Collection {
    pub(super) fn new(rows: &RowAggregate, call: &AccumulatorArgs<'_>) -> Result<Self> {
        let constants = call
            .exprs
            .iter()
            .skip(rows.columns)
            .map(|one| constant(one, call.name))
            .collect::<Result<_>>()?;
        let settings = CallSettings {
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
            name: aggregate(call.name),
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

    /// Picks the columns to collect from a call's input, where constants sit between arguments and ordering
    /// keys.
    pub(super) fn columns_of(&self, values: &[ArrayRef]) -> Vec<ArrayRef> {
        let ordering = values.len() - self.orders.len().min(values.len());
        let ordering = ordering.max(self.columns);
        values[..self.columns].iter().chain(&values[ordering..]).cloned().collect()
    }

    /// Returns a mask of the rows to collect, or `None` to collect all.
    pub(super) fn kept(
        &self,
        columns: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Option<BooleanArray>> {
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

    /// Returns the result for one group's rows.
    pub(super) fn result(&self, columns: Vec<ArrayRef>) -> Result<ScalarValue> {
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

pub(super) fn pick(columns: &[ArrayRef], indices: &UInt32Array) -> Result<Vec<ArrayRef>> {
    columns.iter().map(|column| Ok(take(column, indices, None)?)).collect()
}

/// Converts ordering columns to comparable rows.
pub(super) fn keys(columns: &[ArrayRef], orders: &[SortOptions]) -> Result<OrderedRows> {
    let fields = columns
        .iter()
        .zip(orders)
        .map(|(column, options)| SortField::new_with_options(column.data_type().clone(), *options))
        .collect();
    let columns: Vec<ArrayRef> = columns.iter().map(comparable).collect::<Result<_>>()?;
    Ok(RowConverter::new(fields)?.convert_columns(&columns)?)
}

/// Returns row indices sorted by some columns. The sort is stable.
fn sorted(columns: &[ArrayRef], orders: &[SortOptions]) -> Result<UInt32Array> {
    let rows = keys(columns, orders)?;
    let mut indices: Vec<u32> = (0..narrow(rows.num_rows())).collect();
    indices.sort_by(|a, b| rows.row(*a as usize).cmp(&rows.row(*b as usize)));
    Ok(indices.into())
}

/// Returns the index of the first row of each set of equal rows, in row order.
pub(in crate::engine::function::aggregate) fn first_of_each(columns: &[ArrayRef]) -> Result<UInt32Array> {
    let rows = keys(columns, &vec![SortOptions::default(); columns.len()])?;
    let mut seen = std::collections::HashSet::with_capacity(rows.num_rows());
    let first = rows.iter().enumerate().filter(|(_, row)| seen.insert(*row));
    Ok(first.map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect::<Vec<u32>>().into())
}

pub(super) fn state<'a>(
    call: &StateFieldsArgs<'_>,
    columns: impl Iterator<Item = &'a FieldRef>,
) -> Vec<FieldRef> {
    let list = |(at, column): (usize, &FieldRef)| {
        let name = format!("{}[rows {at}]", call.name);
        Arc::new(Field::new(name, list_of(column.data_type()), true))
    };
    columns.enumerate().map(list).collect()
}

fn list_of(item: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item.clone(), true)))
}

/// Returns the concatenated items of all lists.
pub(super) fn values_of(lists: &ListArray) -> ArrayRef {
    let (first, last) = (lists.value_offsets()[0], lists.value_offsets()[lists.len()]);
    lists.values().slice(as_usize(first), as_usize(last - first))
}

pub(super) fn as_usize(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

pub(super) fn bytes(column: &ArrayRef) -> usize {
    column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
}

pub(super) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
