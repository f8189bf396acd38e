//! Values of a format call, and the order in which placeholders pick them.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, StringArray},
        compute::cast,
        datatypes::{DataType, Float64Type},
    },
    error::Result,
};

use crate::engine::cast::value_texts;

/// A row's value.
#[derive(Debug, Clone)]
pub(super) enum FormatValue {
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
}

/// A column of values, in the few types that formats distinguish.
pub(super) enum FormatValues {
    Booleans(ArrayRef),
    Integers(StringArray),
    Floats(ArrayRef),
    Texts(StringArray),
}

impl FormatValues {
    pub(super) fn new(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Boolean => Self::Booleans(std::sync::Arc::clone(array)),
            found if found.is_integer() || matches!(found, DataType::Decimal128(_, 0)) => {
                Self::Integers(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
            }
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => {
                Self::Floats(cast(array, &DataType::Float64)?)
            }
            _ => Self::Texts(value_texts(array)?),
        })
    }

    /// Returns a row's value, or `None` for NULL.
    pub(super) fn at(&self, row: usize) -> Option<FormatValue> {
        match self {
            Self::Booleans(array) => {
                array.is_valid(row).then(|| FormatValue::Boolean(array.as_boolean().value(row)))
            }
            Self::Integers(digits) => {
                digits.is_valid(row).then(|| FormatValue::Integer(digits.value(row).parse().unwrap_or(0)))
            }
            Self::Floats(array) => array
                .is_valid(row)
                .then(|| FormatValue::Float(array.as_primitive::<Float64Type>().value(row))),
            Self::Texts(texts) => texts.is_valid(row).then(|| FormatValue::Text(texts.value(row).to_owned())),
        }
    }
}

pub(super) type Formatted = std::result::Result<String, String>;

/// Picks values in sequence or by position, but not both.
pub(super) struct Picker<'a> {
    pub(super) values: &'a [FormatValue],
    pub(super) next: usize,
    pub(super) by_position: bool,
}

impl<'a> Picker<'a> {
    pub(super) fn next(&mut self) -> std::result::Result<&'a FormatValue, String> {
        if self.by_position {
            return Err("values are taken in order or by position, not both".into());
        }
        self.next += 1;
        self.get(self.next - 1)
    }

    pub(super) fn at(&mut self, position: usize) -> std::result::Result<&'a FormatValue, String> {
        if self.next > 0 {
            return Err("values are taken in order or by position, not both".into());
        }
        self.by_position = true;
        self.get(position)
    }

    pub(super) fn get(&self, position: usize) -> std::result::Result<&'a FormatValue, String> {
        self.values.get(position).ok_or_else(|| format!("there is no value {}", position + 1))
    }

    /// Returns a width or precision that is given as a value.
    pub(super) fn size(&mut self) -> std::result::Result<usize, String> {
        match self.next()? {
            FormatValue::Integer(size) => usize::try_from(*size)
                .ok()
                .filter(|size| *size <= WIDEST)
                .ok_or_else(|| format!("{size} is no width")),
            _ => Err("a width must be an integer".into()),
        }
    }
}

/// The maximum width and precision.
pub(super) const WIDEST: usize = 100_000;
