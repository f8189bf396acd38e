-- The tables of queries/*.sql. PostgreSQL makes them; both sides read the same rows.
create table people (id integer, name text, team text, age integer, salary numeric(10,2), joined date);
insert into people values
  (1, 'Ada', 'red', 36, 5200.50, '2019-03-01'), (2, 'Bob', 'red', null, 4100.00, '2020-07-15'),
  (3, 'Cy', 'blue', 51, 4100.00, '2018-01-31'), (4, 'Dee', 'blue', 29, null, null),
  (5, 'Eve', null, 36, 7300.25, '2021-12-31'), (6, 'ada', 'green', 36, 0.00, '2019-03-01'),
  (7, null, 'red', 22, 3999.99, '2024-02-29'), (8, 'Émile', 'blue', 64, 10000.00, '1999-12-31');
create table teams (team text, city text, budget bigint);
insert into teams values ('red', 'Oslo', 100000), ('blue', 'Paris', 250000), ('green', null, 0), ('gold', 'Rome', null), (null, 'Nowhere', 7);
create table orders (order_id bigint, person_id integer, amount double precision, quantity smallint, ordered_at timestamp, status text);
insert into orders values
  (100, 1, 10.5, 1, '2024-01-01 09:00:00', 'new'), (101, 1, 20.25, 3, '2024-01-02 10:30:00', 'paid'),
  (102, 2, 0.0, 0, '2024-01-02 23:59:59.999999', 'paid'), (103, 3, 'nan', 2, '2024-01-31 00:00:00', 'new'),
  (104, 3, 99.99, null, '2024-02-01 12:00:00', null), (105, 9, -5.5, 7, null, 'lost'),
  (106, null, 1e10, 2, '2024-02-29 12:00:00', 'PAID'), (107, 1, null, 4, '2024-03-10 08:15:30.5', 'paid'),
  (109, 2, -0.5, 2, '2023-12-31 23:00:00', 'paid');
create table types (id integer, b boolean, s smallint, i integer, l bigint, f real, d double precision, n numeric(9,2), w numeric(30,10), v text, dt date, ts timestamp, tz timestamptz, a integer[], t text[]);
insert into types values
  (1, true, 32767, 2147483647, 9223372036854775807, 3.4e38, 1.7e308, 9999999.99, 99999999999999999999.9999999999, 'zebra', '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59+00', '{1,2,3}', '{a,b}'),
  (2, false, -32768, -2147483648, -9223372036854775808, -3.4e38, -1.7e308, -9999999.99, -99999999999999999999.9999999999, '', '0001-01-01', '0001-01-01 00:00:00', '0001-01-01 00:00:00+00', '{}', '{}'),
  (3, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
  (4, true, 0, 0, 0, 'nan', 'nan', 0.00, 0, 'Ärger 日本 🦆', '1970-01-01', '1970-01-01 00:00:00', '1970-01-01 00:00:00+00', '{null,5}', '{x,null,""}'),
  (5, false, -1, 7, -7, 0.1, -2.5, -0.01, 0.0000000001, 'a''b"c\d%e_', '2024-02-29', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+00', '{7,7}', '{"a b","c,d"}'),
  (6, true, -1, 7, -7, -0.0, -0.0, 1.50, 1.5, 'Zebra', '2024-02-29', '1969-12-31 23:59:59.999999', '2024-03-31 01:00:00+00', '{0}', '{Ü}');
create table numbers as select n, case when n % 7 = 0 then null else n * 37 % 101 end as v, 'g' || (n % 5) as g from generate_series(0, 999) as s(n);
create table sales (region text, year integer, quarter integer, revenue integer);
insert into sales values ('n', 2023, 1, 10), ('n', 2023, 2, 20), ('n', 2024, 1, 30), ('s', 2023, 1, 5), ('s', 2024, 2, null), ('s', 2024, 1, 15), ('e', 2023, 4, 1);
create table nothing (id integer, v text, d double precision);
