//! Errors in `project.yml`, `sources.yml` and properties.

use crate::{
    project::Project,
    ran::{Ran, assert_said},
};

fn refused(project: &Project) -> Ran {
    let ran = project.run(["build"]).refused();
    assert!(!project.exists("lake"), "something was written\n{ran}");
    ran
}

#[test]
fn an_unknown_key_of_the_project_is_shown_with_a_near_one() {
    let yaml = "name: shop\nmodle-paths: [models]\ntarget: dev\ntargets:\n  dev:\n    root: lake\n";
    assert_said!(refused(&Project::empty().file("project.yml", yaml)));
}

#[test]
fn an_unknown_key_of_a_target_is_shown_with_a_near_one() {
    let yaml = "name: shop\ntarget: dev\ntargets:\n  dev:\n    rot: lake\n";
    assert_said!(refused(&Project::empty().file("project.yml", yaml)));
}

#[test]
fn a_wrong_kind_of_value_is_told() {
    let yaml = "name: shop\nvars: [1, 2]\ntarget: dev\ntargets:\n  dev:\n    root: lake\n    threads: many\n";
    assert_said!(refused(&Project::empty().file("project.yml", yaml)));
}

#[test]
fn a_project_without_a_name_is_refused() {
    assert_said!(refused(&Project::empty().file("project.yml", "targets:\n  dev:\n    root: lake\n")));
}

#[test]
fn broken_yaml_has_its_place() {
    assert_said!(refused(&Project::empty().file("project.yml", "name: shop\nvars: {a: 1\nmodels:\n")));
}

#[test]
fn an_unknown_key_of_a_source_is_shown_with_a_near_one() {
    let yaml = "sources:\n  - name: shop\n    tables:\n      - name: orders\n        extrenal:\n          location: orders.csv\n";
    assert_said!(refused(&Project::new().file("sources.yml", yaml)));
}

#[test]
fn an_unknown_type_is_shown_with_a_near_one() {
    let yaml = "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: orders.csv, format: csv }\n        columns:\n          - name: order_id\n            data_type: bigitn\n";
    let project = Project::new()
        .file("sources.yml", yaml)
        .model("m.sql", "select * from {{ source('shop', 'orders') }}");
    assert_said!(refused(&project));
}

#[test]
fn an_unknown_format_is_shown_with_a_near_one() {
    let yaml = "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: orders.csv, format: cvs }\n";
    assert_said!(refused(&Project::new().file("sources.yml", yaml)));
}

#[test]
fn a_delta_source_that_is_not_there_is_told() {
    let yaml = "sources:\n  - name: shop\n    tables:\n      - name: orders\n";
    let project = Project::new()
        .file("sources.yml", yaml)
        .model("m.sql", "select * from {{ source('shop', 'orders') }}");
    assert_said!(refused(&project));
}

#[test]
fn a_source_declared_twice_is_refused() {
    let table = "      - name: orders\n        external: { location: a.csv, format: csv }\n";
    let yaml = format!("sources:\n  - name: shop\n    tables:\n{table}{table}");
    assert_said!(refused(&Project::new().file("sources.yml", yaml)));
}

#[test]
fn two_models_of_one_name_are_refused() {
    let project =
        Project::new().model("raw/orders.sql", "select 1 as a").model("staging/orders.sql", "select 2 as a");
    assert_said!(refused(&project));
}

#[test]
fn two_models_in_one_place_are_refused() {
    let project = Project::new()
        .model("orders.sql", "select 1 as a")
        .model("purchases.sql", "{{ config(alias='orders') }} select 2 as a");
    assert_said!(refused(&project));
}

#[test]
fn a_description_of_no_model_is_a_warning() {
    let project = Project::new()
        .model("orders.sql", "select 1 as a")
        .file("models/schema.yml", "models:\n  - name: ordres\n    description: All of them.\n");
    let ran = project.run(["build", "-q"]).success();
    assert_eq!(ran.stderr, "", "warnings are left out of a quiet run");
    assert_said!(project.run(["list"]).success());
}

#[test]
fn an_unknown_setting_of_a_model_is_a_warning_or_an_error() {
    let project = Project::new()
        .model("orders.sql", "select 1 as a")
        .file("models/schema.yml", "models:\n  - name: orders\n    config:\n      materialised: view\n");
    assert_said!(project.run(["list"]));
}
