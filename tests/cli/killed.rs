//! Runs that are killed at their writes, and their repair by the next run. `tests/crash/run.py` tests the
//! same at length.

use crate::{
    crashes::{project, rows, strays},
    project::Project,
    ran::{Ran, assert_said},
};

/// A second state of the input, which changes every table.
fn grow(project: &Project) {
    project.write("orders/2.csv", "id,amount\n4,40\n5,-1\n6,none\n8,80\n");
}

fn killed_at(project: &Project, instant: usize) -> Ran {
    let mut command = project.command(["build", "--threads", "1"]);
    command.env("HEADWATER_FAULT", format!("kill:{instant}"));
    Ran::new(command.output().expect("the binary starts"), &project.path(""))
}

/// Kills builds at every `step`th instant and builds again after each.
fn killed_and_built_again(prepare: impl Fn(&Project), step: usize) -> usize {
    let clean = project();
    prepare(&clean);
    clean.run(["build"]).success();
    let expected = rows(&clean);
    let mut instant = 1;
    loop {
        let project = project();
        prepare(&project);
        let killed = killed_at(&project, instant);
        if !killed.was_killed() {
            let _ = killed.success();
            return instant;
        }
        let ran = project.run(["build"]).success();
        assert_eq!(strays(&project), Vec::<String>::new(), "killed at {instant}, then\n{ran}");
        assert_eq!(rows(&project), expected, "killed at {instant}, then\n{ran}");
        instant += step;
    }
}

#[test]
fn a_first_build_can_be_killed_at_any_write() {
    let instants = killed_and_built_again(|_| (), 5);
    assert!(instants > 30, "only {instants} were reached");
}

#[test]
fn a_later_build_can_be_killed_at_any_write() {
    let prepare = |project: &Project| {
        project.run(["build"]).success();
        grow(project);
    };
    let instants = killed_and_built_again(prepare, 3);
    assert!(instants > 15, "only {instants} were reached");
}

#[test]
fn what_a_killed_run_left_is_told() {
    let project = Project::new().model("one.sql", "select 1 as x");
    // After the second write, a marker and a data file exist.
    assert!(killed_at(&project, 4).was_killed());
    assert_said!(project.run(["build", "--threads", "1"]).success());
    project.run(["build"]).success().says_nothing_of("left behind");
}
