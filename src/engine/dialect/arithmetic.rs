//! DuckDB's arithmetic: operand types, result types and values of operators. Overflow is an error, division
//! is in floating point, and a remainder or whole quotient by zero is NULL.
//!
//! [`resolve`] decides types; `Arithmetic` is the function that operators are planned as; `compute` has the
//! kernels.

use std::sync::{Arc, LazyLock};

use datafusion::{
    arrow::datatypes::{DataType, TimeUnit},
    common::exec_err,
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::compute;
use crate::engine::{
    cast::{
        is_deeper,
        types::{self, HUGEINT, INTERVAL, MAX_DIGITS, TIMESTAMP, common, is_decimal, is_number},
    },
    function::plain_nan,
    operation::Operation,
};

/// The types that an operator's operands are cast to, and its result type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResolvedOperation {
    /// The type of each operand.
    pub(super) operands: Vec<DataType>,
    /// The type of the result.
    pub(super) result: DataType,
}

impl ResolvedOperation {
    fn of(operands: impl Into<Vec<DataType>>, result: DataType) -> Self {
        Self { operands: operands.into(), result }
    }

    fn same(of: DataType) -> Self {
        Self { operands: vec![of.clone(), of.clone()], result: of }
    }
}

/// Returns the operand and result types of an operation; `None` if DuckDB has no such operator.
pub(super) fn resolve(operation: Operation, operands: &[DataType]) -> Option<ResolvedOperation> {
    match operands {
        [one] if operation == Operation::BitwiseNot => {
            one.is_integer().then(|| ResolvedOperation::of([one.clone()], one.clone()))
        }
        [one] => negation(one),
        [left, right] => {
            use DataType as T;
            match (left, right) {
                (T::Null, T::Null) => Some(ResolvedOperation::same(T::Int64)),
                (T::Null, other) => resolve(operation, &[before(operation, other)?, other.clone()]),
                (other, T::Null) => resolve(operation, &[other.clone(), behind(operation, other)?]),
                (left, right) if is_number(left) && is_number(right) => numeric(operation, left, right),
                _ => temporal(operation, left, right),
            }
        }
        _ => None,
    }
}

/// Returns the type of a NULL left operand: that of the other operand, if the operator takes it.
fn before(operation: Operation, other: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match (operation, other) {
        (Operation::Add, T::Date32 | T::Date64) => T::Int32,
        (Operation::Add, T::Timestamp(..)) => INTERVAL,
        (Operation::Multiply, T::Interval(_)) => T::Int64,
        (_, T::Interval(_) | T::Time32(_) | T::Time64(_)) => return None,
        _ => other.clone(),
    })
}

/// Returns the type of a NULL right operand.
fn behind(operation: Operation, other: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match (operation, other) {
        (_, T::Date32 | T::Date64) => T::Int32,
        (_, T::Timestamp(..)) | (Operation::Subtract, T::Interval(_) | T::Time32(_) | T::Time64(_)) => {
            INTERVAL
        }
        (Operation::Multiply, T::Interval(_)) => T::Int64,
        (Operation::Divide, T::Interval(_)) => T::Float64,
        (_, T::Interval(_) | T::Time32(_) | T::Time64(_)) => return None,
        _ => other.clone(),
    })
}

fn negation(of: &DataType) -> Option<ResolvedOperation> {
    let one = |of: DataType| Some(ResolvedOperation::of([of.clone()], of));
    match of {
        DataType::Null => one(DataType::Int64),
        DataType::Interval(_) => one(INTERVAL),
        number if is_number(number) => one(number.clone()),
        _ => None,
    }
}

fn numeric(operation: Operation, left: &DataType, right: &DataType) -> Option<ResolvedOperation> {
    use DataType as T;
    match operation {
        Operation::ShiftLeft | Operation::ShiftRight => (is_whole(left) && is_whole(right))
            .then(|| common(left, right).filter(is_whole).map(ResolvedOperation::same))?,
        Operation::Power => Some(ResolvedOperation::same(T::Float64)),
        Operation::DivideWhole if is_whole(left) && is_whole(right) => {
            Some(ResolvedOperation::same(integer(left, right)))
        }
        Operation::Divide | Operation::DivideWhole => Some(ResolvedOperation::same(floating(left, right))),
        _ if left.is_floating() || right.is_floating() => {
            Some(ResolvedOperation::same(floating(left, right)))
        }
        _ if is_decimal(left) || is_decimal(right) => decimal(operation, left, right),
        _ => Some(ResolvedOperation::same(integer(left, right))),
    }
}

/// Returns whether a type holds only whole numbers: an integer, or HUGEINT, the decimal without a fraction.
fn is_whole(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type == &HUGEINT
}

/// Returns FLOAT if that is the common type, and DOUBLE otherwise.
fn floating(left: &DataType, right: &DataType) -> DataType {
    match common(left, right) {
        Some(float @ DataType::Float32) => float,
        _ => DataType::Float64,
    }
}

/// Returns the integer type to compute in. Mixed signed and unsigned operands use at least BIGINT.
fn integer(left: &DataType, right: &DataType) -> DataType {
    let meeting = common(left, right).unwrap_or(DataType::Int64);
    let mixed =
        left.is_signed_integer() != right.is_signed_integer() && &meeting != left && &meeting != right;
    if mixed && meeting != HUGEINT { DataType::Int64 } else { meeting }
}

/// The maximum precision of decimals that DuckDB computes in 64 bits; it widens only beyond this.
const NARROW_DIGITS: u8 = 18;

fn decimal(operation: Operation, left: &DataType, right: &DataType) -> Option<ResolvedOperation> {
    let ((left_digits, left_scale), (right_digits, right_scale)) =
        (types::digits(left)?, types::digits(right)?);
    let both_narrow = left_digits.max(right_digits) <= NARROW_DIGITS;
    let operands =
        [DataType::Decimal128(left_digits, left_scale), DataType::Decimal128(right_digits, right_scale)];
    let (digits, scale) = match operation {
        Operation::Multiply => {
            let scale = left_scale.checked_add(right_scale)?;
            (i16::from(left_digits) + i16::from(right_digits), scale)
        }
        Operation::Add | Operation::Subtract => {
            let scale = left_scale.max(right_scale);
            let whole = types::whole(left_digits, left_scale).max(types::whole(right_digits, right_scale));
            (i16::from(whole) + i16::from(scale) + 1, scale)
        }
        _ => {
            let result = common(left, right)?;
            return Some(ResolvedOperation::of(operands, result));
        }
    };
    if scale > i8::try_from(MAX_DIGITS).ok()? {
        return None;
    }
    let narrow =
        both_narrow && digits > i16::from(NARROW_DIGITS) && scale < i8::try_from(NARROW_DIGITS).ok()?;
    let most = if narrow { NARROW_DIGITS } else { MAX_DIGITS };
    let digits = u8::try_from(digits.min(i16::from(most))).ok()?;
    Some(ResolvedOperation::of(operands, DataType::Decimal128(digits, scale)))
}

/// Resolves operators on dates, times and intervals.
fn temporal(operation: Operation, left: &DataType, right: &DataType) -> Option<ResolvedOperation> {
    use DataType as T;
    use Operation::{Add, Divide, Multiply, Subtract};
    const TIME: DataType = DataType::Time64(TimeUnit::Microsecond);
    let days = |of: &T| matches!(of, T::Int8 | T::Int16 | T::Int32 | T::UInt8 | T::UInt16);
    let date = |of: &T| matches!(of, T::Date32 | T::Date64);
    let moment = |of: &T| match of {
        T::Timestamp(_, None) => Some(TIMESTAMP),
        T::Timestamp(_, Some(_)) => Some(types::timestamptz()),
        _ => None,
    };
    Some(match (operation, left, right) {
        (Add | Subtract, from, by) if date(from) && days(by) => {
            ResolvedOperation::of([T::Date32, T::Int32], T::Date32)
        }
        (Add, by, from) if days(by) && date(from) => ResolvedOperation::of([T::Int32, T::Date32], T::Date32),
        (Subtract, a, b) if date(a) && date(b) => ResolvedOperation::of([T::Date32, T::Date32], T::Int64),
        (Add | Subtract, from, T::Interval(_)) if date(from) => {
            ResolvedOperation::of([TIMESTAMP, INTERVAL], TIMESTAMP)
        }
        (Add, T::Interval(_), to) if date(to) => ResolvedOperation::of([INTERVAL, TIMESTAMP], TIMESTAMP),
        (Add, from, T::Time32(_) | T::Time64(_)) if date(from) => {
            ResolvedOperation::of([T::Date32, TIME], TIMESTAMP)
        }
        (Add, T::Time32(_) | T::Time64(_), to) if date(to) => {
            ResolvedOperation::of([TIME, T::Date32], TIMESTAMP)
        }
        (Add | Subtract, T::Time32(_) | T::Time64(_), T::Interval(_)) => {
            ResolvedOperation::of([TIME, INTERVAL], TIME)
        }
        (Add, T::Interval(_), T::Time32(_) | T::Time64(_)) => ResolvedOperation::of([INTERVAL, TIME], TIME),
        (Add | Subtract, T::Interval(_), T::Interval(_)) => ResolvedOperation::same(INTERVAL),
        (Multiply, T::Interval(_), by) if is_number(by) => {
            ResolvedOperation::of([INTERVAL, factor(by)], INTERVAL)
        }
        (Multiply, by, T::Interval(_)) if is_number(by) => {
            ResolvedOperation::of([factor(by), INTERVAL], INTERVAL)
        }
        (Divide, T::Interval(_), by) if is_number(by) => {
            ResolvedOperation::of([INTERVAL, T::Float64], INTERVAL)
        }
        (Add | Subtract, from, T::Interval(_)) => {
            let moment = moment(from)?;
            ResolvedOperation::of([moment.clone(), INTERVAL], moment)
        }
        (Add, T::Interval(_), to) => {
            let moment = moment(to)?;
            ResolvedOperation::of([INTERVAL, moment.clone()], moment)
        }
        (Subtract, a, b) if (date(a) || moment(a).is_some()) && (date(b) || moment(b).is_some()) => {
            let meeting = moment(&common(a, b)?)?;
            ResolvedOperation::of([meeting.clone(), meeting], INTERVAL)
        }
        _ => return None,
    })
}

/// Returns the type of an interval's factor: exact for integers, floating point for other numbers.
fn factor(by: &DataType) -> DataType {
    if by.is_integer() { DataType::Int64 } else { DataType::Float64 }
}

/// An operator as a function. After the type check, its arguments have the types that [`resolve`] asks for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Arithmetic {
    operation: Operation,
    signature: Signature,
}

impl Arithmetic {
    pub(super) fn new(operation: Operation) -> Self {
        Self { operation, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// Returns the operator.
    pub(super) fn operation(&self) -> Operation {
        self.operation
    }
}

/// The maximum depth of a chain whose name is written in full.
const WHOLE: usize = 64;

/// The number of trailing operands in the name of a longer chain.
const TAIL: usize = 4;

/// Returns the name of an operand. A long chain is shortened to at most its last `tail` operands.
fn short_name(expr: &Expr, tail: usize) -> String {
    if !is_deeper(expr, WHOLE) {
        return expr.schema_name().to_string();
    }
    let inner = match expr {
        Expr::Cast(cast) => cast.expr.as_ref(),
        Expr::Alias(alias) => alias.expr.as_ref(),
        other => other,
    };
    match inner {
        Expr::ScalarFunction(call) if tail > 0 => {
            let symbol = call.func.inner().downcast_ref::<Arithmetic>().map(|own| own.operation.symbol());
            match (symbol, call.args.as_slice()) {
                (Some(symbol), [left, right]) => {
                    format!("{} {symbol} {}", short_name(left, tail - 1), short_name(right, 0))
                }
                _ => "…".to_owned(),
            }
        }
        _ => "…".to_owned(),
    }
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &'static str {
        self.operation.name()
    }

    /// Returns the expression as written in SQL. DataFusion asks every level of an expression for its name
    /// whenever it asks for a type, so names of long chains are shortened.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(match args {
            [one] => format!("({} {})", self.operation.symbol(), short_name(one, 0)),
            [left, right] => {
                let (left, right) = (short_name(left, TAIL), short_name(right, 0));
                format!("{left} {} {right}", self.operation.symbol())
            }
            _ => self.name().to_owned(),
        })
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Needed only for plans that don't come from SQL: plans from SQL already have these types.
    fn coerce_types(&self, operands: &[DataType]) -> Result<Vec<DataType>> {
        // Leave mismatches to the type check, which knows the location.
        let resolved = resolve(self.operation, operands);
        Ok(resolved.map_or_else(|| operands.to_vec(), |resolved| resolved.operands))
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        match resolve(self.operation, operands) {
            Some(resolved) => Ok(resolved.result),
            // Any type will do here: the type check runs later and has the better message.
            None => Ok(DataType::Null),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let result = match args.args.as_slice() {
            [one] if self.operation == Operation::BitwiseNot => compute::bitwise_not(&one.to_array(rows)?)?,
            [one] => compute::negate(&one.to_array(rows)?)?,
            [left, right] => compute::binary(self.operation, left, right, rows, args.return_type())?,
            _ => return exec_err!("{} takes two values", self.operation.symbol()),
        };
        let result = plain_nan(result);
        if scalar && !result.is_empty() {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::clone(&result)))
    }
}

/// Returns the function that computes an operation.
pub(super) fn function(operation: Operation) -> Arc<ScalarUDF> {
    static FUNCTIONS: LazyLock<Vec<(Operation, Arc<ScalarUDF>)>> = LazyLock::new(|| {
        [
            Operation::Add,
            Operation::Subtract,
            Operation::Multiply,
            Operation::Divide,
            Operation::DivideWhole,
            Operation::Modulo,
            Operation::Power,
            Operation::Negate,
            Operation::BitwiseNot,
            Operation::ShiftLeft,
            Operation::ShiftRight,
        ]
        .into_iter()
        .map(|operation| (operation, Arc::new(ScalarUDF::from(Arithmetic::new(operation)))))
        .collect()
    });
    let found = FUNCTIONS.iter().find(|(known, _)| *known == operation);
    found.map_or_else(
        || Arc::new(ScalarUDF::from(Arithmetic::new(operation))),
        |(_, function)| Arc::clone(function),
    )
}
