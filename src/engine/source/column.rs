//! A declared column while it is read: validates every value, and keeps the values only if the query needs
//! them.

use std::sync::Arc;

use datafusion::arrow::{
    array::{
        ArrayBuilder, ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
        Float32Builder, Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder,
        LargeStringBuilder, StringViewBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::DataType,
};
use datafusion::common::ScalarValue;

use super::{
    cell::{Token, Value},
    guess::{self, Written},
    kind::Kind,
    nested::Nested,
    spec::DateUnit,
};

/// A declared column.
pub(crate) struct Column {
    kind: Kind,
    unit: DateUnit,
    builder: Option<Builder>,
    /// Validates (and, if kept, builds) struct, list and map values.
    nested: Option<Nested>,
    /// The notation of the values from which the type was inferred, if it was inferred.
    inferred: Option<Written>,
    is_kept: bool,
}

enum Builder {
    Text(StringViewBuilder),
    Boolean(BooleanBuilder),
    Int8(Int8Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder),
    Date(Date32Builder),
    Micros(TimestampMicrosecondBuilder),
    Binary(BinaryBuilder),
    Json(LargeStringBuilder),
}

/// Evaluates `$body` for whichever builder it is.
macro_rules! each {
    ($builder:expr, $it:ident => $body:expr) => {
        match $builder {
            Builder::Text($it) => $body,
            Builder::Boolean($it) => $body,
            Builder::Int8($it) => $body,
            Builder::Int16($it) => $body,
            Builder::Int32($it) => $body,
            Builder::Int64($it) => $body,
            Builder::Float32($it) => $body,
            Builder::Float64($it) => $body,
            Builder::Decimal($it) => $body,
            Builder::Date($it) => $body,
            Builder::Micros($it) => $body,
            Builder::Binary($it) => $body,
            Builder::Json($it) => $body,
        }
    };
}

impl Column {
    /// Creates a column that validates values, and keeps them if `kept`.
    pub(crate) fn new(data_type: &DataType, kind: Kind, unit: DateUnit, kept: bool) -> Self {
        let is_nested = matches!(kind, Kind::Struct | Kind::List | Kind::Map);
        let nested = if is_nested { Nested::new(data_type, unit) } else { None };
        let builder = (kept && nested.is_none()).then(|| Builder::new(kind));
        Self { kind, unit, builder, nested, inferred: None, is_kept: kept }
    }

    /// Makes an inferred type strict: a value that would have led to another type doesn't fit.
    pub(crate) fn hold(&mut self, written: Written) {
        self.inferred = Some(written);
        if let Some(nested) = &mut self.nested {
            nested.hold();
        }
    }

    /// Returns the kind that values must have.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Appends a value. Returns false, and appends nothing, if it doesn't fit.
    pub(crate) fn append(&mut self, token: Token<'_>) -> bool {
        self.holds(token) && self.append_judged(token)
    }

    fn holds(&self, token: Token<'_>) -> bool {
        self.inferred.is_none_or(|written| guess::holds(self.kind, token, written))
    }

    /// Like [`Self::append`], for a value from another place (such as the path) that was already checked
    /// against the inferred notation.
    pub(crate) fn append_judged(&mut self, token: Token<'_>) -> bool {
        // Fast path: most values are text that stays text.
        if let (Token::Text(text), Some(Builder::Text(builder))) = (token, &mut self.builder) {
            builder.append_value(text);
            return true;
        }
        if let Some(nested) = &mut self.nested {
            if token == Token::Null {
                nested.append_null();
                return true;
            }
            return token.json().is_some_and(|text| nested.append(&text));
        }
        let Some(value) = token.fit(self.kind, self.unit) else { return false };
        match &mut self.builder {
            Some(builder) => builder.append(&value),
            None => true,
        }
    }

    /// Returns whether a value fits. For nested values, checks only that the value is of the kind.
    pub(crate) fn fits(&self, token: Token<'_>) -> bool {
        self.holds(token) && token.fit(self.kind, self.unit).is_some()
    }

    /// Appends nulls until the column holds `rows` values.
    pub(crate) fn pad(&mut self, rows: usize) {
        if let Some(builder) = &mut self.builder {
            each!(builder, it => for _ in it.len()..rows { it.append_null(); });
        }
        if let Some(nested) = &mut self.nested {
            for _ in nested.len()..rows {
                nested.append_null();
            }
        }
    }

    /// Returns the kept values, if any are kept, and clears the column.
    pub(crate) fn finish(&mut self) -> Option<ArrayRef> {
        if let Some(nested) = &mut self.nested {
            return nested.finish().filter(|_| self.is_kept);
        }
        let builder = self.builder.as_mut()?;
        Some(each!(builder, it => Arc::new(it.finish())))
    }
}

/// Converts a value to a scalar of a type it is already known to fit.
pub(crate) fn scalar(token: Token<'_>, data_type: &DataType) -> ScalarValue {
    let null = || ScalarValue::try_from(data_type).unwrap_or(ScalarValue::Null);
    let Some(kind) = Kind::from_arrow(data_type) else { return null() };
    let mut column = Column::new(data_type, kind, DateUnit::default(), true);
    column.append(token);
    column.pad(1);
    column.finish().and_then(|array| ScalarValue::try_from_array(&array, 0).ok()).unwrap_or_else(null)
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(StringViewBuilder::new()),
            Kind::Boolean => Self::Boolean(BooleanBuilder::new()),
            Kind::Int8 => Self::Int8(Int8Builder::new()),
            Kind::Int16 => Self::Int16(Int16Builder::new()),
            Kind::Int32 => Self::Int32(Int32Builder::new()),
            Kind::Int64 => Self::Int64(Int64Builder::new()),
            Kind::Float32 => Self::Float32(Float32Builder::new()),
            Kind::Float64 => Self::Float64(Float64Builder::new()),
            Kind::Decimal { precision, scale } => {
                Self::Decimal(Decimal128Builder::new().with_data_type(DataType::Decimal128(precision, scale)))
            }
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Timestamp { zoned } => {
                let zone = zoned.then_some("UTC");
                Self::Micros(TimestampMicrosecondBuilder::new().with_timezone_opt(zone))
            }
            Kind::Binary => Self::Binary(BinaryBuilder::new()),
            Kind::Json | Kind::Struct | Kind::List | Kind::Map => Self::Json(LargeStringBuilder::new()),
        }
    }

    /// Returns false if the value is of another kind, which `Token::fit` rules out.
    fn append(&mut self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Text(it), Value::Text(value)) => it.append_value(value),
            (Self::Boolean(it), Value::Boolean(value)) => it.append_value(*value),
            (Self::Int8(it), Value::Int(value)) => it.append_option(i8::try_from(*value).ok()),
            (Self::Int16(it), Value::Int(value)) => it.append_option(i16::try_from(*value).ok()),
            (Self::Int32(it), Value::Int(value)) => it.append_option(i32::try_from(*value).ok()),
            (Self::Int64(it), Value::Int(value)) => it.append_value(*value),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is finite as a real; rounding is what real means"
            )]
            (Self::Float32(it), Value::Float(value)) => it.append_value(*value as f32),
            (Self::Float64(it), Value::Float(value)) => it.append_value(*value),
            (Self::Decimal(it), Value::Decimal(value)) => it.append_value(*value),
            (Self::Date(it), Value::Date(value)) => it.append_value(*value),
            (Self::Micros(it), Value::Micros(value)) => it.append_value(*value),
            (Self::Binary(it), Value::Binary(value)) => it.append_value(value),
            (Self::Json(it), Value::Text(value)) => it.append_value(value),
            (builder, Value::Null) => each!(builder, it => it.append_null()),
            _ => return false,
        }
        true
    }
}
