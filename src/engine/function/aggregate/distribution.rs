//! Distribution aggregates: modes, histograms, entropy and distinct counts.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, MapArray, StructArray, UInt32Array, UInt64Array},
        buffer::OffsetBuffer,
        compute::{SortOptions, take},
        datatypes::{DataType, Field, Fields},
        row::{RowConverter, SortField},
    },
    common::ScalarValue,
    error::Result,
    functions_aggregate::approx_distinct::approx_distinct_udaf,
    logical_expr::{Expr, cast, expr::AggregateFunction, simplify::SimplifyContext},
};

use super::{
    description::{Aggregate, ArgumentTypes, Typed},
    rows::{RowAggregate, VALUES},
};
use crate::engine::function::value::comparable;

pub(super) const ALL: &[Aggregate] = &[
    Aggregate {
        name: "mode",
        aliases: &[],
        usage: "mode(arg [order by …])",
        doc: "Returns the most frequent value, the first of them if there are several.",
        types: |given| {
            let types = given.expect(1..=1)?;
            Typed::new(types, types[0].clone())
        },
        method: &RowAggregate {
            ordered: true,
            finish: |columns, settings| {
                let counts = counts(&columns[0], false)?;
                let most = counts.iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
                most.map_or_else(
                    || settings.null(),
                    |(row, _)| ScalarValue::try_from_array(&columns[0], *row as usize),
                )
            },
            ..VALUES
        },
    },
    Aggregate {
        name: "histogram",
        aliases: &[],
        usage: "histogram(arg)",
        doc: "Returns a map from each value to its number of rows, sorted by value.",
        types: |given| {
            let [of] = given.expect(1..=1)? else { return given.refuse() };
            Typed::new([of.clone()], DataType::Map(Arc::new(entries(of)), false))
        },
        method: &RowAggregate {
            finish: |columns, settings| {
                if columns[0].is_empty() {
                    return settings.null();
                }
                histogram(&columns[0])
            },
            ..VALUES
        },
    },
    Aggregate {
        name: "entropy",
        aliases: &[],
        usage: "entropy(arg)",
        doc: "Returns the entropy of the values in bits.",
        types: |given| number_of_any(given, DataType::Float64),
        method: &RowAggregate {
            finish: |columns, _| {
                let rows = columns[0].len() as f64;
                let counts = counts(&columns[0], false)?;
                let bits = |(_, count): &(u32, u64)| (*count as f64 / rows) * (rows / *count as f64).log2();
                let bits: f64 = counts.iter().map(bits).sum();
                Ok(ScalarValue::Float64(Some(bits + 0.0)))
            },
            ..VALUES
        },
    },
    Aggregate {
        name: "approx_count_distinct",
        aliases: &[],
        usage: "approx_count_distinct(arg)",
        doc: "Returns the approximate number of distinct values.",
        types: |given| number_of_any(given, DataType::Int64),
        method: &RowAggregate {
            rewrite: Some(approximate_count),
            finish: |columns, _| {
                Ok(ScalarValue::Int64(Some(
                    i64::try_from(counts(&columns[0], false)?.len()).unwrap_or(i64::MAX),
                )))
            },
            ..VALUES
        },
    },
];

fn number_of_any(given: &ArgumentTypes<'_>, number: DataType) -> Result<Typed> {
    let types = given.expect(1..=1)?;
    Typed::new(types, number)
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn approximate_count(mut call: AggregateFunction, _: &SimplifyContext) -> Result<Expr> {
    call.func = approx_distinct_udaf();
    call.params.distinct = false;
    Ok(cast(Expr::AggregateFunction(call), DataType::Int64))
}

/// Returns the first row of each distinct value and its row count, ordered by first row or by value.
fn counts(column: &ArrayRef, by_value: bool) -> Result<Vec<(u32, u64)>> {
    let field = SortField::new_with_options(column.data_type().clone(), SortOptions::new(false, false));
    let rows = RowConverter::new(vec![field])?.convert_columns(&[comparable(column)?])?;
    let mut found: Vec<(u32, u64)> = Vec::new();
    let mut places = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        let place = *places.entry(row).or_insert_with(|| {
            found.push((u32::try_from(at).unwrap_or(u32::MAX), 0));
            found.len() - 1
        });
        found[place].1 += 1;
    }
    if by_value {
        found.sort_by(|a, b| rows.row(a.0 as usize).cmp(&rows.row(b.0 as usize)));
    }
    Ok(found)
}

fn entries(key: &DataType) -> Field {
    let fields: Fields =
        vec![Field::new("key", key.clone(), false), Field::new("value", DataType::UInt64, true)].into();
    Field::new("entries", DataType::Struct(fields), false)
}

fn histogram(column: &ArrayRef) -> Result<ScalarValue> {
    let (rows, numbers): (Vec<u32>, Vec<u64>) = counts(column, true)?.into_iter().unzip();
    let keys = take(column, &UInt32Array::from(rows), None)?;
    let entries = entries(column.data_type());
    let DataType::Struct(fields) = entries.data_type().clone() else {
        return datafusion::common::internal_err!("the entries of a map are a struct");
    };
    let offsets = OffsetBuffer::from_lengths([keys.len()]);
    let pairs = StructArray::try_new(fields, vec![keys, Arc::new(UInt64Array::from(numbers))], None)?;
    Ok(ScalarValue::Map(Arc::new(MapArray::try_new(Arc::new(entries), offsets, pairs, None, false)?)))
}
