//! Queries of every shape with their expected lineage.
//!
//! The expected text has one line per column, `name = relation.column how, …; relation.column use, …`, and a
//! line `rows: …` for the uses that decide about the rows, if there are any. It omits the schema.

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
async fn joins() {
    check(&[
        (
            "select o.id, c.name from s.o join s.c on o.cust = c.id",
            "id = o.id copied\nname = c.name copied\nrows: c.id join, o.cust join",
        ),
        (
            "select o.id, c.name from s.o left join s.c on o.cust = c.id and c.country = 'x' where o.amount > 0",
            "id = o.id copied\nname = c.name copied\nrows: c.country join, c.id join, o.amount filter, o.cust join",
        ),
        (
            "select id, label, amount from s.o join s.t using (id)",
            "id = o.id copied\nlabel = t.label copied\namount = o.amount copied\nrows: o.id join, t.id join",
        ),
        (
            "select id, label from s.t full join (select id from s.o) as o using (id)",
            "id = o.id transformed, t.id transformed\nlabel = t.label copied\nrows: o.id join, t.id join",
        ),
        (
            "select child.label as child, parent.label as parent from s.t as child, s.t as parent \
             where child.parent = parent.id",
            "child = t.label renamed\nparent = t.label renamed\nrows: t.id filter, t.parent filter",
        ),
        (
            "select o.id, t.label from s.o cross join s.t",
            "id = o.id copied\nlabel = t.label copied",
        ),
        (
            "select c.name from s.c left semi join s.o on o.cust = c.id",
            "name = c.name copied\nrows: c.id join, o.cust join",
        ),
        (
            "select c.name from s.c left anti join s.o on o.cust = c.id",
            "name = c.name copied\nrows: c.id join, o.cust join",
        ),
        (
            "select c.name from s.c semi join s.o on o.cust = c.id",
            "name = c.name copied\nrows: c.id join, o.cust join",
        ),
        (
            "select o.id, p.amount as before from s.o asof left join s.o as p on o.cust = p.cust and o.day > p.day",
            "id = o.id copied\nbefore = o.amount renamed\nrows: o.cust join, o.day join",
        ),
        (
            "select o.cust, t.label from s.o asof join s.t using (id)",
            "cust = o.cust copied\nlabel = t.label copied\nrows: o.id join, t.id join",
        ),
    ])
    .await;
}

#[tokio::test]
async fn subqueries() {
    check(&[
        (
            "select name from s.c where id in (select cust from s.o where amount > 1)",
            "name = c.name copied\nrows: c.id filter, o.amount filter, o.cust filter",
        ),
        (
            "select name from s.c where exists (select 1 from s.o where o.cust = c.id)",
            "name = c.name copied\nrows: c.id filter, o.cust filter",
        ),
        (
            "select name, (select max(amount) from s.o where o.cust = c.id) as best from s.c",
            "name = c.name copied\nbest = o.amount aggregated; c.id filter, o.cust filter",
        ),
        (
            "select id from s.o where amount > (select avg(amount) from s.o)",
            "id = o.id copied\nrows: o.amount filter",
        ),
        (
            "select name, id in (select cust from s.o) as buys from s.c",
            "name = c.name copied\nbuys = nothing; c.id filter+condition, o.cust filter+condition",
        ),
        (
            "select c.name, l.amount from s.c join lateral (select amount from s.o where o.cust = c.id) as l on true",
            "name = c.name copied\namount = o.amount copied\nrows: c.id filter, o.cust filter",
        ),
    ])
    .await;
}

#[tokio::test]
async fn common_table_expressions_and_sets() {
    check(&[
        (
            "with paid as (select id, cust, amount from s.o where status = 'paid'), \
             by_customer as (select cust, sum(amount) as total from paid group by cust) \
             select c.name, b.total as spent from by_customer as b join s.c on c.id = b.cust",
            "name = c.name copied\nspent = o.amount aggregated\n\
             rows: c.id join, o.cust join+group, o.status filter",
        ),
        (
            "with a(x, y) as (select id, label from s.t) select y, x from a",
            "y = t.label renamed\nx = t.id renamed",
        ),
        (
            "select id, label as name from s.t union all select id, name from s.c",
            "id = c.id copied, t.id copied\nname = c.name copied, t.label renamed",
        ),
        (
            "select id from s.t union select cust from s.o",
            "id = o.cust renamed, t.id copied\nrows: o.cust group, t.id group",
        ),
        (
            "select label as name, id from s.t union all by name select id, name from s.c",
            "name = c.name copied, t.label renamed\nid = c.id copied, t.id copied",
        ),
        (
            "select id from s.t except select cust from s.o",
            "id = t.id copied\nrows: o.cust join, t.id join+group",
        ),
        (
            "select id from s.t intersect select cust from s.o",
            "id = t.id copied\nrows: o.cust join, t.id join+group",
        ),
        (
            "with recursive up as (select id, parent, label as path from s.t where parent is null \
             union all select t.id, t.parent, up.path || t.label from s.t join up on t.parent = up.id) \
             select id, path from up",
            "id = t.id copied\npath = t.label transformed\nrows: t.id join, t.parent filter+join",
        ),
        ("select * from (values (1, 'a'), (2, 'b')) as x(n, l)", "n = nothing\nl = nothing"),
        (
            "select c.name, d.label from s.c join (values (1, 'a')) as d(id, label) using (id)",
            "name = c.name copied\nlabel = nothing\nrows: c.id join",
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
