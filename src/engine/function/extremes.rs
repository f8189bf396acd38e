//! Tests that no function panics, whatever values of its argument types it receives.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, StructArray},
        datatypes::{DataType, Field, IntervalMonthDayNano},
    },
    common::ScalarValue,
    config::ConfigOptions,
    logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF},
};

use super::{description::Overload, kind::ParameterKind, scalar::ScalarFunction};

/// The maximum number of calls per overload.
const CALLS: usize = 300;

/// Returns boundary values of a kind, and NULL.
fn edges(kind: ParameterKind) -> Vec<ScalarValue> {
    use ScalarValue as S;
    let utc: Arc<str> = super::kind::UTC.into();
    let numbers = [i64::MIN, i64::MIN + 1, -1, 0, 1, 7, i64::MAX - 1, i64::MAX];
    let mut edges: Vec<ScalarValue> = match kind {
        ParameterKind::Boolean => vec![S::Boolean(Some(true)), S::Boolean(Some(false))],
        ParameterKind::TinyInt => {
            vec![S::Int8(Some(i8::MIN)), S::Int8(Some(-1)), S::Int8(Some(0)), S::Int8(Some(i8::MAX))]
        }
        ParameterKind::SmallInt => {
            vec![S::Int16(Some(i16::MIN)), S::Int16(Some(0)), S::Int16(Some(i16::MAX))]
        }
        ParameterKind::Integer => [i32::MIN, -1, 0, 1, 9, i32::MAX].map(|value| S::Int32(Some(value))).into(),
        ParameterKind::BigInt | ParameterKind::AnyInteger | ParameterKind::Any | ParameterKind::T => {
            numbers.map(|value| S::Int64(Some(value))).into()
        }
        ParameterKind::UTinyInt => vec![S::UInt8(Some(0)), S::UInt8(Some(u8::MAX))],
        ParameterKind::USmallInt => vec![S::UInt16(Some(0)), S::UInt16(Some(u16::MAX))],
        ParameterKind::UInteger => vec![S::UInt32(Some(0)), S::UInt32(Some(u32::MAX))],
        ParameterKind::UBigInt => vec![S::UInt64(Some(0)), S::UInt64(Some(u64::MAX))],
        ParameterKind::HugeInt => [-(10_i128.pow(38) - 1), -1, 0, 1, 10_i128.pow(38) - 1]
            .map(|value| S::Decimal128(Some(value), 38, 0))
            .into(),
        ParameterKind::Decimal => [-(10_i128.pow(38) - 1), -1, 0, 55, 10_i128.pow(38) - 1]
            .map(|value| S::Decimal128(Some(value), 38, 2))
            .into(),
        ParameterKind::Float => {
            [f32::MIN, -0.0, 0.5, f32::MAX, f32::INFINITY, f32::NAN].map(|v| S::Float32(Some(v))).into()
        }
        ParameterKind::Double => {
            let infinite = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
            let finite = [f64::MIN, -1.0, -0.0, 0.0, 0.5, 1e18, f64::MAX, f64::MIN_POSITIVE];
            finite.into_iter().chain(infinite).map(|value| S::Float64(Some(value))).collect()
        }
        ParameterKind::Varchar => {
            ["", "a", "year", "%Y-%m-%d %H:%M", "🤦🏼‍♂️é", "%", "\\", "(", "{:>9}", "9999999999999999999", "UTC"]
                .map(|text| S::Utf8(Some(text.into())))
                .into()
        }
        ParameterKind::Blob => vec![S::Binary(Some(vec![])), S::Binary(Some(vec![0, 255, 128]))],
        ParameterKind::Date => [i32::MIN, -i32::MAX, -i32::MAX + 1, -719_529, 0, i32::MAX - 1, i32::MAX]
            .map(|v| S::Date32(Some(v)))
            .into(),
        ParameterKind::Time => {
            [0, 86_399_999_999, 86_400_000_000].map(|value| S::Time64Microsecond(Some(value))).into()
        }
        ParameterKind::Timestamp => numbers.map(|value| S::TimestampMicrosecond(Some(value), None)).into(),
        ParameterKind::TimestampNs => numbers.map(|value| S::TimestampNanosecond(Some(value), None)).into(),
        ParameterKind::Json => {
            ["", "1", "{\"a\": [1, null]}", "\"\u{10ffff}\""].map(|text| S::Utf8(Some(text.into()))).into()
        }
        ParameterKind::TimestampTz => {
            numbers.map(|value| S::TimestampMicrosecond(Some(value), Some(Arc::clone(&utc)))).into()
        }
        ParameterKind::Interval => intervals().map(|value| S::IntervalMonthDayNano(Some(value))).into(),
        ParameterKind::AnyList => list_edges(ParameterKind::BigInt),
        ParameterKind::List(item) => list_edges(*item),
        ParameterKind::AnyStruct => vec![struct_of(Some(1)), struct_of(None)],
        ParameterKind::AnyMap => vec![],
    };
    if let Some(null) = edges.first().and_then(|edge| S::try_from(&edge.data_type()).ok()) {
        edges.push(null);
    }
    edges
}

fn intervals() -> [IntervalMonthDayNano; 7] {
    [
        IntervalMonthDayNano::new(i32::MIN, i32::MIN, i64::MIN),
        IntervalMonthDayNano::new(i32::MAX, i32::MAX, i64::MAX),
        IntervalMonthDayNano::new(i32::MIN, 0, 0),
        IntervalMonthDayNano::new(0, 0, 0),
        IntervalMonthDayNano::new(0, i32::MIN, 0),
        IntervalMonthDayNano::new(0, 0, i64::MIN),
        IntervalMonthDayNano::new(1, 0, 0),
    ]
}

fn list_edges(item: ParameterKind) -> Vec<ScalarValue> {
    let items = edges(item);
    let Some(of) = items.first().map(ScalarValue::data_type) else { return Vec::new() };
    [&items[..0], &items[..1], &items[..]]
        .map(|items| ScalarValue::List(ScalarValue::new_list_nullable(items, &of)))
        .into()
}

fn struct_of(value: Option<i64>) -> ScalarValue {
    let fields = vec![(
        Arc::new(Field::new("a", DataType::Int64, true)),
        ScalarValue::Int64(value).to_array().unwrap(),
    )];
    ScalarValue::Struct(Arc::new(StructArray::from(fields)))
}

/// Calls a function with values, either as constants or repeated in a column.
fn call(udf: &ScalarUDF, values: &[ScalarValue], rows: usize) -> Option<ArrayRef> {
    let fields: Vec<Arc<Field>> =
        values.iter().map(|value| Arc::new(Field::new("a", value.data_type(), true))).collect();
    let literals: Vec<Option<&ScalarValue>> =
        values.iter().map(|value| (rows == 1).then_some(value)).collect();
    let typing = ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &literals };
    // The type check rejects calls whose arguments don't fit; before it, such calls have the type of NULL.
    let return_field =
        udf.return_field_from_args(typing).ok().filter(|field| !field.data_type().is_null())?;
    let args = values.iter().map(|value| match rows {
        1 => ColumnarValue::Scalar(value.clone()),
        rows => ColumnarValue::Array(value.to_array_of_size(rows).unwrap()),
    });
    let args = ScalarFunctionArgs {
        args: args.collect(),
        arg_fields: fields,
        number_rows: rows,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    };
    match udf.invoke_with_args(args) {
        Ok(found) => found.into_array(rows).ok(),
        Err(error) => {
            assert!(!error.to_string().contains("Internal error"), "{error}");
            None
        }
    }
}

fn calls(overload: &Overload) -> Vec<Vec<ScalarValue>> {
    let mut calls = vec![Vec::new()];
    let kinds = overload.takes.iter().copied().chain(overload.rest);
    for (at, kind) in kinds.enumerate() {
        let edges = edges(kind);
        let longer = calls.iter().flat_map(|call: &Vec<ScalarValue>| {
            edges.iter().map(move |edge| {
                let mut longer = call.clone();
                longer.push(edge.clone());
                longer
            })
        });
        let mut longer: Vec<_> = longer.collect();
        // Sample evenly, with a different step for each argument.
        if longer.len() > CALLS {
            let step = longer.len() / CALLS + 1 + at % 2;
            longer = longer.into_iter().step_by(step).collect();
        }
        calls = longer;
    }
    calls
}

#[test]
fn no_function_panics() {
    let mut panicked = Vec::new();
    for function in super::catalog::functions().filter(|function| function.name() != "error") {
        let udf = ScalarUDF::new_from_impl(ScalarFunction::new(function));
        for overload in function.overloads {
            for values in calls(overload) {
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    let one = call(&udf, &values, 1);
                    let many = call(&udf, &values, 3);
                    if let (Some(one), Some(many)) = (&one, &many) {
                        assert_eq!(many.len(), 3);
                        assert_eq!(
                            one.is_null(0),
                            many.is_null(2),
                            "a column has NULL where constants have none"
                        );
                    }
                }));
                if let Err(cause) = outcome {
                    let text = cause.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                    panicked.push(format!(
                        "{}({}): {}",
                        function.name(),
                        values.join(", "),
                        text.unwrap_or_default()
                    ));
                    break;
                }
            }
        }
    }
    assert!(panicked.is_empty(), "{} panic:\n{}", panicked.len(), panicked.join("\n"));
}
