//! Filters over lake tables: any predicate keeps the same rows as over the same data in memory, however the
//! rows are distributed over partitions and files.

mod statistics;

use std::fmt::Write as _;

use deltalake::datafusion::{
    arrow::{
        array::{
            AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, StructArray,
        },
        compute::concat_batches,
        datatypes::{Field, Int64Type},
    },
    common::Column,
    datasource::MemTable,
    logical_expr::{Expr, TableProviderFilterPushDown, lit},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};

use super::*;
use crate::engine::{Engine, EngineSettings};

/// The number of rows in each file.
const FILE_ROWS: usize = 5;

/// The columns that tables are filtered and partitioned by.
const COLUMNS: [(&str, ColumnKind); 10] = [
    ("s['a']", ColumnKind::Integer),
    ("x", ColumnKind::Double),
    ("n", ColumnKind::Huge),
    ("y", ColumnKind::Binary),
    ("i", ColumnKind::Integer),
    ("t", ColumnKind::Text),
    ("d", ColumnKind::Date),
    ("m", ColumnKind::Decimal),
    ("ts", ColumnKind::Timestamp),
    ("b", ColumnKind::Boolean),
];

/// The partition columns and the writer of each table.
const LAYOUTS: [(&[&str], TableWriter); 14] = [
    (&[], TableWriter::Lake),
    (&["i"], TableWriter::Lake),
    (&["t"], TableWriter::Lake),
    (&["d"], TableWriter::Lake),
    (&["ts"], TableWriter::Lake),
    (&["b"], TableWriter::Lake),
    (&["x"], TableWriter::Lake),
    (&["t", "i"], TableWriter::Lake),
    (&["x", "d"], TableWriter::Lake),
    (&[], TableWriter::Another),
    (&[], TableWriter::Another),
    (&["m"], TableWriter::Another),
    (&["n"], TableWriter::Another),
    (&["x", "m"], TableWriter::Another),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TableWriter {
    Lake,
    /// delta-rs by itself, which writes rounded bounds and ignores NaN.
    Another,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnKind {
    Integer,
    Text,
    Date,
    Decimal,
    Timestamp,
    Boolean,
    Double,
    /// More digits than a 64-bit float holds.
    Huge,
    Binary,
}

impl ColumnKind {
    /// Returns SQL literals: values in the rows, some in between, and NULL.
    fn literals(self) -> Vec<String> {
        let typed = |values: &[&str], name: &str| {
            values.iter().map(|value| format!("cast('{value}' as {name})")).collect()
        };
        let mut literals: Vec<String> = match self {
            Self::Integer => ["-2", "-1", "0", "1", "2", "7", "9007199254740993"].map(str::to_owned).into(),
            Self::Double => typed(&["NaN", "-1.5", "0.25", "1", "1e300", "inf", "-inf"], "double"),
            Self::Huge => typed(
                &["0.1", "12345678901234567890.1234567891", "-9999999999999999999.0000000001", "1e27"],
                "decimal(38, 10)",
            ),
            Self::Binary => ["x'ff'", "x'80'", "x'61'", "x''"].map(str::to_owned).into(),
            Self::Text => ["'a'", "'b'", "'a b'", "'é/='", "'A'", "''", "'zz'"].map(str::to_owned).into(),
            Self::Date => {
                typed(&["1970-01-01", "2024-02-29", "2024-03-01", "0001-01-01", "9999-12-31"], "date")
            }
            Self::Decimal => typed(&["-0.001", "0", "12.345", "-12.5", "99999.999"], "decimal(9, 3)"),
            Self::Timestamp => typed(
                &["1969-12-31 23:59:59.999999", "2024-02-29 12:00:00", "0001-01-01 00:00:00"],
                "timestamp",
            ),
            Self::Boolean => ["true", "false"].map(str::to_owned).into(),
        };
        literals.push("null".to_owned());
        literals
    }

    /// Returns expressions of the same kind over a column of that kind.
    fn over(self, column: &str) -> Vec<String> {
        let more: &[&str] = match self {
            Self::Integer => &["@ + 1", "-@", "@ * 2 - 1", "@ % 2", "abs(@)"],
            Self::Text => &["upper(@)", "@ || 'x'", "substr(@, 1, 1)"],
            Self::Date => &["greatest(@, cast('2000-01-01' as date))"],
            Self::Decimal | Self::Huge => &["-@", "abs(@)"],
            Self::Double => &["@ + 1", "-@", "abs(@)", "cast(@ as float)"],
            Self::Binary => &[],
            Self::Timestamp => &["date_trunc('year', @)"],
            Self::Boolean => &["not @", "@ or false"],
        };
        let more = more.iter().map(|form| format!("({})", form.replace('@', column)));
        [column.to_owned(), column.to_owned(), column.to_owned()]
            .into_iter()
            .chain(more)
            .chain([
                format!("coalesce({column}, {})", self.literals()[1]),
                format!("nullif({column}, {column})"),
            ])
            .collect()
    }
}

fn predicates() -> impl Strategy<Value = String> {
    const COMPARISONS: [&str; 8] =
        ["=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"];
    let column = select(COLUMNS.to_vec());
    let leaf = column.prop_flat_map(|(name, kind)| {
        let literal = || select(kind.literals());
        let operand = || select(kind.over(name));
        prop_oneof![
            4 => (operand(), select(COMPARISONS.to_vec()), literal()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            1 => (literal(), select(COMPARISONS.to_vec()), operand()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            1 => (operand(), select(COMPARISONS.to_vec()), operand()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            3 => (operand(), any::<bool>(), proptest::collection::vec(literal(), 1..5)).prop_map(|(a, not, list)| {
                format!("{a} {}in ({})", if not { "not " } else { "" }, list.join(", "))
            }),
            3 => (operand(), any::<bool>(), literal(), literal()).prop_map(|(a, not, low, high)| {
                format!("{a} {}between {low} and {high}", if not { "not " } else { "" })
            }),
            2 => (operand(), any::<bool>())
                .prop_map(|(a, not)| format!("{a} is {}null", if not { "not " } else { "" })),
            1 => (any::<bool>(), select(vec!["a%", "%b", "_", "%", "", "A", "é%"])).prop_map(|(not, pattern)| {
                format!("t {}like '{pattern}'", if not { "not " } else { "" })
            }),
            1 => (literal(), literal(), select(COMPARISONS.to_vec())).prop_map(|(a, b, op)| format!("{a} {op} {b}")),
            1 => select(vec!["true", "false", "cast(null as boolean)", "b", "not b", "id > 12", "id = i"])
                .prop_map(str::to_owned),
        ]
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        let one = inner.clone();
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner);
        prop_oneof![
            2 => one.prop_map(|a| format!("not ({a})")),
            3 => two.clone().prop_map(|(a, b)| format!("({a}) and ({b})")),
            3 => two.prop_map(|(a, b)| format!("({a}) or ({b})")),
            1 => three.prop_map(|(a, b, c)| format!("case when {a} then {b} else {c} end")),
        ]
    })
}

/// Repeats the values up to `count`.
fn cycle<T: Copy>(values: &[Option<T>], count: usize) -> impl Iterator<Item = Option<T>> {
    values.iter().copied().cycle().take(count).collect::<Vec<_>>().into_iter()
}

/// Returns rows with every special value, most of them in several combinations.
fn rows() -> RecordBatch {
    let integers = [Some(1), Some(2), None, Some(-1), Some(0), Some(9_007_199_254_740_993), Some(2)];
    let doubles = [Some(1.0), Some(f64::NAN), Some(1.0), None, Some(-1.5), Some(f64::INFINITY), Some(0.25)];
    let huge = [
        Some(123_456_789_012_345_678_901_234_567_891),
        Some(1_000_000_000),
        None,
        Some(-99_999_999_999_999_999_990_000_000_001),
        Some(10_i128.pow(37)),
    ];
    let bytes: [Option<&[u8]>; 5] = [Some(&[0xff]), Some(b"a"), None, Some(&[0x80, 0]), Some(b"")];
    let long = "z".repeat(70);
    let texts = [Some("a"), Some("b"), None, Some("a b"), Some("é/="), Some("A"), Some(&long[..])];
    let dates = [Some(0), Some(19_782), None, Some(-719_162), Some(2_932_896), Some(19_783)];
    let decimals = [Some(-1), Some(12_345), None, Some(-12_500), Some(0), Some(99_999_999), Some(1)];
    let micros = [Some(-1), Some(1_709_208_000_000_000), None, Some(-62_135_596_800_000_000)];
    let booleans = [Some(true), Some(false), None];
    let count = 6 * FILE_ROWS;
    columns([
        ("id", Arc::new(Int64Array::from_iter_values(0..i64::try_from(count).unwrap())) as ArrayRef),
        ("i", Arc::new(cycle(&integers, count).collect::<Int64Array>())),
        ("t", Arc::new(cycle(&texts, count).collect::<StringArray>())),
        ("d", Arc::new(cycle(&dates, count).collect::<Date32Array>())),
        (
            "m",
            Arc::new(
                cycle(&decimals, count).collect::<Decimal128Array>().with_precision_and_scale(9, 3).unwrap(),
            ),
        ),
        ("ts", Arc::new(cycle(&micros, count).collect::<TimestampMicrosecondArray>())),
        ("b", Arc::new(cycle(&booleans, count).collect::<BooleanArray>())),
        ("x", Arc::new(cycle(&doubles, count).collect::<Float64Array>())),
        (
            "n",
            Arc::new(
                cycle(&huge, count).collect::<Decimal128Array>().with_precision_and_scale(38, 10).unwrap(),
            ),
        ),
        ("y", Arc::new(cycle(&bytes, count).collect::<BinaryArray>())),
        ("s", structs(&cycle(&integers, count).collect())),
    ])
}

/// Returns structs of one field, every third of them NULL.
fn structs(values: &Int64Array) -> ArrayRef {
    let nulls = (0..values.len()).map(|row| row % 3 > 0).collect::<Vec<_>>();
    // A NULL struct has no field value: DataFusion 55.2 would expose the underlying memory.
    let values: Int64Array =
        values.iter().zip(&nulls).map(|(value, valid)| value.filter(|_| *valid)).collect();
    let field = Field::new("a", DataType::Int64, true);
    Arc::new(StructArray::new(vec![field].into(), vec![Arc::new(values)], Some(nulls.into())))
}

fn engine() -> Engine {
    let settings = EngineSettings {
        threads: 2,
        memory_limit: None,
        dialect: "duckdb".to_owned(),
        database: "lake".to_owned(),
        temp_dir: None,
    };
    Engine::new(&settings).unwrap()
}

/// Writes the rows in several commits and returns the newest version of the table.
async fn laid_out(
    fixture: &LakeFixture,
    rows: &RecordBatch,
    partition_by: &[&str],
    writer: TableWriter,
) -> Table {
    for start in (0..rows.num_rows()).step_by(FILE_ROWS) {
        let part = rows.slice(start, FILE_ROWS);
        if writer == TableWriter::Another {
            std::fs::create_dir_all(fixture.path()).unwrap();
            let table = DeltaTableBuilder::from_url(fixture.lake.url(&fixture.table)).unwrap();
            let table = if start == 0 { table.build().unwrap() } else { table.load().await.unwrap() };
            let _ = table.write([part]).with_partition_columns(partition_by.to_vec()).await.unwrap();
            continue;
        }
        let mut write = overwrite(part.schema(), partition_by);
        if let Some(base) = fixture.lake.base(&fixture.table).await.unwrap() {
            write.replaces = Replaces::Nothing { of: base.version() };
        }
        let streams = vec![stream(&part.schema(), vec![Ok(part)])];
        let staged = fixture.writer.stage(&fixture.table, write, streams, &CancellationToken::new()).await;
        staged.unwrap().publish().await.unwrap();
    }
    fixture.lake.provider(&fixture.table).await.unwrap().unwrap()
}

/// Returns one number for each row of a query's result, or the error.
async fn result(context: &SessionContext, sql: &str) -> Result<Vec<i64>, EngineError> {
    let batches = context.sql(sql).await?.collect().await?;
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let all = concat_batches(&first.schema(), &batches)?;
    Ok(all.column(0).as_primitive::<Int64Type>().iter().map(Option::unwrap_or_default).collect())
}

#[test]
fn every_predicate_keeps_the_rows_it_keeps_in_memory() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let rows = rows();
    let context = SessionContext::new_with_state(engine().session().as_ref().clone());
    let memory = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
    context.register_table("memory", Arc::new(memory)).unwrap();
    let mut fixtures = Vec::new();
    for (number, (partition_by, writer)) in LAYOUTS.iter().enumerate() {
        let fixture = LakeFixture::with_session(Arc::new(context.state()));
        let table = runtime.block_on(laid_out(&fixture, &rows, partition_by, *writer));
        context.register_table(format!("lake_{number}"), table).unwrap();
        fixtures.push(fixture);
    }

    let check = async |layout: usize, predicate: &str| {
        let ids = |table: &str| format!("select id from {table} where {predicate} order by id");
        let Ok(expected) = result(&context, &ids("memory")).await else { return Ok(()) };
        let table = format!("lake_{layout}");
        let mut wrong = String::new();
        match result(&context, &ids(&table)).await {
            Ok(found) if found == expected => {}
            Ok(found) => write!(wrong, "keeps {found:?}, not {expected:?}").unwrap(),
            Err(error) => write!(wrong, "fails: {error}").unwrap(),
        }
        let all = i64::try_from(expected.len()).unwrap();
        let counts = [
            (format!("select count(*) from {table} where {predicate}"), all),
            (format!("select count(*) from (select id from {table} where {predicate} limit 2)"), all.min(2)),
            (format!("select count(*) from (select 1 from {table} where {predicate} limit 7)"), all.min(7)),
        ];
        for (sql, expected) in counts {
            match result(&context, &sql).await {
                Ok(found) if found == [expected] => {}
                other => write!(wrong, "\n{sql}\ngives {other:?}, not {expected}").unwrap(),
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(TestCaseError::fail(format!("{:?}, {predicate}: {wrong}", LAYOUTS[layout])))
    };
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 80;
    }
    let mut runner = TestRunner::new(config);
    let tried = runner.run(&(0..LAYOUTS.len(), predicates()), |(layout, predicate)| {
        runtime.block_on(check(layout, &predicate))
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_table_claims_to_have_applied_a_filter() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 4), &["meter"]).await;
    let base = fixture.lake.base(&fixture.table).await.unwrap().unwrap();
    let files = base.files().unwrap();
    let staged = fixture.stage(vec![vec![readings(0, 3)]], &["meter"]).await.unwrap();
    let (written, replaced) = staged.differences().await.unwrap();
    let tables = [
        fixture.lake.provider(&fixture.table).await.unwrap().unwrap(),
        base.rows().await.unwrap(),
        base.rows_of(&files).await.unwrap(),
        base.rows_with_files("file").await.unwrap(),
        staged.provider().await.unwrap(),
        written,
        replaced,
    ];
    let meter = Expr::Column(Column::from_name("meter"));
    let null = Expr::Literal(deltalake::datafusion::common::ScalarValue::Boolean(None), None);
    for filter in [meter.clone().eq(lit("m0")), meter.is_not_null(), null] {
        for table in &tables {
            let claims = table.supports_filters_pushdown(&[&filter]).unwrap();
            assert_ne!(claims, [TableProviderFilterPushDown::Exact], "{filter}");
        }
    }
    staged.abort().await.unwrap();
}
