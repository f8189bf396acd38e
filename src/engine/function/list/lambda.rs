//! List functions with a lambda: `list_transform`, `list_filter`, `list_reduce`.
//!
//! The lambda may take one more parameter: the item's position, starting at 1.

use std::{
    collections::BTreeSet,
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, UInt32Array},
        buffer::OffsetBuffer,
        compute::{cast, concat, filter, interleave, take},
        datatypes::{DataType, Field, FieldRef},
    },
    common::{ScalarValue, plan_err},
    error::Result,
    execution::SessionStateBuilder,
    logical_expr::{
        ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature,
        HigherOrderUDF, HigherOrderUDFImpl, LambdaArgument, LambdaParametersProgress, ValueOrLambda,
        Volatility,
    },
};

use super::super::{
    call::fail,
    kind::list_of,
    result_size::{check, expanded, size, taken},
};
use super::lists::{item_type, narrow};
use crate::engine::cast::{
    NamedType,
    type_name::{plain, type_name},
    types,
};

/// Replaces DataFusion's lambda functions, and removes those whose names belong to ordinary functions here.
pub(in crate::engine::function) fn install(builder: &mut SessionStateBuilder, taken: &BTreeSet<&str>) {
    let ours = [
        Lambda::new(
            LambdaRole::Transform,
            &["list_transform", "array_transform", "list_apply", "array_apply", "apply"],
        ),
        Lambda::new(LambdaRole::Filter, &["list_filter", "array_filter", "filter"]),
        Lambda::new(LambdaRole::Reduce, &["list_reduce", "array_reduce", "reduce"]),
    ];
    let names: BTreeSet<String> =
        ours.iter().flat_map(|one| one.names.iter().map(ToString::to_string)).collect();
    let functions = builder.higher_order_functions().get_or_insert_default();
    functions.retain(|one| {
        let mut all = one.aliases().iter().map(String::as_str).chain([one.name()]);
        !all.any(|name| names.contains(name) || taken.contains(name))
    });
    functions.extend(ours.map(|one| Arc::new(HigherOrderUDF::new_from_impl(one))));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum LambdaRole {
    Transform,
    Filter,
    Reduce,
}

#[derive(Debug)]
struct Lambda {
    role: LambdaRole,
    names: &'static [&'static str],
    aliases: Vec<String>,
    signature: HigherOrderSignature,
}

impl Lambda {
    fn new(role: LambdaRole, names: &'static [&'static str]) -> Self {
        let aliases = names[1..].iter().map(ToString::to_string).collect();
        Self { role, names, aliases, signature: HigherOrderSignature::user_defined(Volatility::Immutable) }
    }

    /// Returns the list's item type, and the type of a reduction's initial value.
    fn items<L>(&self, fields: &[ValueOrLambda<FieldRef, L>]) -> Result<(DataType, Option<DataType>)> {
        match fields {
            [ValueOrLambda::Value(list), ValueOrLambda::Lambda(_)] => Ok((item_type(list.data_type()), None)),
            [ValueOrLambda::Value(list), ValueOrLambda::Lambda(_), ValueOrLambda::Value(first)]
                if self.role == LambdaRole::Reduce =>
            {
                Ok((item_type(list.data_type()), Some(first.data_type().clone())))
            }
            _ => plan_err!("`{}` takes a list, then a lambda", self.name()),
        }
    }

    /// Returns the type of a reduction's accumulator.
    fn carried(&self, item: &DataType, first: Option<&DataType>) -> Result<DataType> {
        let Some(first) = first else { return Ok(item.clone()) };
        let Some(found) = types::common(item, first) else {
            let (name, first, item) = (self.name(), type_name(first), type_name(item));
            return plan_err!("`{name}` can't begin with {first} over items of {item}");
        };
        Ok(found)
    }
}

impl PartialEq for Lambda {
    fn eq(&self, other: &Self) -> bool {
        self.role == other.role
    }
}

impl Eq for Lambda {}

impl Hash for Lambda {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.role.hash(state);
    }
}

fn field(of: DataType) -> FieldRef {
    Arc::new(Field::new("", of, true))
}

impl HigherOrderUDFImpl for Lambda {
    fn name(&self) -> &str {
        self.names[0]
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let mut types: Vec<DataType> = types.to_vec();
        match types.first_mut() {
            Some(list) => match plain(list) {
                DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                    *list = DataType::List(item);
                }
                DataType::Null => *list = list_of(DataType::Null),
                other => return plan_err!("`{}` takes a list first, not {}", self.name(), type_name(&other)),
            },
            None => return plan_err!("`{}` takes a list, then a lambda", self.name()),
        }
        Ok(types)
    }

    fn lambda_parameters(
        &self,
        _: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let (item, first) = self.items(fields)?;
        let mut parameters = vec![field(item.clone()), field(DataType::Int64)];
        if self.role == LambdaRole::Reduce {
            parameters.insert(0, field(self.carried(&item, first.as_ref())?));
        }
        Ok(LambdaParametersProgress::Complete(vec![parameters]))
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        let (item, first) = self.items(args.arg_fields)?;
        let lambda = args.arg_fields.iter().find_map(|one| match one {
            ValueOrLambda::Lambda(lambda) => Some(lambda.data_type().clone()),
            ValueOrLambda::Value(_) => None,
        });
        Ok(field(match self.role {
            LambdaRole::Transform => list_of(lambda.unwrap_or(DataType::Null)),
            LambdaRole::Filter => list_of(item),
            LambdaRole::Reduce => self.carried(&item, first.as_ref())?,
        }))
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let (Some(ValueOrLambda::Value(list)), Some(ValueOrLambda::Lambda(lambda))) =
            (args.args.first(), args.args.get(1))
        else {
            return plan_err!("`{}` takes a list, then a lambda", self.name());
        };
        let list = expanded(list, args.number_rows)?;
        let list = list.as_list::<i32>();
        let result = match self.role {
            LambdaRole::Transform => transformed(list, lambda, args.return_field.data_type())?,
            LambdaRole::Filter => filtered(list, lambda, args.return_field.data_type())?,
            LambdaRole::Reduce => {
                let first = match args.args.get(2) {
                    Some(ValueOrLambda::Value(first)) => Some(expanded(first, args.number_rows)?),
                    _ => None,
                };
                reduced(list, lambda, first.as_ref(), args.return_field.data_type())?
            }
        };
        Ok(ColumnarValue::Array(result))
    }
}

/// The items of all lists, with the row and position of each.
struct Spread {
    items: ArrayRef,
    rows: UInt32Array,
    positions: ArrayRef,
    lengths: Vec<usize>,
}

fn spread(list: &ListArray) -> Result<Spread> {
    let (mut places, mut rows, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    let mut lengths = Vec::with_capacity(list.len());
    for row in 0..list.len() {
        let end = |at: usize| usize::try_from(list.value_offsets()[at]).unwrap_or(0);
        let range = if list.is_valid(row) { end(row)..end(row + 1) } else { 0..0 };
        lengths.push(range.len());
        for (position, at) in (1_i64..).zip(range) {
            places.push(narrow(at));
            rows.push(narrow(row));
            positions.push(position);
        }
    }
    Ok(Spread {
        items: take(list.values(), &UInt32Array::from(places), None)?,
        rows: rows.into(),
        positions: Arc::new(Int64Array::from(positions)),
        lengths,
    })
}

/// The number of items for which a lambda is evaluated at once. DataFusion repeats a constant list within the
/// lambda once for each of them, before any function sees it.
const ITEMS: usize = 2_048;

/// Evaluates the lambda for each item.
fn evaluated(spread: &Spread, lambda: &LambdaArgument) -> Result<ArrayRef> {
    let all = spread.items.len();
    let (mut parts, mut bytes) = (Vec::new(), 0);
    for start in (0..all).step_by(ITEMS) {
        let length = ITEMS.min(all - start);
        let items = || Ok(spread.items.slice(start, length));
        let positions = || Ok(spread.positions.slice(start, length));
        let rows = spread.rows.slice(start, length);
        let value = lambda.evaluate(&[&items, &positions], |captured| all_taken(captured, &rows))?;
        let part = expanded(&value, length)?;
        bytes += size(&part);
        check(start + length, bytes)?;
        parts.push(part);
    }
    match &parts[..] {
        [part] => Ok(Arc::clone(part)),
        parts => Ok(concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>())?),
    }
}

/// Takes rows of the columns that a lambda reads besides its parameters.
fn all_taken(captured: &[ArrayRef], rows: &UInt32Array) -> Result<Vec<ArrayRef>> {
    captured.iter().map(|column| taken(column.as_ref(), rows)).collect()
}

fn transformed(list: &ListArray, lambda: &LambdaArgument, to: &DataType) -> Result<ArrayRef> {
    let spread = spread(list)?;
    let results = if spread.items.is_empty() {
        datafusion::arrow::array::new_empty_array(&item_type(to))
    } else {
        evaluated(&spread, lambda)?
    };
    super::lists::list_array(to, results, OffsetBuffer::from_lengths(spread.lengths), list.nulls().cloned())
}

fn filtered(list: &ListArray, lambda: &LambdaArgument, to: &DataType) -> Result<ArrayRef> {
    let spread = spread(list)?;
    if spread.items.is_empty() {
        return super::lists::list_array(
            to,
            spread.items,
            OffsetBuffer::from_lengths(spread.lengths),
            list.nulls().cloned(),
        );
    }
    let kept = NamedType::plain(DataType::Boolean).convert(&evaluated(&spread, lambda)?)?;
    let kept: BooleanArray = kept.as_boolean().iter().map(|kept| Some(kept.unwrap_or(false))).collect();
    let mut start = 0;
    let lengths = spread.lengths.iter().map(|length| {
        let own = kept.slice(start, *length).true_count();
        start += length;
        own
    });
    let offsets = OffsetBuffer::from_lengths(lengths.collect::<Vec<usize>>());
    super::lists::list_array(to, filter(&spread.items, &kept)?, offsets, list.nulls().cloned())
}

fn reduced(
    list: &ListArray,
    lambda: &LambdaArgument,
    first: Option<&ArrayRef>,
    to: &DataType,
) -> Result<ArrayRef> {
    let items = cast(list.values(), &item_type(list.data_type()))?;
    let start = |row: usize| usize::try_from(list.value_offsets()[row]).unwrap_or(0);
    let length = |row: usize| if list.is_valid(row) { start(row + 1) - start(row) } else { 0 };
    let skipped = usize::from(first.is_none());
    let to_carried = NamedType::plain(to.clone());
    let mut carried = if let Some(first) = first {
        cast(first, to)?
    } else {
        if (0..list.len()).any(|row| list.is_valid(row) && length(row) == 0) {
            return fail("`list_reduce` over an empty list needs a value to begin with");
        }
        let places: UInt32Array =
            (0..list.len()).map(|row| (length(row) > 0).then(|| narrow(start(row)))).collect();
        cast(&take(&items, &places, None)?, to)?
    };
    let longest = (0..list.len()).map(length).max().unwrap_or(0);
    for step in skipped..longest {
        let rows: Vec<usize> = (0..list.len()).filter(|row| length(*row) > step).collect();
        let owners: UInt32Array = rows.iter().map(|row| Some(narrow(*row))).collect();
        let places: UInt32Array = rows.iter().map(|row| Some(narrow(start(*row) + step))).collect();
        let own = take(&carried, &owners, None)?;
        let item = take(&items, &places, None)?;
        let position = ScalarValue::Int64(i64::try_from(step + 1).ok()).to_array_of_size(rows.len())?;
        let result = lambda.evaluate(
            &[&|| Ok(Arc::clone(&own)), &|| Ok(Arc::clone(&item)), &|| Ok(Arc::clone(&position))],
            |captured| all_taken(captured, &owners),
        )?;
        let result = to_carried.convert(&expanded(&result, rows.len())?)?;
        check(list.len(), size(&carried).saturating_add(size(&result)))?;
        // Rows whose lists have more items take the new value; the others keep theirs.
        let mut places: Vec<(usize, usize)> = (0..list.len()).map(|row| (0, row)).collect();
        rows.iter().enumerate().for_each(|(at, row)| places[*row] = (1, at));
        carried = interleave(&[carried.as_ref(), result.as_ref()], &places)?;
    }
    let null: BooleanArray = (0..list.len()).map(|row| Some(list.is_null(row))).collect();
    Ok(datafusion::arrow::compute::nullif(&carried, &null)?)
}
