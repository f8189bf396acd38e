//! Planning: from SQL to a type-checked query, as for each model when a project is compiled.

use std::sync::Arc;

use divan::Bencher;
use headwater::bench::{
    Engine, Relation,
    arrow::datatypes::{DataType, Field, Schema},
};

const TYPES: [DataType; 4] = [DataType::Int64, DataType::Float64, DataType::Utf8View, DataType::Date32];

/// Returns an engine that knows two tables of forty columns: `a_0`, `a_1`, and so on.
fn engine() -> Engine {
    let engine = crate::engine();
    for table in ["a", "b"] {
        let fields: Vec<Field> = (0..40)
            .map(|at| Field::new(format!("{table}_{at}"), TYPES[at % TYPES.len()].clone(), true))
            .collect();
        engine.declare_table(&Relation::new("raw", table), Arc::new(Schema::new(fields))).unwrap();
    }
    engine
}

fn measure(bencher: Bencher<'_, '_>, sql: &str) {
    let engine = engine();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    bencher.bench_local(|| runtime.block_on(engine.plan(sql)).unwrap());
}

#[divan::bench]
fn select_all(bencher: Bencher<'_, '_>) {
    measure(bencher, "select * from raw.a");
}

#[divan::bench]
fn join_and_group(bencher: Bencher<'_, '_>) {
    measure(
        bencher,
        "with newest as (
            select *, row_number() over (partition by a_0 order by a_3 desc) as place from raw.a
            qualify place = 1
        )
        select a_2 as name, b_3 as day, count(distinct a_0) as meters, round(sum(a_1 * b_1), 3) as total
        from newest inner join raw.b on a_0 = b_0
        where a_3 between date '2021-01-01' and date '2021-12-31' and b_2 <> ''
        group by all
        having total > 0
        order by all",
    );
}

#[divan::bench]
fn subqueries(bencher: Bencher<'_, '_>) {
    measure(
        bencher,
        "select a_0, (select max(b_1) from raw.b where b_0 < a_0) as most, a_2 in (select b_2 from raw.b) as is_known
        from raw.a where exists (select 1 from raw.b where b_0 = a_0)",
    );
}
