//! Invalid command lines.

use crate::{
    project::Project,
    ran::{Ran, assert_said},
};

fn project() -> Project {
    Project::new().model("orders.sql", "select 1 as a")
}

fn refused<const N: usize>(args: [&str; N]) -> Ran {
    let project = project();
    let ran = project.run(args).refused();
    assert!(!project.exists("lake"), "something was written\n{ran}");
    ran
}

#[test]
fn an_unknown_flag_is_shown_with_a_near_one() {
    assert_said!(refused(["build", "--treads", "2"]));
}

#[test]
fn an_unknown_command_is_shown_with_a_near_one() {
    assert_said!(refused(["biuld"]));
}

#[test]
fn no_command_at_all_shows_the_help() {
    refused([]).says("Usage: headwater");
}

#[test]
fn an_unknown_target_is_shown_with_a_near_one() {
    assert_said!(refused(["build", "--target", "dve"]));
}

#[test]
fn vars_are_a_mapping() {
    assert_said!(refused(["build", "--vars", "[1, 2]"]));
}

#[test]
fn vars_are_yaml() {
    assert_said!(refused(["build", "--vars", "{a: "]));
}

#[test]
fn no_project_is_told_where_it_was_looked_for() {
    assert_said!(Project::empty().run(["build"]).refused());
}

#[test]
fn no_folder_is_told() {
    assert_said!(refused(["build", "--project-dir", "nowhere"]));
}

#[test]
fn a_selection_that_does_not_parse_has_its_place() {
    assert_said!(refused(["build", "-s", "tagg:daily"]));
}

#[test]
fn a_selection_of_nothing_is_a_warning() {
    assert_said!(project().run(["build", "-s", "ordres"]).success());
}

#[test]
fn show_takes_one_model() {
    let project = project().model("customers.sql", "select 1 as a");
    assert_said!(project.run(["show", "-s", "path:models"]).refused());
}

#[test]
fn show_of_a_table_that_is_not_built_says_how_to_build_it() {
    assert_said!(refused(["show", "--inline", "select * from {{ ref('orders') }}"]));
}

#[test]
fn show_of_a_query_that_is_wrong_points_into_it() {
    let project = project();
    project.run(["build"]).success();
    assert_said!(project.run(["show", "--inline", "select b from {{ ref('orders') }}"]).refused());
}

#[test]
fn a_lake_that_is_a_file_is_told() {
    let project = project().file("lake", "not a folder");
    assert_said!(project.run(["build"]));
    assert_said!(project.run(["debug"]).refused());
}

#[test]
fn a_lake_in_memory_is_refused_at_its_place() {
    let project = Project::new().file("project.yml", "name: shop\ntargets:\n  dev:\n    root: memory:///x\n");
    let project = project.model("a.sql", "select 1 as x");
    assert_said!(project.run(["build"]).refused());
}
