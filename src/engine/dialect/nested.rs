//! The order of lists and structs: NULLs in them come last, as NULLs do in a column. DataFusion's comparison
//! has them first.

use std::sync::{Arc, LazyLock};

use datafusion::{
    arrow::array::make_comparator,
    arrow::{
        array::{Array, BooleanArray},
        compute::SortOptions,
        datatypes::DataType,
    },
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        expr::ScalarFunction,
    },
};

/// Whether the first of two nested values comes before the second.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Before(Signature);

/// The comparison of two nested values of one type.
pub(super) fn comparison(left: Expr, op: Operator, right: Expr) -> Option<Expr> {
    static BEFORE: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::from(Before(Signature::any(2, Volatility::Immutable)))));
    let before =
        |one, other| Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&BEFORE), vec![one, other]));
    Some(match op {
        Operator::Lt => before(left, right),
        Operator::Gt => before(right, left),
        Operator::GtEq => Expr::Not(Box::new(before(left, right))),
        Operator::LtEq => Expr::Not(Box::new(before(right, left))),
        _ => return None,
    })
}

impl ScalarUDFImpl for Before {
    fn name(&self) -> &'static str {
        "$before"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let sides = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = sides.as_slice() else {
            return datafusion::common::internal_err!("a comparison has two sides");
        };
        let options = SortOptions { descending: false, nulls_first: false };
        let compare = make_comparator(left.as_ref(), right.as_ref(), options)?;
        let before = (0..left.len())
            .map(|row| (left.is_valid(row) && right.is_valid(row)).then(|| compare(row, row).is_lt()));
        Ok(ColumnarValue::Array(Arc::new(before.collect::<BooleanArray>())))
    }
}
