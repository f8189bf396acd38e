//! Projects with `dialect: postgresql`: PostgreSQL's semantics, or an error before anything is written.

use crate::project::Project;

const YAML: &str = "name: shop\ndialect: postgresql\ntarget: dev\ntargets:\n  dev:\n    root: lake\n";

fn project() -> Project {
    Project::empty().file("project.yml", YAML).file(
        "seeds/orders.csv",
        "id,customer,cents,ordered\n1,ada,1050,2024-01-31\n2,bob,990,2024-02-01\n3,ada,5,2024-02-29\n",
    )
}

#[test]
fn models_mean_what_they_mean_in_postgresql() {
    let project = project()
        .model(
            "per_customer.sql",
            "select customer, count(*), sum(cents) / 100 as whole, sum(cents) / 100.0 as exact,\n\
                    max(ordered) - min(ordered) as days\n\
             from {{ ref('orders') }} group by customer",
        )
        .model("ranked.sql", "select customer, row_number() over (order by days desc) as r from {{ ref('per_customer') }}")
        .file(
            "models/schema.yml",
            "models:\n  - name: per_customer\n    columns:\n      - name: customer\n        tests: [unique, not_null]\n",
        );
    project.run(["build"]).success();
    assert_eq!(
        project.rows("select customer, count, whole, round(exact, 2), days from {{ ref('per_customer') }} order by customer"),
        project.rows("select * from (values ('ada', 2::bigint, 10::bigint, 10.55, 29), ('bob', 1, 9, 9.90, 0)) as t(customer, count, whole, round, days) order by customer"),
    );
}

#[test]
fn what_is_not_admitted_is_refused_with_what_to_write() {
    let project =
        project().model("m.sql", "select customer, strftime(ordered, '%Y') as y from {{ ref('orders') }}");
    let ran = project.run(["build"]).refused();
    assert!(
        ran.stderr.contains("the function `strftime` is not supported with `dialect: postgresql`"),
        "{ran}"
    );
    assert!(ran.stderr.contains("help"), "{ran}");
    assert!(!project.exists("lake"), "something was written\n{ran}");
}

#[test]
fn types_that_postgresql_does_not_compare_are_refused() {
    let project = project().model("m.sql", "select id from {{ ref('orders') }} where customer = id");
    let ran = project.run(["build"]).refused();
    assert!(ran.stderr.contains("operator does not exist: text = integer"), "{ran}");
}

#[test]
fn debug_says_whose_rules_sql_follows() {
    let ran = project().run(["debug"]).success();
    assert!(ran.stdout.contains("dialect    postgresql: syntax and semantics of PostgreSQL 15"), "{ran}");
}
