//! Change feed: the rows inserted into and deleted from a table between two of its versions, as a table whose
//! last column has the kind of change. Rows that were rewritten unchanged don't appear.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema},
    common::{Column, ScalarValue},
    datasource::{provider_as_source, view::ViewTable},
    error::Result,
    functions::math::expr_fn::abs,
    functions_aggregate::expr_fn::sum,
    functions_nested::expr_fn::gen_series,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, when},
};

use crate::engine::{SchemaRef, Table};

/// The last column: the kind of change. Named as in Delta's change data feed.
pub const CHANGE_TYPE: &str = "_change_type";
/// The row was inserted.
pub const INSERT: &str = "insert";
/// The row was deleted.
pub const DELETE: &str = "delete";

/// The number of inserts of a row minus the number of its deletes.
const TIMES: &str = "_headwater_times";

/// Returns a table's columns followed by [`CHANGE_TYPE`].
#[must_use]
pub fn with_change_type(schema: &SchemaRef) -> Schema {
    let last = Arc::new(Field::new(CHANGE_TYPE, DataType::Utf8, true));
    Schema::new(schema.fields().iter().cloned().chain([last]).collect::<Vec<_>>())
}

/// Returns all rows of a table as inserted.
pub fn all_inserted(table: &Table) -> Result<Table> {
    let plan = LogicalPlanBuilder::scan("inserted", provider_as_source(Arc::clone(table)), None)?;
    let columns = columns(table).chain([lit(INSERT).alias(CHANGE_TYPE)]);
    Ok(view(plan.project(columns)?.build()?))
}

/// Returns the net changes after the rows of `inserted` were written and those of `deleted` were removed.
/// Rows in both cancel each other out, as often as they occur in both. The columns are those of `inserted`;
/// deleted rows have NULL in columns that they lack.
pub fn net_changes(inserted: &Table, deleted: &Table) -> Result<Table> {
    let one = |name: &str, table: &Table, times: i64| {
        let source = provider_as_source(Arc::clone(table));
        let columns = columns_of(table, &inserted.schema()).into_iter().chain([lit(times).alias(TIMES)]);
        LogicalPlanBuilder::scan(name, source, None)?.project(columns)?.build()
    };
    let both = LogicalPlanBuilder::from(one("inserted", inserted, 1)?).union(one("deleted", deleted, -1)?)?;
    let times = || Expr::Column(Column::from_name(TIMES));
    let counted =
        both.aggregate(columns(inserted), [sum(times()).alias(TIMES)])?.filter(times().not_eq(lit(0_i64)))?;
    let kind = when(times().gt(lit(0_i64)), lit(INSERT)).otherwise(lit(DELETE))?.alias(CHANGE_TYPE);
    let each = gen_series(lit(1_i64), abs(times()), lit(1_i64)).alias(TIMES);
    let repeated = counted.project(columns(inserted).chain([kind, each]))?.unnest_column(TIMES)?;
    let last = Expr::Column(Column::from_name(CHANGE_TYPE));
    Ok(view(repeated.project(columns(inserted).chain([last]))?.build()?))
}

/// Returns a table's columns as wanted: cast to the wanted types, and NULL if the table lacks one.
pub(crate) fn columns_of(table: &Table, wanted: &SchemaRef) -> Vec<Expr> {
    let schema = table.schema();
    let column = |field: &Arc<Field>| {
        let (name, wanted) = (field.name(), field.data_type());
        match schema.field_with_name(name) {
            Ok(own) if own.data_type() == wanted => Expr::Column(Column::from_name(name)),
            Ok(_) => cast(Expr::Column(Column::from_name(name)), wanted.clone()).alias(name),
            Err(_) => cast(lit(ScalarValue::Null), wanted.clone()).alias(name),
        }
    };
    wanted.fields().iter().map(column).collect()
}

fn columns(table: &Table) -> impl Iterator<Item = Expr> + use<> {
    let names: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
    names.into_iter().map(|name| Expr::Column(Column::from_name(name)))
}

fn view(plan: LogicalPlan) -> Table {
    Arc::new(ViewTable::new(plan, None))
}

#[cfg(test)]
mod tests {
    use datafusion::{
        arrow::{
            array::{Float64Array, RecordBatch, StringArray},
            util::pretty::pretty_format_batches,
        },
        datasource::MemTable,
        prelude::SessionContext,
    };

    use super::*;

    fn table(columns: &[&str], rows: &[(Option<&str>, Option<f64>)]) -> Table {
        let fields = [(columns[0], DataType::Utf8), (columns[1], DataType::Float64)];
        let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let names: StringArray = rows.iter().map(|(name, _)| *name).collect();
        let values: Float64Array = rows.iter().map(|(_, value)| *value).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(names), Arc::new(values)]);
        Arc::new(MemTable::try_new(schema, vec![vec![batch.unwrap()]]).unwrap())
    }

    async fn shown(table: Table) -> String {
        let context = SessionContext::new();
        let rows = context.read_table(table).unwrap().collect().await.unwrap();
        let mut lines: Vec<String> =
            pretty_format_batches(&rows).unwrap().to_string().lines().map(str::to_owned).collect();
        lines.retain(|line| !line.starts_with('+'));
        lines[1..].sort();
        lines.join("\n")
    }

    #[tokio::test]
    async fn only_the_difference_is_told_and_rows_count_as_often_as_they_occur() {
        let inserted = table(
            &["a", "b"],
            &[
                (Some("x"), Some(1.0)),
                (Some("x"), Some(1.0)),
                (Some("x"), Some(1.0)),
                (None, None),
                (Some("new"), None),
            ],
        );
        let deleted = table(
            &["a", "b"],
            &[
                (Some("x"), Some(1.0)),
                (None, None),
                (Some("gone"), Some(f64::NAN)),
                (Some("gone"), Some(f64::NAN)),
            ],
        );
        insta::assert_snapshot!(shown(net_changes(&inserted, &deleted).unwrap()).await, @r"
        | a    | b   | _change_type |
        | gone | NaN | delete       |
        | gone | NaN | delete       |
        | new  |     | insert       |
        | x    | 1.0 | insert       |
        | x    | 1.0 | insert       |
        ");
    }

    #[tokio::test]
    async fn a_column_that_is_new_makes_other_rows() {
        let inserted = table(&["a", "c"], &[(Some("x"), None), (Some("y"), Some(1.0))]);
        let deleted = table(&["a", "b"], &[(Some("x"), Some(1.0)), (Some("y"), Some(1.0))]);
        insta::assert_snapshot!(shown(net_changes(&inserted, &deleted).unwrap()).await, @r"
        | a | c   | _change_type |
        | y |     | delete       |
        | y | 1.0 | insert       |
        ");
    }

    #[tokio::test]
    async fn all_rows_of_a_table_are_inserted() {
        let inserted = table(&["a", "b"], &[(Some("x"), Some(1.0))]);
        insta::assert_snapshot!(shown(all_inserted(&inserted).unwrap()).await, @r"
        | a | b   | _change_type |
        | x | 1.0 | insert       |
        ");
    }
}
