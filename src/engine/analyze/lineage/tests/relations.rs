//! Lineage through relations: joins, subqueries, common table expressions and set operations.

use super::*;

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
