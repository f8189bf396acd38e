//! Nested order: compares lists, structs and maps, where NULL is the largest part and equals itself. Also
//! compares a value with all elements of a list (ANY, ALL).

use std::{cmp::Ordering, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, StringArray},
        compute::SortOptions,
        datatypes::DataType,
        row::{RowConverter, Rows, SortField},
    },
    common::exec_err,
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        expr::ScalarFunction,
    },
};

use crate::engine::function::{comparable, differs};

/// Encodes values as byte rows that sort the same way.
fn rows(converter: &RowConverter, values: &ArrayRef) -> Result<Rows> {
    Ok(converter.convert_columns(&[comparable(values)?])?)
}

fn converter(of: &DataType) -> Result<RowConverter> {
    let options = SortOptions { descending: false, nulls_first: false };
    Ok(RowConverter::new(vec![SortField::new_with_options(of.clone(), options)])?)
}

/// Returns whether Arrow compares nested values differently from DuckDB: with an ordering operator, or if
/// equal parts can have different bytes.
pub(super) fn is_other(op: Operator, of: &DataType) -> bool {
    matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq) || differs(of)
}

fn holds(op: Operator, ordering: Ordering) -> bool {
    match op {
        Operator::Eq | Operator::IsNotDistinctFrom => ordering.is_eq(),
        Operator::NotEq | Operator::IsDistinctFrom => ordering.is_ne(),
        Operator::Lt => ordering.is_lt(),
        Operator::LtEq => ordering.is_le(),
        Operator::Gt => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
}

/// Returns `left op right` for nested values of one type.
pub(super) fn compared(left: Expr, op: Operator, right: Expr) -> Expr {
    call(Compared { op, signature: Signature::any(2, Volatility::Immutable) }, vec![left, right])
}

/// Returns the sort key of a nested value.
pub(super) fn sort_key(value: Expr) -> Expr {
    call(SortKey(Signature::any(1, Volatility::Immutable)), vec![value])
}

fn call(function: impl ScalarUDFImpl + 'static, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(function)), args))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Compared {
    op: Operator,
    signature: Signature,
}

impl ScalarUDFImpl for Compared {
    fn name(&self) -> &'static str {
        "compare"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(match args {
            [left, right] => format!("{} {} {}", left.schema_name(), self.op, right.schema_name()),
            _ => self.name().to_owned(),
        })
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else { return exec_err!("a comparison has two sides") };
        let (left, right) = (left.to_array(args.number_rows)?, right.to_array(args.number_rows)?);
        let converter = converter(left.data_type())?;
        let (left_rows, right_rows) = (rows(&converter, &left)?, rows(&converter, &right)?);
        let takes_null = matches!(self.op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom);
        let compared = (0..left.len()).map(|row| {
            let known = takes_null || (left.is_valid(row) && right.is_valid(row));
            known.then(|| holds(self.op, left_rows.row(row).cmp(&right_rows.row(row))))
        });
        Ok(ColumnarValue::Array(Arc::new(compared.collect::<BooleanArray>())))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SortKey(Signature);

impl ScalarUDFImpl for SortKey {
    fn name(&self) -> &'static str {
        "sort_key"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    /// Text, because window frames don't accept bytes.
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [values] = args.args.as_slice() else { return exec_err!("a sort key has one value") };
        let values = values.to_array(args.number_rows)?;
        let rows = rows(&converter(values.data_type())?, &values)?;
        let keys =
            (0..values.len()).map(|row| values.is_valid(row).then(|| hexadecimal(rows.row(row).data())));
        Ok(ColumnarValue::Array(Arc::new(keys.collect::<StringArray>())))
    }
}

/// Encodes bytes as text with the same order.
fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    bytes.iter().flat_map(digits).map(char::from).collect()
}

/// `value op ANY (list)` or `value op ALL (list)`. ANY is true if the comparison is true for an element, else
/// NULL if it is NULL for one, else false. ALL is the reverse.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Quantified {
    op: Operator,
    all: bool,
    signature: Signature,
}

/// The operators allowed before ANY and ALL.
const OPERATORS: [Operator; 6] =
    [Operator::Eq, Operator::NotEq, Operator::Lt, Operator::LtEq, Operator::Gt, Operator::GtEq];

impl Quantified {
    /// Returns one function for each operator and quantifier.
    pub(super) fn every() -> impl Iterator<Item = Self> {
        let of = |op, all| Self { op, all, signature: Signature::any(2, Volatility::Immutable) };
        OPERATORS.into_iter().flat_map(move |op| [of(op, false), of(op, true)])
    }

    /// Returns the operator.
    pub(super) fn op(&self) -> Operator {
        self.op
    }

    /// Returns `ANY` or `ALL`.
    pub(super) fn quantifier(&self) -> &'static str {
        if self.all { "ALL" } else { "ANY" }
    }
}

impl ScalarUDFImpl for Quantified {
    fn name(&self) -> &'static str {
        match (self.op, self.all) {
            (Operator::Eq, false) => "$= any",
            (Operator::Eq, true) => "$= all",
            (Operator::NotEq, false) => "$<> any",
            (Operator::NotEq, true) => "$<> all",
            (Operator::Lt, false) => "$< any",
            (Operator::Lt, true) => "$< all",
            (Operator::LtEq, false) => "$<= any",
            (Operator::LtEq, true) => "$<= all",
            (Operator::Gt, false) => "$> any",
            (Operator::Gt, true) => "$> all",
            (_, false) => "$>= any",
            (_, true) => "$>= all",
        }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(match args {
            [value, list] => {
                format!("{} {} {}({})", value.schema_name(), self.op, self.quantifier(), list.schema_name())
            }
            _ => self.name().to_owned(),
        })
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, list] = args.args.as_slice() else { return exec_err!("a comparison has two sides") };
        let (value, list) = (value.to_array(args.number_rows)?, list.to_array(args.number_rows)?);
        let lists = list.as_list::<i32>();
        let items = lists.values();
        let converter = converter(value.data_type())?;
        let (value_rows, item_rows) = (rows(&converter, &value)?, rows(&converter, items)?);
        let found = (0..value.len()).map(|row| {
            let offsets = lists.value_offsets();
            let range = if lists.is_valid(row) { offsets[row]..offsets[row + 1] } else { 0..0 };
            let mut unknown = false;
            for item in range.filter_map(|at| usize::try_from(at).ok()) {
                if value.is_null(row) || items.is_null(item) {
                    unknown = true;
                } else if holds(self.op, value_rows.row(row).cmp(&item_rows.row(item))) != self.all {
                    return Some(!self.all);
                }
            }
            (!unknown).then_some(self.all)
        });
        Ok(ColumnarValue::Array(Arc::new(found.collect::<BooleanArray>())))
    }
}
