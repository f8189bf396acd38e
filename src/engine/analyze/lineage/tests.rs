//! Queries of every shape with their expected lineage.
//!
//! The expected text has one line per column, `name = relation.column how, …; relation.column use, …`, and a
//! line `rows: …` for the uses that decide about the rows, if there are any. It omits the schema.

mod relations;

use std::{fmt::Write as _, sync::Arc};

use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema};

use super::*;
use crate::engine::{Engine, EngineSettings, SchemaRef};

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn list() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
}

fn structure() -> DataType {
    let fields = [Field::new("street", DataType::Utf8, true), Field::new("zip", DataType::Utf8, true)];
    DataType::Struct(Fields::from_iter(fields))
}

/// Creates an engine with the tables `o` (orders), `c` (customers) and `t` (trees), and the view `v` of large
/// orders.
async fn engine() -> Engine {
    use DataType::{Date32, Float64, Int64, Utf8};
    let settings = EngineSettings {
        threads: 1,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    let engine = Engine::new(&settings).unwrap();
    let tables = [
        (
            "o",
            schema(&[("id", Int64), ("cust", Int64), ("amount", Float64), ("status", Utf8), ("day", Date32)]),
        ),
        (
            "c",
            schema(&[
                ("id", Int64),
                ("name", Utf8),
                ("country", Utf8),
                ("tags", list()),
                ("home", structure()),
            ]),
        ),
        ("t", schema(&[("id", Int64), ("parent", Int64), ("label", Utf8)])),
    ];
    for (name, schema) in tables {
        engine.declare_table(&Relation::new("s", name), schema).unwrap();
    }
    let view = engine.plan("select id as order_id, amount from s.o where amount > 100").await.unwrap();
    engine.declare_view(&Relation::new("s", "v"), &view).unwrap();
    engine
}

fn uses(uses: &ColumnUses) -> String {
    let one = |(origin, kinds): (&ColumnOrigin, &BTreeSet<ColumnUse>)| {
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
        format!("{}.{} {}", origin.relation.name, origin.column, kinds.join("+"))
    };
    uses.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn written(lineage: &QueryLineage) -> String {
    let mut text = String::new();
    for column in &lineage.columns {
        let values = column.values.iter().map(|(origin, how)| {
            format!("{}.{} {}", origin.relation.name, origin.column, format!("{how:?}").to_lowercase())
        });
        let values = values.collect::<Vec<_>>().join(", ");
        let _ = write!(text, "{} = {}", column.name, if values.is_empty() { "nothing" } else { &values });
        if !column.uses.is_empty() {
            let _ = write!(text, "; {}", uses(&column.uses));
        }
        text.push('\n');
    }
    if !lineage.rows.is_empty() {
        let _ = writeln!(text, "rows: {}", uses(&lineage.rows));
    }
    text
}

async fn check(all: &[(&str, &str)]) {
    let engine = engine().await;
    let mut faults = Vec::new();
    for (sql, expect) in all {
        let query = engine.plan(sql).await.unwrap_or_else(|error| panic!("{sql}: {}", error.message));
        let expect: Vec<&str> = expect.trim().lines().map(str::trim).collect();
        let is = written(&query.lineage(&|_| true));
        if is.trim().lines().collect::<Vec<_>>() != expect {
            faults.push(format!("{sql}\n--- is\n{is}--- should be\n{}", expect.join("\n")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[tokio::test]
async fn projections_and_filters() {
    check(&[
        ("select id, cust as customer from s.o", "id = o.id copied\ncustomer = o.cust renamed"),
        ("select * from s.t", "id = t.id copied\nparent = t.parent copied\nlabel = t.label copied"),
        (
            "select * exclude (parent, label) from s.t",
            "id = t.id copied",
        ),
        (
            "select * replace (upper(label) as label) from s.t",
            "id = t.id copied\nparent = t.parent copied\nlabel = t.label transformed",
        ),
        ("select 1 as one, 'x' as x", "one = nothing\nx = nothing"),
        (
            "select amount * 1.2 as gross, cast(day as varchar) as day from s.o where status = 'paid'",
            "gross = o.amount transformed\nday = o.day transformed\nrows: o.status filter",
        ),
        ("select coalesce(label, cast(id as varchar)) as l from s.t", "l = t.id transformed, t.label transformed"),
        (
            "select case when status = 'paid' then amount else 0 end as paid from s.o",
            "paid = o.amount transformed; o.status condition",
        ),
        (
            "select case cust when 1 then status when id then 'own' end as c from s.o",
            "c = o.status transformed; o.cust condition, o.id condition",
        ),
        ("select amount > 5 and status is null as odd from s.o", "odd = o.amount transformed, o.status transformed"),
        (
            "select id from s.o order by day desc, amount limit 3",
            "id = o.id copied\nrows: o.amount order, o.day order",
        ),
        (
            "select a.id from (select id, cust from s.o where amount between 1 and 2) as a where a.cust in (1, 2)",
            "id = o.id copied\nrows: o.amount filter, o.cust filter",
        ),
    ])
    .await;
}

#[tokio::test]
async fn aggregates() {
    check(&[
        (
            "select cust, sum(amount) as total, count(*) as n from s.o group by cust",
            "cust = o.cust copied\ntotal = o.amount aggregated\nn = nothing\nrows: o.cust group",
        ),
        (
            "select status, max(amount) - min(amount) as span from s.o group by all having count(id) > 2",
            "status = o.status copied\nspan = o.amount aggregated\nrows: o.id filter, o.status group",
        ),
        (
            "select date_trunc('month', day) as month, avg(amount) as mean from s.o group by 1",
            "month = o.day transformed\nmean = o.amount aggregated\nrows: o.day group",
        ),
        (
            "select sum(amount) filter (where status = 'paid') as paid from s.o",
            "paid = o.amount aggregated; o.status condition",
        ),
        (
            "select array_agg(label order by id) as labels from s.t",
            "labels = t.label aggregated; t.id order",
        ),
        (
            "select sum(case when status = 'paid' then amount end) as paid from s.o",
            "paid = o.amount aggregated; o.status condition",
        ),
        (
            "select cust, status, count(distinct id) as n from s.o group by rollup (cust, status)",
            "cust = o.cust copied\nstatus = o.status copied\nn = o.id aggregated\nrows: o.cust group, o.status group",
        ),
        (
            "select distinct cust, status from s.o",
            "cust = o.cust copied\nstatus = o.status copied\nrows: o.cust group, o.status group",
        ),
        (
            "select distinct on (cust) cust, id from s.o order by cust, day desc",
            "cust = o.cust copied\nid = o.id copied\nrows: o.cust order+window, o.day order+window",
        ),
        (
            "select total + 1 as total from (select sum(amount) as total from s.o)",
            "total = o.amount aggregated",
        ),
    ])
    .await;
}

#[tokio::test]
async fn windows() {
    check(&[
        (
            "select id, row_number() over (partition by cust order by day) as n from s.o",
            "id = o.id copied\nn = nothing; o.cust window, o.day window",
        ),
        (
            "select sum(amount) over (partition by cust order by day) as running from s.o",
            "running = o.amount aggregated; o.cust window, o.day window",
        ),
        (
            "select lag(amount) over (order by day) as before from s.o",
            "before = o.amount transformed; o.day window",
        ),
        (
            "select id, amount from s.o qualify row_number() over (partition by cust order by day desc) = 1",
            "id = o.id copied\namount = o.amount copied\nrows: o.cust window, o.day window",
        ),
        (
            "select cust, sum(sum(amount)) over (order by cust) as running from s.o group by cust",
            "cust = o.cust copied\nrunning = o.amount aggregated; o.cust window\nrows: o.cust group",
        ),
        ("select amount / sum(amount) over () as share from s.o", "share = o.amount aggregated"),
    ])
    .await;
}

#[tokio::test]
async fn pivoted_tables() {
    check(&[
        (
            "from s.o pivot (sum(amount) for status in ('paid', 'open') group by cust)",
            "cust = o.cust copied\npaid = o.amount aggregated; o.status condition\n\
             open = o.amount aggregated; o.status condition\nrows: o.cust group",
        ),
        (
            "from s.t unpivot (v for n in (id, parent))",
            "label = t.label copied\nn = nothing\nv = t.id transformed, t.parent transformed\n\
             rows: t.id filter, t.parent filter",
        ),
        ("select max(columns('id|parent')) from s.t", "id = t.id aggregated\nparent = t.parent aggregated"),
    ])
    .await;
}

#[tokio::test]
async fn nested_values() {
    check(&[
        (
            "select c.name, u.tag from s.c, unnest(c.tags) as u(tag)",
            "name = c.name copied\ntag = c.tags transformed",
        ),
        ("select id, unnest(tags) as tag from s.c", "id = c.id copied\ntag = c.tags transformed"),
        ("select home.zip as zip from s.c", "zip = c.home transformed"),
        ("select c.home['street'] as street from s.c", "street = c.home transformed"),
        ("select {'a': id, 'b': label} as both from s.t", "both = t.id transformed, t.label transformed"),
        ("select g.generate_series as n from generate_series(1, 3) as g", "n = nothing"),
    ])
    .await;
}

#[tokio::test]
async fn views_end_the_walk_where_they_are_known() {
    check(&[
        ("select order_id, amount from s.v", "order_id = v.order_id copied\namount = v.amount copied"),
        (
            "select x.amount as a from s.v as x where order_id > 1",
            "a = v.amount renamed\nrows: v.order_id filter",
        ),
    ])
    .await;
    let engine = engine().await;
    let query = engine.plan("select order_id, amount from s.v").await.unwrap();
    let through = query.lineage(&|relation| relation.name != "v");
    assert_eq!(
        written(&through),
        "order_id = o.id renamed\namount = o.amount copied\nrows: o.amount filter\n"
    );
    let unknown = query.lineage(&|_| false);
    assert_eq!(written(&unknown), "order_id = nothing\namount = nothing\n");
}
