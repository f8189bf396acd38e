-- The order of a subquery's rows, where it is read: LIMIT, OFFSET, aggregates and windows without an order of their own.
with c as (select * from people order by lower(name), id) select id from c limit 3;
with c as (select * from people order by age desc, id) select id from c where age > 20 limit 2;
with c as (select id from people order by salary desc nulls first, id) select * from c offset 2;
select id from (select id, age + 1 as older from people order by -age, id) where older is not null limit 2 offset 1;
select string_agg(name, ',') from (select name from people order by id desc);
select list(id), first(id), last(id) from (select id from people order by age, id) where id > 1;
select team, list(id) as ids from (select * from people order by salary, id desc) group by team order by team;
select id, row_number() over () as r from (select id from people order by age, id) order by id;
select id, lag(id) over (partition by team) as l, sum(id) over () as s from (select * from people order by age desc, id) order by id;
select id, sum(id) over (rows between unbounded preceding and current row) as s, first_value(id) over () as f from (select id from people order by age, id) order by id;
select list(id) from (select id from people order by age desc, id limit 4);
select list(id) from (select id from (select id, name from people order by age desc, id limit 4) order by name, id);
select list(id) filter (where id <> 2) from (select id from people order by id desc);
select id, (select list(o.id) from (select p.id from people p where p.age <= people.age order by p.id desc) o) as l from people order by id;
with s as (select {'k': age} as k, id from people order by k, id) select id from s limit 2;
select max(id), count(*) from (select id from people order by name) where id > 1;
select a.id from (select * from people order by name) a join people b using (id) order by a.id limit 2;
