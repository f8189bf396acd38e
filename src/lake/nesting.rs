//! The nesting limit of column types: a table whose log nests deeper could be written, and not be read.

use crate::engine::arrow::datatypes::{DataType, Fields};

/// The maximum nesting of lists, structs and maps.
const DEEPEST: usize = 50;

/// The maximum nesting of a column's type in the JSON of the log: what delta-rs, and others that read it with
/// `serde_json`, can parse within a schema.
const DEEPEST_JSON: usize = 123;

/// Returns why a column of this type is nested too deep to be read, in words that follow its name.
pub(super) fn too_deep(data_type: &DataType) -> Option<String> {
    let depth = Depth::of(data_type);
    if depth.levels > DEEPEST {
        return Some(format!("is nested {} levels deep, and the limit is {DEEPEST}", depth.levels));
    }
    (depth.json > DEEPEST_JSON).then(|| {
        format!(
            "is nested {} levels deep, which are {} levels of JSON in the table's log, and the limit is {DEEPEST_JSON}: a \
             struct counts three times, so that {} can be within each other",
            depth.levels,
            depth.json,
            DEEPEST_JSON / 3
        )
    })
}

/// The nesting depth of a type: 0 for a scalar.
#[derive(Clone, Copy, Default)]
struct Depth {
    /// The number of lists, structs and maps within each other.
    levels: usize,
    /// The number of arrays and objects within each other in the JSON of the log.
    json: usize,
}

impl Depth {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::FixedSizeList(item, _)
            | DataType::ListView(item)
            | DataType::LargeListView(item) => Self::of(item.data_type()).within(1),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(parts) => Self::deepest(parts).within(1),
                other => Self::of(other).within(1),
            },
            DataType::Struct(fields) => Self::deepest(fields).within(3),
            DataType::Dictionary(_, values) => Self::of(values),
            DataType::RunEndEncoded(_, values) => Self::of(values.data_type()),
            _ => Self::default(),
        }
    }

    /// Returns the greatest depths of some fields.
    fn deepest(fields: &Fields) -> Self {
        fields.iter().map(|field| Self::of(field.data_type())).fold(Self::default(), |one, other| Self {
            levels: one.levels.max(other.levels),
            json: one.json.max(other.json),
        })
    }

    /// Returns the depth of a type around this one that adds so many levels of JSON.
    fn within(self, json: usize) -> Self {
        Self { levels: self.levels + 1, json: self.json + json }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deltalake::kernel::{StructType, engine::arrow_conversion::TryIntoKernel};

    use super::*;
    use crate::{
        engine::arrow::datatypes::{Field, Schema},
        lake::delta_schema,
    };

    /// A type of lists around maps around structs, each this many times.
    fn nested(lists: usize, maps: usize, structs: usize) -> DataType {
        let mut made = DataType::Int64;
        for _ in 0..structs {
            made = DataType::Struct(vec![Field::new("f", made, true)].into());
        }
        for _ in 0..maps {
            let parts = vec![Field::new("key", DataType::Utf8, false), Field::new("value", made, true)];
            made = DataType::Map(
                Arc::new(Field::new("key_value", DataType::Struct(parts.into()), false)),
                false,
            );
        }
        for _ in 0..lists {
            made = DataType::List(Arc::new(Field::new("element", made, true)));
        }
        made
    }

    #[test]
    fn a_type_is_refused_if_readers_of_the_log_would_fail() {
        let readable = |data_type: &DataType| {
            let schema = Schema::new(vec![Field::new("c", data_type.clone(), true)]);
            let kernel: StructType = (&schema).try_into_kernel().unwrap();
            let text = serde_json::to_string(&kernel).unwrap();
            serde_json::from_str::<StructType>(&text).is_ok()
        };
        let accepted = |data_type: &DataType| {
            delta_schema(&Schema::new(vec![Field::new("c", data_type.clone(), true)]), &[]).is_ok()
        };
        for structs in 38..=44 {
            for (lists, maps) in [(0, 0), (1, 0), (0, 1), (2, 2), (3, 0), (0, 9)] {
                let data_type = nested(lists, maps, structs);
                let levels = lists + maps + structs;
                assert_eq!(
                    accepted(&data_type),
                    readable(&data_type) && levels <= DEEPEST,
                    "{lists} lists, {maps} maps, {structs} structs"
                );
            }
        }
        for data_type in [nested(50, 0, 0), nested(0, 50, 0), nested(25, 25, 0)] {
            assert!(accepted(&data_type) && readable(&data_type));
        }
        let problem = |data_type: &DataType| too_deep(data_type).unwrap_or_default();
        insta::assert_snapshot!(
            [problem(&nested(51, 0, 0)), problem(&nested(0, 51, 0)), problem(&nested(0, 0, 42))].join("\n"),
            @r"
        is nested 51 levels deep, and the limit is 50
        is nested 51 levels deep, and the limit is 50
        is nested 42 levels deep, which are 126 levels of JSON in the table's log, and the limit is 123: a struct counts three times, so that 41 can be within each other
        "
        );
    }
}
