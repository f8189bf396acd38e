//! The arguments of one evaluation, and loops over their rows.
//!
//! A function body reads rows as Rust values and returns Rust values: [`Call::map1`] and its siblings turn a
//! closure over one row into a column, with NULL wherever an argument is NULL. An argument typed `Option<…>`
//! receives NULLs as `None` instead.

use std::{borrow::Cow, sync::Arc};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array,
            Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, IntervalMonthDayNanoArray,
            ListArray, PrimitiveArray, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
            TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array, new_empty_array,
        },
        buffer::{NullBuffer, OffsetBuffer},
        datatypes::{DataType, IntervalMonthDayNano},
    },
    error::{DataFusionError, Result},
    logical_expr::ColumnarValue,
};

use super::result_size::{check, taken};

/// The arguments, row count and result type of one evaluation.
pub(super) struct Call<'a> {
    arguments: Vec<Argument>,
    rows: usize,
    returns: &'a DataType,
    /// The query's start time, in microseconds since 1970.
    now: Option<i64>,
}

/// A column, or a single row that applies to all rows.
struct Argument {
    array: ArrayRef,
    constant: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(arguments: &[ColumnarValue], rows: usize, returns: &'a DataType) -> Result<Self> {
        let arguments = arguments
            .iter()
            .map(|argument| match argument {
                ColumnarValue::Array(array) => Ok(Argument { array: Arc::clone(array), constant: false }),
                ColumnarValue::Scalar(value) => {
                    Ok(Argument { array: value.to_array_of_size(1)?, constant: true })
                }
            })
            .collect::<Result<_>>()?;
        Ok(Self { arguments, rows, returns, now: None })
    }

    /// Sets the query's start time.
    pub(super) fn at(mut self, now: i64) -> Self {
        self.now = Some(now);
        self
    }

    /// Returns the query's start time, in microseconds since 1970.
    #[expect(clippy::disallowed_methods, reason = "only calls outside a query have no start time")]
    pub(super) fn now(&self) -> i64 {
        self.now.unwrap_or_else(|| chrono::Utc::now().timestamp_micros())
    }

    /// Returns the number of rows that the result must have.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the type that the result must have.
    pub(super) fn returns(&self) -> &DataType {
        self.returns
    }

    /// Returns the number of arguments.
    pub(super) fn len(&self) -> usize {
        self.arguments.len()
    }

    /// Returns the type of an argument.
    pub(super) fn type_of(&self, argument: usize) -> &DataType {
        self.arguments[argument].array.data_type()
    }

    /// Returns an argument expanded to all rows.
    pub(super) fn array(&self, argument: usize) -> Result<ArrayRef> {
        let Argument { array, constant } = &self.arguments[argument];
        if *constant && self.rows != 1 {
            return taken(array, &UInt32Array::from(vec![0; self.rows]));
        }
        Ok(Arc::clone(array))
    }

    /// Returns all arguments expanded to all rows.
    pub(super) fn arrays(&self) -> Result<Vec<ArrayRef>> {
        (0..self.len()).map(|argument| self.array(argument)).collect()
    }

    /// Returns an argument's single-row array, if it is the same for all rows.
    pub(super) fn constant(&self, argument: usize) -> Option<&ArrayRef> {
        self.arguments.get(argument).filter(|argument| argument.constant).map(|argument| &argument.array)
    }

    /// Returns the value of an argument that is the same for all rows and not NULL.
    pub(super) fn constant_value<'b, A: Arg<'b>>(&'b self, argument: usize) -> Result<Option<A>> {
        match self.constant(argument) {
            Some(_) => Ok(self.column::<A>(argument)?.at(0)),
            None => Ok(None),
        }
    }

    /// Returns an argument for row-by-row access.
    pub(super) fn column<'b, A: Arg<'b>>(&'b self, argument: usize) -> Result<ArgumentColumn<'b, A>> {
        let Some(Argument { array, constant }) = self.arguments.get(argument) else {
            return Err(DataFusionError::Internal(format!("argument {argument} is missing")));
        };
        let array = array.as_any().downcast_ref::<A::Array>().ok_or_else(|| {
            DataFusionError::Internal(format!("argument {argument} has the type {}", array.data_type()))
        })?;
        Ok(ArgumentColumn { array, constant: *constant })
    }

    /// Computes a column row by row.
    pub(super) fn each<R: Give>(&self, row: impl FnMut(usize) -> Result<Option<R>>) -> Result<ArrayRef> {
        let mut results: Vec<Option<R>> = Vec::with_capacity(self.rows);
        let mut size = 0_usize;
        for result in (0..self.rows).map(row) {
            let result = result?;
            size = size.saturating_add(result.as_ref().map_or(0, Give::size));
            check(results.len() + 1, size)?;
            results.push(result);
        }
        R::collect(results, self.returns)
    }

    pub(super) fn map1<'b, A: Arg<'b>, R: Give>(
        &'b self,
        f: impl Fn(A) -> Result<Option<R>>,
    ) -> Result<ArrayRef> {
        let a = self.column::<A>(0)?;
        self.each(|row| match a.at(row) {
            Some(a) => f(a),
            None => Ok(None),
        })
    }

    pub(super) fn map2<'b, A: Arg<'b>, B: Arg<'b>, R: Give>(
        &'b self,
        f: impl Fn(A, B) -> Result<Option<R>>,
    ) -> Result<ArrayRef> {
        let (a, b) = (self.column::<A>(0)?, self.column::<B>(1)?);
        self.each(|row| match (a.at(row), b.at(row)) {
            (Some(a), Some(b)) => f(a, b),
            _ => Ok(None),
        })
    }

    pub(super) fn map3<'b, A: Arg<'b>, B: Arg<'b>, C: Arg<'b>, R: Give>(
        &'b self,
        f: impl Fn(A, B, C) -> Result<Option<R>>,
    ) -> Result<ArrayRef> {
        let (a, b, c) = (self.column::<A>(0)?, self.column::<B>(1)?, self.column::<C>(2)?);
        self.each(|row| match (a.at(row), b.at(row), c.at(row)) {
            (Some(a), Some(b), Some(c)) => f(a, b, c),
            _ => Ok(None),
        })
    }

    #[expect(clippy::many_single_char_names, reason = "one letter for each argument")]
    pub(super) fn map4<'b, A: Arg<'b>, B: Arg<'b>, C: Arg<'b>, D: Arg<'b>, R: Give>(
        &'b self,
        f: impl Fn(A, B, C, D) -> Result<Option<R>>,
    ) -> Result<ArrayRef> {
        let (a, b) = (self.column::<A>(0)?, self.column::<B>(1)?);
        let (c, d) = (self.column::<C>(2)?, self.column::<D>(3)?);
        self.each(|row| match (a.at(row), b.at(row), c.at(row), d.at(row)) {
            (Some(a), Some(b), Some(c), Some(d)) => f(a, b, c, d),
            _ => Ok(None),
        })
    }
}

/// An argument read as Rust values.
pub(super) struct ArgumentColumn<'a, A: Arg<'a>> {
    array: &'a A::Array,
    constant: bool,
}

impl<'a, A: Arg<'a>> ArgumentColumn<'a, A> {
    /// Returns a row's value, or `None` for NULL.
    pub(super) fn at(&self, row: usize) -> Option<A> {
        A::read(self.array, if self.constant { 0 } else { row })
    }
}

/// A Rust type that reads an argument's rows.
pub(super) trait Arg<'a>: Sized {
    type Array: Array + 'static;

    /// Returns the row's value, or `None` for NULL.
    fn read(array: &'a Self::Array, row: usize) -> Option<Self>;
}

/// A Rust type that results are built from.
pub(super) trait Give: Sized {
    /// Returns the number of bytes that it holds apart from itself.
    fn size(&self) -> usize {
        0
    }

    /// Builds an array of exactly this type.
    fn collect(values: Vec<Option<Self>>, to: &DataType) -> Result<ArrayRef>;
}

/// Days since 1970: a DATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Days(pub(super) i32);

/// Microseconds since 1970: a TIMESTAMP, with a zone or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Micros(pub(super) i64);

/// Nanoseconds since 1970: a `TIMESTAMP_NS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nanos(pub(super) i64);

/// Microseconds since midnight: a TIME.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimeOfDay(pub(super) i64);

/// The unscaled digits of a DECIMAL or HUGEINT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digits(pub(super) i128);

impl<'a, A: Arg<'a>> Arg<'a> for Option<A> {
    type Array = A::Array;

    fn read(array: &'a Self::Array, row: usize) -> Option<Self> {
        Some(A::read(array, row))
    }
}

macro_rules! arguments {
    ($($value:ty, $array:ty, |$array_name:ident, $row:ident| $read:expr;)*) => {
        $(impl<'a> Arg<'a> for $value {
            type Array = $array;

            fn read($array_name: &'a Self::Array, $row: usize) -> Option<Self> {
                $array_name.is_valid($row).then(|| $read)
            }
        })*
    };
}

arguments! {
    bool, BooleanArray, |array, row| array.value(row);
    i8, Int8Array, |array, row| array.value(row);
    i16, Int16Array, |array, row| array.value(row);
    i32, Int32Array, |array, row| array.value(row);
    i64, Int64Array, |array, row| array.value(row);
    u8, UInt8Array, |array, row| array.value(row);
    u16, UInt16Array, |array, row| array.value(row);
    u32, UInt32Array, |array, row| array.value(row);
    u64, UInt64Array, |array, row| array.value(row);
    f32, Float32Array, |array, row| array.value(row);
    f64, Float64Array, |array, row| array.value(row);
    &'a str, StringArray, |array, row| array.value(row);
    &'a [u8], BinaryArray, |array, row| array.value(row);
    Days, Date32Array, |array, row| Days(array.value(row));
    Micros, TimestampMicrosecondArray, |array, row| Micros(array.value(row));
    Nanos, TimestampNanosecondArray, |array, row| Nanos(array.value(row));
    TimeOfDay, Time64MicrosecondArray, |array, row| TimeOfDay(array.value(row));
    Digits, Decimal128Array, |array, row| Digits(array.value(row));
    IntervalMonthDayNano, IntervalMonthDayNanoArray, |array, row| array.value(row);
    ArrayRef, ListArray, |array, row| array.value(row);
}

macro_rules! primitives {
    ($($value:ty, $array:ty;)*) => {
        $(impl Give for $value {
            fn collect(values: Vec<Option<Self>>, _: &DataType) -> Result<ArrayRef> {
                Ok(Arc::new(values.into_iter().collect::<$array>()))
            }
        })*
    };
}

primitives! {
    bool, BooleanArray;
    i8, Int8Array;
    i16, Int16Array;
    i32, Int32Array;
    i64, Int64Array;
    u8, UInt8Array;
    u16, UInt16Array;
    u32, UInt32Array;
    u64, UInt64Array;
    IntervalMonthDayNano, IntervalMonthDayNanoArray;
}

macro_rules! texts {
    ($($value:ty, $array:ty;)*) => {
        $(impl Give for $value {
            fn size(&self) -> usize {
                self.len()
            }

            fn collect(values: Vec<Option<Self>>, _: &DataType) -> Result<ArrayRef> {
                Ok(Arc::new(values.into_iter().collect::<$array>()))
            }
        })*
    };
}

texts! {
    String, StringArray;
    Cow<'_, str>, StringArray;
    &str, StringArray;
    Vec<u8>, BinaryArray;
}

macro_rules! floats {
    ($($value:ident, $array:ty;)*) => {
        $(impl Give for $value {
            fn collect(values: Vec<Option<Self>>, _: &DataType) -> Result<ArrayRef> {
                let one_nan = |value: $value| if value.is_nan() { $value::NAN } else { value };
                Ok(Arc::new(values.into_iter().map(|value| value.map(one_nan)).collect::<$array>()))
            }
        })*
    };
}

floats! {
    f32, Float32Array;
    f64, Float64Array;
}

macro_rules! newtypes {
    ($($value:ident, $array:ty;)*) => {
        $(impl Give for $value {
            fn collect(values: Vec<Option<Self>>, to: &DataType) -> Result<ArrayRef> {
                let values = values.into_iter().map(|value| value.map(|value| value.0));
                Ok(Arc::new(values.collect::<PrimitiveArray<_>>().with_data_type(to.clone()) as $array))
            }
        })*
    };
}

newtypes! {
    Days, Date32Array;
    Micros, TimestampMicrosecondArray;
    Nanos, TimestampNanosecondArray;
    TimeOfDay, Time64MicrosecondArray;
    Digits, Decimal128Array;
}

/// A list.
impl<T: Give> Give for Vec<Option<T>> {
    fn size(&self) -> usize {
        size_of_val(self.as_slice()) + self.iter().flatten().map(Give::size).sum::<usize>()
    }

    fn collect(values: Vec<Option<Self>>, to: &DataType) -> Result<ArrayRef> {
        let DataType::List(field) = to else {
            return Err(DataFusionError::Internal(format!("a list can't be of the type {to}")));
        };
        let nulls: NullBuffer = values.iter().map(Option::is_some).collect();
        let lengths: Vec<usize> = values.iter().map(|list| list.as_ref().map_or(0, Vec::len)).collect();
        let items: Vec<Option<T>> = values.into_iter().flatten().flatten().collect();
        let items = if items.is_empty() {
            new_empty_array(field.data_type())
        } else {
            T::collect(items, field.data_type())?
        };
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, Some(nulls))?))
    }
}

/// Returns an evaluation error.
pub(super) fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(DataFusionError::Execution(message.into()))
}
