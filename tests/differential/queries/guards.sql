-- What DataFusion answers otherwise, and Headwater guards against (src/engine: comparisons, constant_not_in, hidden_constants).
select id, 7 in (5, case when age > 30 then 7 end) as r from people order by id;
select id from people where id in (3, case when age > 30 then id end) order by id;
select id, id not in (null, case when age > 30 then 1 end) as r from people order by id;
select id from people where 0.0::double in ('inf'::double, - (id - id)::double) order by id;
select id from people where id >= 3 and 3 < id order by id;
select a.id, b.id from people a left join people b on a.id = b.id and 2 = a.id order by a.id;
select a.id, b.id from people a right join people b on a.id = b.id and 2 = b.id order by b.id;
select id from people where coalesce(42, id) not in (select nullif(age, age) from people);
select id from people where (null::integer + id) not in (select age from people where age is not null) and id > 1;
select a.id, s.team, row_number() over (partition by s.team order by a.id) as r from people a left join (select * from people where team = 'red') s on a.id = s.id order by a.id;
select a.id, s.k from people a left join (select id, 7 as k from people where id < 3) s on a.id = s.id order by s.k, a.id;
select s.k, count(*) as n from people a full join (select id + 2 as id, 7 as k from people) s on a.id = s.id group by s.k order by s.k;
select distinct age::double / 0 - age::double / 0 as x from people order by x limit 3;
select id, row_number() over (partition by case when id % 2 = 0 then 0.0::double else -0.0::double end order by id) as r from people order by id;
select 'b' as c, id from people union all select 'a', id from people order by c, id limit 4 offset 1;
select null::integer as c, id from people union all select age, id from people where team is not null order by c, id limit 4 offset 1;
select a.id, b.id from people a join people b on length(a.name) = b.id join people c on c.id = b.id order by 1, 2;
