-- The tables of queries/*.sql. DuckDB makes them and writes them as Parquet; both sides read those files.
create table people (id integer, name varchar, team varchar, age integer, salary decimal(10,2), joined date);
insert into people values
  (1, 'Ada', 'red', 36, 5200.50, '2019-03-01'), (2, 'Bob', 'red', null, 4100.00, '2020-07-15'),
  (3, 'Cy', 'blue', 51, 4100.00, '2018-01-31'), (4, 'Dee', 'blue', 29, null, null),
  (5, 'Eve', null, 36, 7300.25, '2021-12-31'), (6, 'ada', 'green', 36, 0.00, '2019-03-01'),
  (7, null, 'red', 22, 3999.99, '2024-02-29'), (8, 'Émile', 'blue', 64, 10000.00, '1999-12-31');
create table teams (team varchar, city varchar, budget bigint);
insert into teams values ('red', 'Oslo', 100000), ('blue', 'Paris', 250000), ('green', null, 0), ('gold', 'Rome', null), (null, 'Nowhere', 7);
create table orders (order_id bigint, person_id integer, amount double, quantity smallint, ordered_at timestamp, status varchar);
insert into orders values
  (100, 1, 10.5, 1, '2024-01-01 09:00:00', 'new'), (101, 1, 20.25, 3, '2024-01-02 10:30:00', 'paid'),
  (102, 2, 0.0, 0, '2024-01-02 23:59:59.999999', 'paid'), (103, 3, 'nan', 2, '2024-01-31 00:00:00', 'new'),
  (104, 3, 99.99, null, '2024-02-01 12:00:00', null), (105, 9, -5.5, 7, null, 'lost'),
  (106, null, 1e10, 2, '2024-02-29 12:00:00', 'PAID'), (107, 1, null, 4, '2024-03-10 08:15:30.5', 'paid'),
  (108, 4, 'inf', 1, '2024-03-10 08:15:30.5', 'new'), (109, 2, -0.0, 2, '2023-12-31 23:00:00', 'paid');
create table types (
  id integer, b boolean, t tinyint, s smallint, i integer, l bigint, h decimal(38,0), f float, d double, n decimal(9,2),
  w decimal(38,10), v varchar, x blob, dt date, ts timestamp, tz timestamptz);
insert into types values
  (1, true, 127, 32767, 2147483647, 9223372036854775807, 99999999999999999999999999999999999999, 3.4e38, 1.7e308, 9999999.99,
   9999999999999999999999999999.9999999999, 'zebra', 'abc', '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59+00'),
  (2, false, -128, -32768, -2147483648, -9223372036854775808, -99999999999999999999999999999999999999, -3.4e38, -1.7e308, -9999999.99,
   -9999999999999999999999999999.9999999999, '', '\x00\xff', '0001-01-01', '0001-01-01 00:00:00', '0001-01-01 00:00:00+00'),
  (3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
  (4, true, 0, 0, 0, 0, 0, 'nan', 'nan', 0.00, 0, 'Ärger 日本 🦆', '', '1970-01-01', '1970-01-01 00:00:00', '1970-01-01 00:00:00+00'),
  (5, false, 1, -1, 7, -7, 42, 'inf', '-inf', -0.01, 0.0000000001, 'a''b"c\d%e_', 'xyz', '2024-02-29', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+00'),
  (6, true, 1, -1, 7, -7, 42, '-0.0', '-0.0', 1.50, 1.5, 'Zebra', 'xyz', '2024-02-29', '1969-12-31 23:59:59.999999', '2024-03-31 01:00:00+00');
create table nested (id integer, tags varchar[], points integer[], item struct(sku varchar, price double, dims struct(w integer, h integer)), attrs map(varchar, integer), matrix integer[][], doc varchar);
insert into nested values
  (1, ['a', 'b', 'a'], [3, 1, 2], {'sku': 'x1', 'price': 9.5, 'dims': {'w': 1, 'h': 2}}, map {'k': 1, 'l': 2}, [[1, 2], [3]], '{"a": 1, "b": {"c": [1, 2, {"d": "e"}]}, "n": null}'),
  (2, [], [], {'sku': null, 'price': 'nan', 'dims': null}, map {}, [], '[1, "two", 3.5, true, null]'),
  (3, null, null, null, null, null, null),
  (4, ['ü', null, ''], [null, 5, 5], {'sku': 'y', 'price': null, 'dims': {'w': null, 'h': 0}}, map {'k': null}, [[], null, [4, null]], 'not json'),
  (5, ['b'], [2147483647], {'sku': '', 'price': -0.0, 'dims': {'w': -1, 'h': 5}}, map {'z': 9, 'k': -1}, [[7]], '{"a": "1", "list": []}');
create table empty (id integer, v varchar, d double);
create table numbers as select range::integer as n, case when range % 7 = 0 then null else (range * 37 % 101)::integer end as v, 'g' || (range % 5) as g from range(1000);
create table prices (symbol varchar, moment timestamp, price decimal(8,2));
insert into prices values ('A', '2024-01-01 09:00:00', 10.00), ('A', '2024-01-01 09:05:00', 10.50), ('A', '2024-01-01 09:20:00', 9.75), ('B', '2024-01-01 09:01:00', 100.00), ('B', '2024-01-01 10:00:00', null);
create table trades (symbol varchar, moment timestamp, shares integer);
insert into trades values ('A', '2024-01-01 08:59:59', 1), ('A', '2024-01-01 09:05:00', 2), ('A', '2024-01-01 09:19:59', 3), ('B', '2024-01-01 09:30:00', 4), ('B', '2024-01-01 11:00:00', 5), ('C', '2024-01-01 09:00:00', 6), (null, '2024-01-01 09:00:00', 7), ('A', null, 8);
create table "Mixed Case" ("Id" integer, "Full Name" varchar, lower_name varchar);
insert into "Mixed Case" values (1, 'X Y', 'x'), (2, null, 'y');
create table sales (region varchar, year integer, quarter integer, revenue integer);
insert into sales values ('n', 2023, 1, 10), ('n', 2023, 2, 20), ('n', 2024, 1, 30), ('s', 2023, 1, 5), ('s', 2024, 2, null), ('s', 2024, 1, 15), ('e', 2023, 4, 1);
create table wide (id integer, jan integer, feb integer, mar integer);
insert into wide values (1, 10, null, 30), (2, null, null, null), (3, 1, 2, 3);
