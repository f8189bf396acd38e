//! A declared column while it is read: validates every value, and keeps the values only if the query needs
//! them.

mod nested;

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            ArrayBuilder, ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
            Float32Builder, Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder,
            LargeStringBuilder, StringViewBuilder, TimestampMicrosecondBuilder,
        },
        datatypes::DataType,
    },
    common::ScalarValue,
};

use super::{
    cell::{CellToken, CellValue},
    column::nested::Nested,
    guess::{self, Notation},
    kind::ColumnKind,
    spec::DateUnit,
};

pub(crate) use self::nested::token;

pub(crate) struct DeclaredColumn {
    kind: ColumnKind,
    unit: DateUnit,
    builder: Option<Builder>,
    /// Validates (and, if kept, builds) struct, list and map values.
    nested: Option<Nested>,
    /// The notation of the values from which the type was inferred, if it was inferred.
    inferred: Option<Notation>,
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

impl DeclaredColumn {
    /// Creates a column that validates values, and keeps them if `kept`.
    pub(crate) fn new(data_type: &DataType, kind: ColumnKind, unit: DateUnit, kept: bool) -> Self {
        let is_nested = matches!(kind, ColumnKind::Struct | ColumnKind::List | ColumnKind::Map);
        let nested = if is_nested { Nested::new(data_type, unit) } else { None };
        let builder = (kept && nested.is_none()).then(|| Builder::new(kind));
        Self { kind, unit, builder, nested, inferred: None, is_kept: kept }
    }

    /// Makes an inferred type strict: a value that would have led to another type doesn't fit.
    pub(crate) fn hold(&mut self, written: Notation) {
        self.inferred = Some(written);
        if let Some(nested) = &mut self.nested {
            nested.hold();
        }
    }

    /// Returns the kind that values must have.
    pub(crate) fn kind(&self) -> ColumnKind {
        self.kind
    }

    /// Appends a value. Returns false, and appends nothing, if it doesn't fit.
    pub(crate) fn append(&mut self, token: CellToken<'_>) -> bool {
        self.holds(token) && self.append_judged(token)
    }

    fn holds(&self, token: CellToken<'_>) -> bool {
        self.inferred.is_none_or(|written| guess::holds(self.kind, token, written))
    }

    /// Like [`Self::append`], for a value from another place (such as the path) that was already checked
    /// against the inferred notation.
    pub(crate) fn append_judged(&mut self, token: CellToken<'_>) -> bool {
        // Fast path: most values are text that stays text.
        if let (CellToken::Text(text), Some(Builder::Text(builder))) = (token, &mut self.builder) {
            builder.append_value(text);
            return true;
        }
        if let Some(nested) = &mut self.nested {
            if token == CellToken::Null {
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
    pub(crate) fn fits(&self, token: CellToken<'_>) -> bool {
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
pub(crate) fn scalar(token: CellToken<'_>, data_type: &DataType) -> ScalarValue {
    let null = || ScalarValue::try_from(data_type).unwrap_or(ScalarValue::Null);
    let Some(kind) = ColumnKind::from_arrow(data_type) else { return null() };
    let mut column = DeclaredColumn::new(data_type, kind, DateUnit::default(), true);
    column.append(token);
    column.pad(1);
    column.finish().and_then(|array| ScalarValue::try_from_array(&array, 0).ok()).unwrap_or_else(null)
}

impl Builder {
    fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Text => Self::Text(StringViewBuilder::new()),
            ColumnKind::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnKind::Int8 => Self::Int8(Int8Builder::new()),
            ColumnKind::Int16 => Self::Int16(Int16Builder::new()),
            ColumnKind::Int32 => Self::Int32(Int32Builder::new()),
            ColumnKind::Int64 => Self::Int64(Int64Builder::new()),
            ColumnKind::Float32 => Self::Float32(Float32Builder::new()),
            ColumnKind::Float64 => Self::Float64(Float64Builder::new()),
            ColumnKind::Decimal { precision, scale } => {
                Self::Decimal(Decimal128Builder::new().with_data_type(DataType::Decimal128(precision, scale)))
            }
            ColumnKind::Date => Self::Date(Date32Builder::new()),
            ColumnKind::Timestamp { zoned } => {
                let zone = zoned.then_some("UTC");
                Self::Micros(TimestampMicrosecondBuilder::new().with_timezone_opt(zone))
            }
            ColumnKind::Binary => Self::Binary(BinaryBuilder::new()),
            ColumnKind::Json | ColumnKind::Struct | ColumnKind::List | ColumnKind::Map => {
                Self::Json(LargeStringBuilder::new())
            }
        }
    }

    /// Returns false if the value is of another kind, which `CellToken::fit` rules out.
    fn append(&mut self, value: &CellValue<'_>) -> bool {
        match (self, value) {
            (Self::Text(it), CellValue::Text(value)) => it.append_value(value),
            (Self::Boolean(it), CellValue::Boolean(value)) => it.append_value(*value),
            (Self::Int8(it), CellValue::Int(value)) => it.append_option(i8::try_from(*value).ok()),
            (Self::Int16(it), CellValue::Int(value)) => it.append_option(i16::try_from(*value).ok()),
            (Self::Int32(it), CellValue::Int(value)) => it.append_option(i32::try_from(*value).ok()),
            (Self::Int64(it), CellValue::Int(value)) => it.append_value(*value),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is finite as a real; rounding is what real means"
            )]
            (Self::Float32(it), CellValue::Float(value)) => it.append_value(*value as f32),
            (Self::Float64(it), CellValue::Float(value)) => it.append_value(*value),
            (Self::Decimal(it), CellValue::Decimal(value)) => it.append_value(*value),
            (Self::Date(it), CellValue::Date(value)) => it.append_value(*value),
            (Self::Micros(it), CellValue::Micros(value)) => it.append_value(*value),
            (Self::Binary(it), CellValue::Binary(value)) => it.append_value(value),
            (Self::Json(it), CellValue::Text(value)) => it.append_value(value),
            (builder, CellValue::Null) => each!(builder, it => it.append_null()),
            _ => return false,
        }
        true
    }
}
