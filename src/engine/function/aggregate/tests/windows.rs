//! Windows with numeric results over 2,000 rows: call, type and first twelve values from DuckDB 1.5.

pub(super) const CASES: &[(&str, &str, &str)] = &[
    (
        "sum(x) over (order by i)",
        "DECIMAL(38,0)",
        "NULL | 37 | 111 | 121 | 168 | 252 | 272 | 329 | 423 | 453 | 520 | 520",
    ),
    (
        "sum(x) over (order by i rows between 2 preceding and 1 following)",
        "DECIMAL(38,0)",
        "37 | 111 | 121 | 168 | 215 | 161 | 208 | 255 | 201 | 248 | 191 | 137",
    ),
    (
        "sum(x) over (order by i rows between 3 preceding and current row)",
        "DECIMAL(38,0)",
        "NULL | 37 | 111 | 121 | 168 | 215 | 161 | 208 | 255 | 201 | 248 | 191",
    ),
    (
        "sum(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "DECIMAL(38,0)",
        "13006 | 13029 | 13052 | 13075 | 13038 | 13094 | 12979 | 13006 | 13029 | 13052 | 13075 | 13038",
    ),
    (
        "avg(x) over (order by i)",
        "DOUBLE",
        "NULL | 37.0 | 55.5 | 40.333333333333336 | 42.0 | 50.4 | 45.333333333333336 | 47.0 | 52.875 | 50.333333333333336 | 52.0 | 52.0",
    ),
    (
        "avg(x) over (order by i rows between 2 preceding and 1 following)",
        "DOUBLE",
        "37.0 | 55.5 | 40.333333333333336 | 42.0 | 53.75 | 40.25 | 52.0 | 63.75 | 50.25 | 62.0 | 63.666666666666664 | 45.666666666666664",
    ),
    (
        "avg(x) over (order by i rows between 3 preceding and current row)",
        "DOUBLE",
        "NULL | 37.0 | 55.5 | 40.333333333333336 | 42.0 | 53.75 | 40.25 | 52.0 | 63.75 | 50.25 | 62.0 | 63.666666666666664",
    ),
    (
        "avg(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "DOUBLE",
        "50.02307692307692 | 50.11153846153846 | 50.2 | 50.28846153846154 | 50.146153846153844 | 50.55598455598456 | 50.11196911196911 | 50.02307692307692 | 50.11153846153846 | 50.2 | 50.28846153846154 | 50.146153846153844",
    ),
    (
        "sum(y) over (order by i)",
        "DOUBLE",
        "0.0 | 0.25 | 0.75 | 1.5 | 2.5 | 3.75 | 5.25 | 7.0 | 9.0 | 11.25 | 13.75 | 16.5",
    ),
    (
        "sum(y) over (order by i rows between 2 preceding and 1 following)",
        "DOUBLE",
        "0.25 | 0.75 | 1.5 | 2.5 | 3.5 | 4.5 | 5.5 | 6.5 | 7.5 | 8.5 | 9.5 | 10.5",
    ),
    (
        "sum(y) over (order by i rows between 3 preceding and current row)",
        "DOUBLE",
        "0.0 | 0.25 | 0.75 | 1.5 | 2.5 | 3.5 | 4.5 | 5.5 | 6.5 | 7.5 | 8.5 | 9.5",
    ),
    (
        "sum(y) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "DOUBLE",
        "429.0 | 429.0 | 429.0 | 429.0 | 429.0 | 426.25 | 426.0 | 429.0 | 429.0 | 429.0 | 429.0 | 429.0",
    ),
    (
        "avg(y) over (order by i)",
        "DOUBLE",
        "0.0 | 0.125 | 0.25 | 0.375 | 0.5 | 0.625 | 0.75 | 0.875 | 1.0 | 1.125 | 1.25 | 1.375",
    ),
    (
        "avg(y) over (order by i rows between 2 preceding and 1 following)",
        "DOUBLE",
        "0.125 | 0.25 | 0.375 | 0.625 | 0.875 | 1.125 | 1.375 | 1.625 | 1.875 | 2.125 | 2.375 | 2.625",
    ),
    (
        "avg(y) over (order by i rows between 3 preceding and current row)",
        "DOUBLE",
        "0.0 | 0.125 | 0.25 | 0.375 | 0.625 | 0.875 | 1.125 | 1.375 | 1.625 | 1.875 | 2.125 | 2.375",
    ),
    (
        "avg(y) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "DOUBLE",
        "1.5 | 1.5 | 1.5 | 1.5 | 1.5 | 1.4956140350877194 | 1.4947368421052631 | 1.5 | 1.5 | 1.5 | 1.5 | 1.5",
    ),
    ("count(x) over (order by i)", "BIGINT", "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 10"),
    (
        "count(x) over (order by i rows between 2 preceding and 1 following)",
        "BIGINT",
        "1 | 2 | 3 | 4 | 4 | 4 | 4 | 4 | 4 | 4 | 3 | 3",
    ),
    (
        "count(x) over (order by i rows between 3 preceding and current row)",
        "BIGINT",
        "0 | 1 | 2 | 3 | 4 | 4 | 4 | 4 | 4 | 4 | 4 | 3",
    ),
    (
        "count(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "BIGINT",
        "260 | 260 | 260 | 260 | 260 | 259 | 259 | 260 | 260 | 260 | 260 | 260",
    ),
    ("min(x) over (order by i)", "INTEGER", "NULL | 37 | 37 | 10 | 10 | 10 | 10 | 10 | 10 | 10 | 10 | 10"),
    (
        "min(x) over (order by i rows between 2 preceding and 1 following)",
        "INTEGER",
        "37 | 37 | 10 | 10 | 10 | 10 | 20 | 20 | 20 | 30 | 30 | 30",
    ),
    (
        "min(x) over (order by i rows between 3 preceding and current row)",
        "INTEGER",
        "NULL | 37 | 37 | 10 | 10 | 10 | 10 | 20 | 20 | 20 | 30 | 30",
    ),
    (
        "min(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "INTEGER",
        "0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0",
    ),
    (
        "max(y) over (order by i)",
        "DOUBLE",
        "0.0 | 0.25 | 0.5 | 0.75 | 1.0 | 1.25 | 1.5 | 1.75 | 2.0 | 2.25 | 2.5 | 2.75",
    ),
    (
        "max(y) over (order by i rows between 2 preceding and 1 following)",
        "DOUBLE",
        "0.25 | 0.5 | 0.75 | 1.0 | 1.25 | 1.5 | 1.75 | 2.0 | 2.25 | 2.5 | 2.75 | 3.0",
    ),
    (
        "max(y) over (order by i rows between 3 preceding and current row)",
        "DOUBLE",
        "0.0 | 0.25 | 0.5 | 0.75 | 1.0 | 1.25 | 1.5 | 1.75 | 2.0 | 2.25 | 2.5 | 2.75",
    ),
    (
        "max(y) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "DOUBLE",
        "3.0 | 3.0 | 3.0 | 3.0 | 3.0 | 3.0 | 3.0 | 3.0 | 3.0 | 3.0 | 3.0 | 3.0",
    ),
    (
        "median(x) over (order by i)",
        "DOUBLE",
        "NULL | 37.0 | 55.5 | 37.0 | 42.0 | 47.0 | 42.0 | 47.0 | 52.0 | 47.0 | 52.0 | 52.0",
    ),
    (
        "median(x) over (order by i rows between 2 preceding and 1 following)",
        "DOUBLE",
        "37.0 | 55.5 | 37.0 | 42.0 | 60.5 | 33.5 | 52.0 | 70.5 | 43.5 | 62.0 | 67.0 | 40.0",
    ),
    (
        "median(x) over (order by i rows between 3 preceding and current row)",
        "DOUBLE",
        "NULL | 37.0 | 55.5 | 37.0 | 42.0 | 60.5 | 33.5 | 52.0 | 70.5 | 43.5 | 62.0 | 67.0",
    ),
    (
        "median(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "DOUBLE",
        "50.5 | 50.0 | 50.5 | 50.0 | 50.0 | 51.0 | 50.0 | 50.5 | 50.0 | 50.5 | 50.0 | 50.0",
    ),
    ("count_if(x>50) over (order by i)", "DECIMAL(38,0)", "NULL | 0 | 1 | 1 | 1 | 2 | 2 | 3 | 4 | 4 | 5 | 5"),
    (
        "count_if(x>50) over (order by i rows between 2 preceding and 1 following)",
        "DECIMAL(38,0)",
        "0 | 1 | 1 | 1 | 2 | 1 | 2 | 3 | 2 | 3 | 2 | 1",
    ),
    (
        "count_if(x>50) over (order by i rows between 3 preceding and current row)",
        "DECIMAL(38,0)",
        "NULL | 0 | 1 | 1 | 1 | 2 | 1 | 2 | 3 | 2 | 3 | 2",
    ),
    (
        "count_if(x>50) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "DECIMAL(38,0)",
        "130 | 129 | 130 | 129 | 129 | 130 | 128 | 130 | 129 | 130 | 129 | 129",
    ),
    (
        "sum(distinct x) over (order by i)",
        "DECIMAL(38,0)",
        "NULL | 37 | 111 | 121 | 168 | 252 | 272 | 329 | 423 | 453 | 520 | 520",
    ),
    (
        "sum(distinct x) over (order by i rows between 2 preceding and 1 following)",
        "DECIMAL(38,0)",
        "37 | 111 | 121 | 168 | 215 | 161 | 208 | 255 | 201 | 248 | 191 | 137",
    ),
    (
        "sum(distinct x) over (order by i rows between 3 preceding and current row)",
        "DECIMAL(38,0)",
        "NULL | 37 | 111 | 121 | 168 | 215 | 161 | 208 | 255 | 201 | 248 | 191",
    ),
    (
        "sum(distinct x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "DECIMAL(38,0)",
        "5050 | 5050 | 5050 | 5050 | 5050 | 5050 | 5050 | 5050 | 5050 | 5050 | 5050 | 5050",
    ),
    ("count(distinct x) over (order by i)", "BIGINT", "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 10"),
    (
        "count(distinct x) over (order by i rows between 2 preceding and 1 following)",
        "BIGINT",
        "1 | 2 | 3 | 4 | 4 | 4 | 4 | 4 | 4 | 4 | 3 | 3",
    ),
    (
        "count(distinct x) over (order by i rows between 3 preceding and current row)",
        "BIGINT",
        "0 | 1 | 2 | 3 | 4 | 4 | 4 | 4 | 4 | 4 | 4 | 3",
    ),
    (
        "count(distinct x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "BIGINT",
        "101 | 101 | 101 | 101 | 101 | 101 | 101 | 101 | 101 | 101 | 101 | 101",
    ),
    (
        "bool_and(x>3) over (order by i)",
        "BOOLEAN",
        "NULL | true | true | true | true | true | true | true | true | true | true | true",
    ),
    (
        "bool_and(x>3) over (order by i rows between 2 preceding and 1 following)",
        "BOOLEAN",
        "true | true | true | true | true | true | true | true | true | true | true | true",
    ),
    (
        "bool_and(x>3) over (order by i rows between 3 preceding and current row)",
        "BOOLEAN",
        "NULL | true | true | true | true | true | true | true | true | true | true | true",
    ),
    (
        "bool_and(x>3) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "BOOLEAN",
        "false | false | false | false | false | false | false | false | false | false | false | false",
    ),
    (
        "product(y) over (order by i)",
        "DOUBLE",
        "0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0",
    ),
    (
        "product(y) over (order by i rows between 2 preceding and 1 following)",
        "DOUBLE",
        "0.0 | 0.0 | 0.0 | 0.09375 | 0.46875 | 1.40625 | 3.28125 | 6.5625 | 11.8125 | 19.6875 | 30.9375 | 46.40625",
    ),
    (
        "product(y) over (order by i rows between 3 preceding and current row)",
        "DOUBLE",
        "0.0 | 0.0 | 0.0 | 0.0 | 0.09375 | 0.46875 | 1.40625 | 3.28125 | 6.5625 | 11.8125 | 19.6875 | 30.9375",
    ),
    (
        "product(y) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "DOUBLE",
        "0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0",
    ),
];

/// Windows over a few rows of their own.
pub(super) const OWN_ROWS: &[(&str, &str, &str)] = &[
    ("row_number() over () from (values (1)) t(x)", "BIGINT", "1"),
    (
        "rank() over (order by x) from (values (0.0::double),(-0.0::double),('nan'::double),('nan'::double)) t(x)",
        "BIGINT",
        "1 | 1 | 3 | 3",
    ),
    ("ntile(2) over (order by x) from (values (1),(2),(3)) t(x)", "BIGINT", "1 | 1 | 2"),
    ("lag(x) over (order by x) from (values (1),(2),(3)) t(x)", "_", "NULL | 1 | 2"),
    ("lag(x, -1) over (order by x) from (values (1),(2),(3)) t(x)", "_", "2 | 3 | NULL"),
    ("nth_value(x, 2) over (order by x) from (values (1),(2),(3)) t(x)", "_", "NULL | 2 | 2"),
    ("nth_value(x, 0) over (order by x) from (values (1),(2),(3)) t(x)", "_", "NULL | NULL | NULL"),
    ("nth_value(x, null) over (order by x) from (values (1),(2),(3)) t(x)", "_", "NULL | NULL | NULL"),
    ("percent_rank() over (order by x) from (values (1),(2),(2)) t(x)", "DOUBLE", "0.0 | 0.5 | 0.5"),
    (
        "cume_dist() over (order by x) from (values (1),(2),(2)) t(x)",
        "DOUBLE",
        "0.3333333333333333 | 1.0 | 1.0",
    ),
    ("dense_rank() over (order by x) from (values (1),(2),(2)) t(x)", "BIGINT", "1 | 2 | 2"),
    ("first(x) over (order by y) from (values (null,1),(2,2)) t(x,y)", "_", "NULL | NULL"),
    (
        "sum(x) over (order by x rows between 1 preceding and current row) from (values (1),(2),(3)) t(x)",
        "DECIMAL(38,0)",
        "1 | 3 | 5",
    ),
];
