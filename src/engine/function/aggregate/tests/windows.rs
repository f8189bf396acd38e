//! Windows over 2,000 rows: call, type and first twelve values from DuckDB 1.5.

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
    (
        "list(x) over (order by i)",
        "INTEGER[]",
        "[NULL] | [NULL, 37] | [NULL, 37, 74] | [NULL, 37, 74, 10] | [NULL, 37, 74, 10, 47] | [NULL, 37, 74, 10, 47, 84] | [NULL, 37, 74, 10, 47, 84, 20] | [NULL, 37, 74, 10, 47, 84, 20, 57] | [NULL, 37, 74, 10, 47, 84, 20, 57, 94] | [NULL, 37, 74, 10, 47, 84, 20, 57, 94, 30] | [NULL, 37, 74, 10, 47, 84, 20, 57, 94, 30, 67] | [NULL, 37, 74, 10, 47, 84, 20, 57, 94, 30, 67, NULL]",
    ),
    (
        "list(x) over (order by i rows between 2 preceding and 1 following)",
        "INTEGER[]",
        "[NULL, 37] | [NULL, 37, 74] | [NULL, 37, 74, 10] | [37, 74, 10, 47] | [74, 10, 47, 84] | [10, 47, 84, 20] | [47, 84, 20, 57] | [84, 20, 57, 94] | [20, 57, 94, 30] | [57, 94, 30, 67] | [94, 30, 67, NULL] | [30, 67, NULL, 40]",
    ),
    (
        "list(x) over (order by i rows between 3 preceding and current row)",
        "INTEGER[]",
        "[NULL] | [NULL, 37] | [NULL, 37, 74] | [NULL, 37, 74, 10] | [37, 74, 10, 47] | [74, 10, 47, 84] | [10, 47, 84, 20] | [47, 84, 20, 57] | [84, 20, 57, 94] | [20, 57, 94, 30] | [57, 94, 30, 67] | [94, 30, 67, NULL]",
    ),
    (
        "list(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "INTEGER[]",
        "[NULL, 57, 13, 70, 26, 83, 39, 96, 52, 8, 65, NULL, 78, 34, 91, 47, 3, 60, 16, 73, 29, 86, NULL, 99, 55, 11, 68, 24, 81, 37, 94, 50, 6, NULL, 19, 76, 32, 89, 45, 1, 58, 14, 71, 27, NULL, 40, 97, 53, 9, 66, 22, 79, 35, 92, 48, NULL, 61, 17, 74, 30, 87, 43, 100, 56, 12, 69, NULL, 82, 38, 95, 51, 7, 64, 20, 77, 33, 90, NULL, 2, 59, 15, 72, 28, 85, 41, 98, 54, 10, NULL, 23, 80, 36, 93, 49, 5, 62, 18, 75, 31, NULL, 44, 0, 57, 13, 70, 26, 83, 39, 96, 52, NULL, 65, 21, 78, 34, 91, 47, 3, 60, 16, 73, NULL, 86, 42, 99, 55, 11, 68, 24, 81, 37, 94, NULL, 6, 63, 19, 76, 32, 89, 45, 1, 58, 14, NULL, 27, 84, 40, 97, 53, 9, 66, 22, 79, 35, NULL, 48, 4, 61, 17, 74, 30, 87, 43, 100, 56, NULL, 69, 25, 82, 38, 95, 51, 7, 64, 20, 77, NULL, 90, 46, 2, 59, 15, 72, 28, 85, 41, 98, NULL, 10, 67, 23, 80, 36, 93, 49, 5, 62, 18, NULL, 31, 88, 44, 0, 57, 13, 70, 26, 83, 39, NULL, 52, 8, 65, 21, 78, 34, 91, 47, 3, 60, NULL, 73, 29, 86, 42, 99, 55, 11, 68, 24, 81, NULL, 94, 50, 6, 63, 19, 76, 32, 89, 45, 1, NULL, 14, 71, 27, 84, 40, 97, 53, 9, 66, 22, NULL, 35, 92, 48, 4, 61, 17, 74, 30, 87, 43, NULL, 56, 12, 69, 25, 82, 38, 95, 51, 7, 64, NULL, 77, 33, 90, 46, 2, 59, 15, 72, 28, 85] | [37, 94, 50, NULL, 63, 19, 76, 32, 89, 45, 1, 58, 14, 71, NULL, 84, 40, 97, 53, 9, 66, 22, 79, 35, 92, NULL, 4, 61, 17, 74, 30, 87, 43, 100, 56, 12, NULL, 25, 82, 38, 95, 51, 7, 64, 20, 77, 33, NULL, 46, 2, 59, 15, 72, 28, 85, 41, 98, 54, NULL, 67, 23, 80, 36, 93, 49, 5, 62, 18, 75, NULL, 88, 44, 0, 57, 13, 70, 26, 83, 39, 96, NULL, 8, 65, 21, 78, 34, 91, 47, 3, 60, 16, NULL, 29, 86, 42, 99, 55, 11, 68, 24, 81, 37, NULL, 50, 6, 63, 19, 76, 32, 89, 45, 1, 58, NULL, 71, 27, 84, 40, 97, 53, 9, 66, 22, 79, NULL, 92, 48, 4, 61, 17, 74, 30, 87, 43, 100, NULL, 12, 69, 25, 82, 38, 95, 51, 7, 64, 20, NULL, 33, 90, 46, 2, 59, 15, 72, 28, 85, 41, NULL, 54, 10, 67, 23, 80, 36, 93, 49, 5, 62, NULL, 75, 31, 88, 44, 0, 57, 13, 70, 26, 83, NULL, 96, 52, 8, 65, 21, 78, 34, 91, 47, 3, NULL, 16, 73, 29, 86, 42, 99, 55, 11, 68, 24, NULL, 37, 94, 50, 6, 63, 19, 76, 32, 89, 45, NULL, 58, 14, 71, 27, 84, 40, 97, 53, 9, 66, NULL, 79, 35, 92, 48, 4, 61, 17, 74, 30, 87, NULL, 100, 56, 12, 69, 25, 82, 38, 95, 51, 7, NULL, 20, 77, 33, 90, 46, 2, 59, 15, 72, 28, NULL, 41, 98, 54, 10, 67, 23, 80, 36, 93, 49, NULL, 62, 18, 75, 31, 88, 44, 0, 57, 13, 70, NULL, 83, 39, 96, 52, 8, 65, 21] | [74, 30, 87, 43, 100, 56, NULL, 69, 25, 82, 38, 95, 51, 7, 64, 20, 77, NULL, 90, 46, 2, 59, 15, 72, 28, 85, 41, 98, NULL, 10, 67, 23, 80, 36, 93, 49, 5, 62, 18, NULL, 31, 88, 44, 0, 57, 13, 70, 26, 83, 39, NULL, 52, 8, 65, 21, 78, 34, 91, 47, 3, 60, NULL, 73, 29, 86, 42, 99, 55, 11, 68, 24, 81, NULL, 94, 50, 6, 63, 19, 76, 32, 89, 45, 1, NULL, 14, 71, 27, 84, 40, 97, 53, 9, 66, 22, NULL, 35, 92, 48, 4, 61, 17, 74, 30, 87, 43, NULL, 56, 12, 69, 25, 82, 38, 95, 51, 7, 64, NULL, 77, 33, 90, 46, 2, 59, 15, 72, 28, 85, NULL, 98, 54, 10, 67, 23, 80, 36, 93, 49, 5, NULL, 18, 75, 31, 88, 44, 0, 57, 13, 70, 26, NULL, 39, 96, 52, 8, 65, 21, 78, 34, 91, 47, NULL, 60, 16, 73, 29, 86, 42, 99, 55, 11, 68, NULL, 81, 37, 94, 50, 6, 63, 19, 76, 32, 89, NULL, 1, 58, 14, 71, 27, 84, 40, 97, 53, 9, NULL, 22, 79, 35, 92, 48, 4, 61, 17, 74, 30, NULL, 43, 100, 56, 12, 69, 25, 82, 38, 95, 51, NULL, 64, 20, 77, 33, 90, 46, 2, 59, 15, 72, NULL, 85, 41, 98, 54, 10, 67, 23, 80, 36, 93, NULL, 5, 62, 18, 75, 31, 88, 44, 0, 57, 13, NULL, 26, 83, 39, 96, 52, 8, 65, 21, 78, 34, NULL, 47, 3, 60, 16, 73, 29, 86, 42, 99, 55, NULL, 68, 24, 81, 37, 94, 50, 6, 63, 19, 76, NULL, 89, 45, 1, 58] | [10, 67, 23, 80, 36, 93, 49, 5, 62, NULL, 75, 31, 88, 44, 0, 57, 13, 70, 26, 83, NULL, 96, 52, 8, 65, 21, 78, 34, 91, 47, 3, NULL, 16, 73, 29, 86, 42, 99, 55, 11, 68, 24, NULL, 37, 94, 50, 6, 63, 19, 76, 32, 89, 45, NULL, 58, 14, 71, 27, 84, 40, 97, 53, 9, 66, NULL, 79, 35, 92, 48, 4, 61, 17, 74, 30, 87, NULL, 100, 56, 12, 69, 25, 82, 38, 95, 51, 7, NULL, 20, 77, 33, 90, 46, 2, 59, 15, 72, 28, NULL, 41, 98, 54, 10, 67, 23, 80, 36, 93, 49, NULL, 62, 18, 75, 31, 88, 44, 0, 57, 13, 70, NULL, 83, 39, 96, 52, 8, 65, 21, 78, 34, 91, NULL, 3, 60, 16, 73, 29, 86, 42, 99, 55, 11, NULL, 24, 81, 37, 94, 50, 6, 63, 19, 76, 32, NULL, 45, 1, 58, 14, 71, 27, 84, 40, 97, 53, NULL, 66, 22, 79, 35, 92, 48, 4, 61, 17, 74, NULL, 87, 43, 100, 56, 12, 69, 25, 82, 38, 95, NULL, 7, 64, 20, 77, 33, 90, 46, 2, 59, 15, NULL, 28, 85, 41, 98, 54, 10, 67, 23, 80, 36, NULL, 49, 5, 62, 18, 75, 31, 88, 44, 0, 57, NULL, 70, 26, 83, 39, 96, 52, 8, 65, 21, 78, NULL, 91, 47, 3, 60, 16, 73, 29, 86, 42, 99, NULL, 11, 68, 24, 81, 37, 94, 50, 6, 63, 19, NULL, 32, 89, 45, 1, 58, 14, 71, 27, 84, 40, NULL, 53, 9, 66, 22, 79, 35, 92, 48, 4, 61, NULL, 74, 30, 87, 43, 100, 56, 12, 69, 25, 82, NULL, 95] | [47, NULL, 60, 16, 73, 29, 86, 42, 99, 55, 11, 68, NULL, 81, 37, 94, 50, 6, 63, 19, 76, 32, 89, NULL, 1, 58, 14, 71, 27, 84, 40, 97, 53, 9, NULL, 22, 79, 35, 92, 48, 4, 61, 17, 74, 30, NULL, 43, 100, 56, 12, 69, 25, 82, 38, 95, 51, NULL, 64, 20, 77, 33, 90, 46, 2, 59, 15, 72, NULL, 85, 41, 98, 54, 10, 67, 23, 80, 36, 93, NULL, 5, 62, 18, 75, 31, 88, 44, 0, 57, 13, NULL, 26, 83, 39, 96, 52, 8, 65, 21, 78, 34, NULL, 47, 3, 60, 16, 73, 29, 86, 42, 99, 55, NULL, 68, 24, 81, 37, 94, 50, 6, 63, 19, 76, NULL, 89, 45, 1, 58, 14, 71, 27, 84, 40, 97, NULL, 9, 66, 22, 79, 35, 92, 48, 4, 61, 17, NULL, 30, 87, 43, 100, 56, 12, 69, 25, 82, 38, NULL, 51, 7, 64, 20, 77, 33, 90, 46, 2, 59, NULL, 72, 28, 85, 41, 98, 54, 10, 67, 23, 80, NULL, 93, 49, 5, 62, 18, 75, 31, 88, 44, 0, NULL, 13, 70, 26, 83, 39, 96, 52, 8, 65, 21, NULL, 34, 91, 47, 3, 60, 16, 73, 29, 86, 42, NULL, 55, 11, 68, 24, 81, 37, 94, 50, 6, 63, NULL, 76, 32, 89, 45, 1, 58, 14, 71, 27, 84, NULL, 97, 53, 9, 66, 22, 79, 35, 92, 48, 4, NULL, 17, 74, 30, 87, 43, 100, 56, 12, 69, 25, NULL, 38, 95, 51, 7, 64, 20, 77, 33, 90, 46, NULL, 59, 15, 72, 28, 85, 41, 98, 54, 10, 67, NULL, 80, 36, 93, 49, 5, 62, 18, 75, 31] | [84, 40, 97, 53, NULL, 66, 22, 79, 35, 92, 48, 4, 61, 17, 74, NULL, 87, 43, 100, 56, 12, 69, 25, 82, 38, 95, NULL, 7, 64, 20, 77, 33, 90, 46, 2, 59, 15, NULL, 28, 85, 41, 98, 54, 10, 67, 23, 80, 36, NULL, 49, 5, 62, 18, 75, 31, 88, 44, 0, 57, NULL, 70, 26, 83, 39, 96, 52, 8, 65, 21, 78, NULL, 91, 47, 3, 60, 16, 73, 29, 86, 42, 99, NULL, 11, 68, 24, 81, 37, 94, 50, 6, 63, 19, NULL, 32, 89, 45, 1, 58, 14, 71, 27, 84, 40, NULL, 53, 9, 66, 22, 79, 35, 92, 48, 4, 61, NULL, 74, 30, 87, 43, 100, 56, 12, 69, 25, 82, NULL, 95, 51, 7, 64, 20, 77, 33, 90, 46, 2, NULL, 15, 72, 28, 85, 41, 98, 54, 10, 67, 23, NULL, 36, 93, 49, 5, 62, 18, 75, 31, 88, 44, NULL, 57, 13, 70, 26, 83, 39, 96, 52, 8, 65, NULL, 78, 34, 91, 47, 3, 60, 16, 73, 29, 86, NULL, 99, 55, 11, 68, 24, 81, 37, 94, 50, 6, NULL, 19, 76, 32, 89, 45, 1, 58, 14, 71, 27, NULL, 40, 97, 53, 9, 66, 22, 79, 35, 92, 48, NULL, 61, 17, 74, 30, 87, 43, 100, 56, 12, 69, NULL, 82, 38, 95, 51, 7, 64, 20, 77, 33, 90, NULL, 2, 59, 15, 72, 28, 85, 41, 98, 54, 10, NULL, 23, 80, 36, 93, 49, 5, 62, 18, 75, 31, NULL, 44, 0, 57, 13, 70, 26, 83, 39, 96, 52, NULL, 65, 21, 78, 34, 91, 47, 3, 60, 16, 73, NULL, 86, 42, 99, 55, 11] | [20, 77, 33, 90, 46, 2, 59, NULL, 72, 28, 85, 41, 98, 54, 10, 67, 23, 80, NULL, 93, 49, 5, 62, 18, 75, 31, 88, 44, 0, NULL, 13, 70, 26, 83, 39, 96, 52, 8, 65, 21, NULL, 34, 91, 47, 3, 60, 16, 73, 29, 86, 42, NULL, 55, 11, 68, 24, 81, 37, 94, 50, 6, 63, NULL, 76, 32, 89, 45, 1, 58, 14, 71, 27, 84, NULL, 97, 53, 9, 66, 22, 79, 35, 92, 48, 4, NULL, 17, 74, 30, 87, 43, 100, 56, 12, 69, 25, NULL, 38, 95, 51, 7, 64, 20, 77, 33, 90, 46, NULL, 59, 15, 72, 28, 85, 41, 98, 54, 10, 67, NULL, 80, 36, 93, 49, 5, 62, 18, 75, 31, 88, NULL, 0, 57, 13, 70, 26, 83, 39, 96, 52, 8, NULL, 21, 78, 34, 91, 47, 3, 60, 16, 73, 29, NULL, 42, 99, 55, 11, 68, 24, 81, 37, 94, 50, NULL, 63, 19, 76, 32, 89, 45, 1, 58, 14, 71, NULL, 84, 40, 97, 53, 9, 66, 22, 79, 35, 92, NULL, 4, 61, 17, 74, 30, 87, 43, 100, 56, 12, NULL, 25, 82, 38, 95, 51, 7, 64, 20, 77, 33, NULL, 46, 2, 59, 15, 72, 28, 85, 41, 98, 54, NULL, 67, 23, 80, 36, 93, 49, 5, 62, 18, 75, NULL, 88, 44, 0, 57, 13, 70, 26, 83, 39, 96, NULL, 8, 65, 21, 78, 34, 91, 47, 3, 60, 16, NULL, 29, 86, 42, 99, 55, 11, 68, 24, 81, 37, NULL, 50, 6, 63, 19, 76, 32, 89, 45, 1, 58, NULL, 71, 27, 84, 40, 97, 53, 9, 66, 22, 79, NULL, 92, 48] | [NULL, 57, 13, 70, 26, 83, 39, 96, 52, 8, 65, NULL, 78, 34, 91, 47, 3, 60, 16, 73, 29, 86, NULL, 99, 55, 11, 68, 24, 81, 37, 94, 50, 6, NULL, 19, 76, 32, 89, 45, 1, 58, 14, 71, 27, NULL, 40, 97, 53, 9, 66, 22, 79, 35, 92, 48, NULL, 61, 17, 74, 30, 87, 43, 100, 56, 12, 69, NULL, 82, 38, 95, 51, 7, 64, 20, 77, 33, 90, NULL, 2, 59, 15, 72, 28, 85, 41, 98, 54, 10, NULL, 23, 80, 36, 93, 49, 5, 62, 18, 75, 31, NULL, 44, 0, 57, 13, 70, 26, 83, 39, 96, 52, NULL, 65, 21, 78, 34, 91, 47, 3, 60, 16, 73, NULL, 86, 42, 99, 55, 11, 68, 24, 81, 37, 94, NULL, 6, 63, 19, 76, 32, 89, 45, 1, 58, 14, NULL, 27, 84, 40, 97, 53, 9, 66, 22, 79, 35, NULL, 48, 4, 61, 17, 74, 30, 87, 43, 100, 56, NULL, 69, 25, 82, 38, 95, 51, 7, 64, 20, 77, NULL, 90, 46, 2, 59, 15, 72, 28, 85, 41, 98, NULL, 10, 67, 23, 80, 36, 93, 49, 5, 62, 18, NULL, 31, 88, 44, 0, 57, 13, 70, 26, 83, 39, NULL, 52, 8, 65, 21, 78, 34, 91, 47, 3, 60, NULL, 73, 29, 86, 42, 99, 55, 11, 68, 24, 81, NULL, 94, 50, 6, 63, 19, 76, 32, 89, 45, 1, NULL, 14, 71, 27, 84, 40, 97, 53, 9, 66, 22, NULL, 35, 92, 48, 4, 61, 17, 74, 30, 87, 43, NULL, 56, 12, 69, 25, 82, 38, 95, 51, 7, 64, NULL, 77, 33, 90, 46, 2, 59, 15, 72, 28, 85] | [37, 94, 50, NULL, 63, 19, 76, 32, 89, 45, 1, 58, 14, 71, NULL, 84, 40, 97, 53, 9, 66, 22, 79, 35, 92, NULL, 4, 61, 17, 74, 30, 87, 43, 100, 56, 12, NULL, 25, 82, 38, 95, 51, 7, 64, 20, 77, 33, NULL, 46, 2, 59, 15, 72, 28, 85, 41, 98, 54, NULL, 67, 23, 80, 36, 93, 49, 5, 62, 18, 75, NULL, 88, 44, 0, 57, 13, 70, 26, 83, 39, 96, NULL, 8, 65, 21, 78, 34, 91, 47, 3, 60, 16, NULL, 29, 86, 42, 99, 55, 11, 68, 24, 81, 37, NULL, 50, 6, 63, 19, 76, 32, 89, 45, 1, 58, NULL, 71, 27, 84, 40, 97, 53, 9, 66, 22, 79, NULL, 92, 48, 4, 61, 17, 74, 30, 87, 43, 100, NULL, 12, 69, 25, 82, 38, 95, 51, 7, 64, 20, NULL, 33, 90, 46, 2, 59, 15, 72, 28, 85, 41, NULL, 54, 10, 67, 23, 80, 36, 93, 49, 5, 62, NULL, 75, 31, 88, 44, 0, 57, 13, 70, 26, 83, NULL, 96, 52, 8, 65, 21, 78, 34, 91, 47, 3, NULL, 16, 73, 29, 86, 42, 99, 55, 11, 68, 24, NULL, 37, 94, 50, 6, 63, 19, 76, 32, 89, 45, NULL, 58, 14, 71, 27, 84, 40, 97, 53, 9, 66, NULL, 79, 35, 92, 48, 4, 61, 17, 74, 30, 87, NULL, 100, 56, 12, 69, 25, 82, 38, 95, 51, 7, NULL, 20, 77, 33, 90, 46, 2, 59, 15, 72, 28, NULL, 41, 98, 54, 10, 67, 23, 80, 36, 93, 49, NULL, 62, 18, 75, 31, 88, 44, 0, 57, 13, 70, NULL, 83, 39, 96, 52, 8, 65, 21] | [74, 30, 87, 43, 100, 56, NULL, 69, 25, 82, 38, 95, 51, 7, 64, 20, 77, NULL, 90, 46, 2, 59, 15, 72, 28, 85, 41, 98, NULL, 10, 67, 23, 80, 36, 93, 49, 5, 62, 18, NULL, 31, 88, 44, 0, 57, 13, 70, 26, 83, 39, NULL, 52, 8, 65, 21, 78, 34, 91, 47, 3, 60, NULL, 73, 29, 86, 42, 99, 55, 11, 68, 24, 81, NULL, 94, 50, 6, 63, 19, 76, 32, 89, 45, 1, NULL, 14, 71, 27, 84, 40, 97, 53, 9, 66, 22, NULL, 35, 92, 48, 4, 61, 17, 74, 30, 87, 43, NULL, 56, 12, 69, 25, 82, 38, 95, 51, 7, 64, NULL, 77, 33, 90, 46, 2, 59, 15, 72, 28, 85, NULL, 98, 54, 10, 67, 23, 80, 36, 93, 49, 5, NULL, 18, 75, 31, 88, 44, 0, 57, 13, 70, 26, NULL, 39, 96, 52, 8, 65, 21, 78, 34, 91, 47, NULL, 60, 16, 73, 29, 86, 42, 99, 55, 11, 68, NULL, 81, 37, 94, 50, 6, 63, 19, 76, 32, 89, NULL, 1, 58, 14, 71, 27, 84, 40, 97, 53, 9, NULL, 22, 79, 35, 92, 48, 4, 61, 17, 74, 30, NULL, 43, 100, 56, 12, 69, 25, 82, 38, 95, 51, NULL, 64, 20, 77, 33, 90, 46, 2, 59, 15, 72, NULL, 85, 41, 98, 54, 10, 67, 23, 80, 36, 93, NULL, 5, 62, 18, 75, 31, 88, 44, 0, 57, 13, NULL, 26, 83, 39, 96, 52, 8, 65, 21, 78, 34, NULL, 47, 3, 60, 16, 73, 29, 86, 42, 99, 55, NULL, 68, 24, 81, 37, 94, 50, 6, 63, 19, 76, NULL, 89, 45, 1, 58] | [10, 67, 23, 80, 36, 93, 49, 5, 62, NULL, 75, 31, 88, 44, 0, 57, 13, 70, 26, 83, NULL, 96, 52, 8, 65, 21, 78, 34, 91, 47, 3, NULL, 16, 73, 29, 86, 42, 99, 55, 11, 68, 24, NULL, 37, 94, 50, 6, 63, 19, 76, 32, 89, 45, NULL, 58, 14, 71, 27, 84, 40, 97, 53, 9, 66, NULL, 79, 35, 92, 48, 4, 61, 17, 74, 30, 87, NULL, 100, 56, 12, 69, 25, 82, 38, 95, 51, 7, NULL, 20, 77, 33, 90, 46, 2, 59, 15, 72, 28, NULL, 41, 98, 54, 10, 67, 23, 80, 36, 93, 49, NULL, 62, 18, 75, 31, 88, 44, 0, 57, 13, 70, NULL, 83, 39, 96, 52, 8, 65, 21, 78, 34, 91, NULL, 3, 60, 16, 73, 29, 86, 42, 99, 55, 11, NULL, 24, 81, 37, 94, 50, 6, 63, 19, 76, 32, NULL, 45, 1, 58, 14, 71, 27, 84, 40, 97, 53, NULL, 66, 22, 79, 35, 92, 48, 4, 61, 17, 74, NULL, 87, 43, 100, 56, 12, 69, 25, 82, 38, 95, NULL, 7, 64, 20, 77, 33, 90, 46, 2, 59, 15, NULL, 28, 85, 41, 98, 54, 10, 67, 23, 80, 36, NULL, 49, 5, 62, 18, 75, 31, 88, 44, 0, 57, NULL, 70, 26, 83, 39, 96, 52, 8, 65, 21, 78, NULL, 91, 47, 3, 60, 16, 73, 29, 86, 42, 99, NULL, 11, 68, 24, 81, 37, 94, 50, 6, 63, 19, NULL, 32, 89, 45, 1, 58, 14, 71, 27, 84, 40, NULL, 53, 9, 66, 22, 79, 35, 92, 48, 4, 61, NULL, 74, 30, 87, 43, 100, 56, 12, 69, 25, 82, NULL, 95] | [47, NULL, 60, 16, 73, 29, 86, 42, 99, 55, 11, 68, NULL, 81, 37, 94, 50, 6, 63, 19, 76, 32, 89, NULL, 1, 58, 14, 71, 27, 84, 40, 97, 53, 9, NULL, 22, 79, 35, 92, 48, 4, 61, 17, 74, 30, NULL, 43, 100, 56, 12, 69, 25, 82, 38, 95, 51, NULL, 64, 20, 77, 33, 90, 46, 2, 59, 15, 72, NULL, 85, 41, 98, 54, 10, 67, 23, 80, 36, 93, NULL, 5, 62, 18, 75, 31, 88, 44, 0, 57, 13, NULL, 26, 83, 39, 96, 52, 8, 65, 21, 78, 34, NULL, 47, 3, 60, 16, 73, 29, 86, 42, 99, 55, NULL, 68, 24, 81, 37, 94, 50, 6, 63, 19, 76, NULL, 89, 45, 1, 58, 14, 71, 27, 84, 40, 97, NULL, 9, 66, 22, 79, 35, 92, 48, 4, 61, 17, NULL, 30, 87, 43, 100, 56, 12, 69, 25, 82, 38, NULL, 51, 7, 64, 20, 77, 33, 90, 46, 2, 59, NULL, 72, 28, 85, 41, 98, 54, 10, 67, 23, 80, NULL, 93, 49, 5, 62, 18, 75, 31, 88, 44, 0, NULL, 13, 70, 26, 83, 39, 96, 52, 8, 65, 21, NULL, 34, 91, 47, 3, 60, 16, 73, 29, 86, 42, NULL, 55, 11, 68, 24, 81, 37, 94, 50, 6, 63, NULL, 76, 32, 89, 45, 1, 58, 14, 71, 27, 84, NULL, 97, 53, 9, 66, 22, 79, 35, 92, 48, 4, NULL, 17, 74, 30, 87, 43, 100, 56, 12, 69, 25, NULL, 38, 95, 51, 7, 64, 20, 77, 33, 90, 46, NULL, 59, 15, 72, 28, 85, 41, 98, 54, 10, 67, NULL, 80, 36, 93, 49, 5, 62, 18, 75, 31]",
    ),
    (
        "string_agg(s) over (order by i)",
        "VARCHAR",
        "t0 | t0,t1 | t0,t1,t2 | t0,t1,t2,t3 | t0,t1,t2,t3,t4 | t0,t1,t2,t3,t4,t0 | t0,t1,t2,t3,t4,t0,t1 | t0,t1,t2,t3,t4,t0,t1,t2 | t0,t1,t2,t3,t4,t0,t1,t2,t3 | t0,t1,t2,t3,t4,t0,t1,t2,t3,t4 | t0,t1,t2,t3,t4,t0,t1,t2,t3,t4,t0 | t0,t1,t2,t3,t4,t0,t1,t2,t3,t4,t0,t1",
    ),
    (
        "string_agg(s) over (order by i rows between 2 preceding and 1 following)",
        "VARCHAR",
        "t0,t1 | t0,t1,t2 | t0,t1,t2,t3 | t1,t2,t3,t4 | t2,t3,t4,t0 | t3,t4,t0,t1 | t4,t0,t1,t2 | t0,t1,t2,t3 | t1,t2,t3,t4 | t2,t3,t4,t0 | t3,t4,t0,t1 | t4,t0,t1,t2",
    ),
    (
        "string_agg(s) over (order by i rows between 3 preceding and current row)",
        "VARCHAR",
        "t0 | t0,t1 | t0,t1,t2 | t0,t1,t2,t3 | t1,t2,t3,t4 | t2,t3,t4,t0 | t3,t4,t0,t1 | t4,t0,t1,t2 | t0,t1,t2,t3 | t1,t2,t3,t4 | t2,t3,t4,t0 | t3,t4,t0,t1",
    ),
    (
        "string_agg(s) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "VARCHAR",
        "t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0 | t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1 | t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2 | t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3 | t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4 | t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3 | t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4 | t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0 | t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1 | t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2 | t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3 | t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4,t1,t3,t0,t2,t4",
    ),
    ("arg_max(i, x) over (order by i)", "BIGINT", "NULL | 1 | 2 | 2 | 2 | 5 | 5 | 5 | 8 | 8 | 8 | 8"),
    (
        "arg_max(i, x) over (order by i rows between 2 preceding and 1 following)",
        "BIGINT",
        "1 | 2 | 2 | 2 | 5 | 5 | 5 | 8 | 8 | 8 | 8 | 10",
    ),
    (
        "arg_max(i, x) over (order by i rows between 3 preceding and current row)",
        "BIGINT",
        "NULL | 1 | 2 | 2 | 2 | 5 | 5 | 5 | 8 | 8 | 8 | 8",
    ),
    (
        "arg_max(i, x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "BIGINT",
        "434 | 232 | 30 | 535 | 333 | 131 | 636 | 434 | 232 | 30 | 535 | 333",
    ),
    (
        "first(x) over (order by i)",
        "INTEGER",
        "NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL",
    ),
    (
        "first(x) over (order by i rows between 2 preceding and 1 following)",
        "INTEGER",
        "NULL | NULL | NULL | 37 | 74 | 10 | 47 | 84 | 20 | 57 | 94 | 30",
    ),
    (
        "first(x) over (order by i rows between 3 preceding and current row)",
        "INTEGER",
        "NULL | NULL | NULL | NULL | 37 | 74 | 10 | 47 | 84 | 20 | 57 | 94",
    ),
    (
        "first(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "INTEGER",
        "NULL | 37 | 74 | 10 | 47 | 84 | 20 | NULL | 37 | 74 | 10 | 47",
    ),
    ("last(x) over (order by i)", "INTEGER", "NULL | 37 | 74 | 10 | 47 | 84 | 20 | 57 | 94 | 30 | 67 | NULL"),
    (
        "last(x) over (order by i rows between 2 preceding and 1 following)",
        "INTEGER",
        "37 | 74 | 10 | 47 | 84 | 20 | 57 | 94 | 30 | 67 | NULL | 40",
    ),
    (
        "last(x) over (order by i rows between 3 preceding and current row)",
        "INTEGER",
        "NULL | 37 | 74 | 10 | 47 | 84 | 20 | 57 | 94 | 30 | 67 | NULL",
    ),
    (
        "last(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "INTEGER",
        "85 | 21 | 58 | 95 | 31 | 11 | 48 | 85 | 21 | 58 | 95 | 31",
    ),
    (
        "any_value(x) over (order by i)",
        "INTEGER",
        "NULL | 37 | 37 | 37 | 37 | 37 | 37 | 37 | 37 | 37 | 37 | 37",
    ),
    (
        "any_value(x) over (order by i rows between 2 preceding and 1 following)",
        "INTEGER",
        "37 | 37 | 37 | 37 | 74 | 10 | 47 | 84 | 20 | 57 | 94 | 30",
    ),
    (
        "any_value(x) over (order by i rows between 3 preceding and current row)",
        "INTEGER",
        "NULL | 37 | 37 | 37 | 37 | 74 | 10 | 47 | 84 | 20 | 57 | 94",
    ),
    (
        "any_value(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "INTEGER",
        "57 | 37 | 74 | 10 | 47 | 84 | 20 | 57 | 37 | 74 | 10 | 47",
    ),
    ("mode(x) over (order by i)", "INTEGER", "NULL | 37 | 37 | 37 | 37 | 37 | 37 | 37 | 37 | 37 | 37 | 37"),
    (
        "mode(x) over (order by i rows between 2 preceding and 1 following)",
        "INTEGER",
        "37 | 37 | 37 | 37 | 74 | 10 | 47 | 84 | 20 | 57 | 94 | 30",
    ),
    (
        "mode(x) over (order by i rows between 3 preceding and current row)",
        "INTEGER",
        "NULL | 37 | 37 | 37 | 37 | 74 | 10 | 47 | 84 | 20 | 57 | 94",
    ),
    (
        "mode(x) over (partition by k order by i rows between 1 preceding and unbounded following)",
        "INTEGER",
        "57 | 37 | 74 | 10 | 47 | 40 | 20 | 57 | 37 | 74 | 10 | 47",
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
    (
        "rank() over (order by case when i % 2 = 0 then 0.0::double else -0.0::double end)",
        "BIGINT",
        "1 | 1 | 1 | 1 | 1 | 1",
    ),
    (
        "row_number() over (partition by k order by i)",
        "BIGINT",
        "1 | 1 | 1 | 1 | 1 | 1 | 1 | 2 | 2 | 2 | 2 | 2",
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
