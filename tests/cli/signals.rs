//! Ctrl-C, and readers that close the pipe.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use crate::{
    project::Project,
    ran::{Ran, assert_said},
};

/// A model whose size is a variable, and one downstream of it.
fn project() -> Project {
    Project::new()
        .model(
            "series.sql",
            "select value as n, repeat('x', 50) as pad from generate_series(1, {{ var('size', 3) }}) as series(value)",
        )
        .model("after.sql", "select count(*) as n from {{ ref('series') }}")
}

pub(crate) fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "the signal was not sent");
}

/// Counts the data files of the lake, complete or not.
pub(crate) fn data_files(project: &Project) -> usize {
    project.files("lake").iter().filter(|file| file.contains(".parquet")).count()
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_a_query_that_never_pauses() {
    let endless =
        "select count(*) as n from range(1000000) as a, range(1000000) as b where a.range + b.range = -1";
    let project = Project::new().model("endless.sql", endless);
    let child = project.command(["build"]).spawn().expect("the binary starts");
    thread::sleep(Duration::from_secs(2));
    let start = Instant::now();
    interrupt(&child);
    thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    child.wait_with_output().expect("it ends");
    assert!(start.elapsed() < Duration::from_secs(20), "it went on");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_the_last_version_and_nothing_else() {
    let project = project();
    project.run(["build"]).success();
    let (before, data_files_before) = (project.files("lake"), data_files(&project));
    let args = ["build", "--vars", "{size: 100000000000}", "--threads", "1"];
    let child = project.command(args).spawn().expect("the binary starts");
    wait_until("a data file is begun", || data_files(&project) > data_files_before);
    interrupt(&child);
    let ran = Ran::new(child.wait_with_output().expect("it ends"), &project.path("")).failure();
    assert_eq!(project.files("lake"), before, "something was left\n{ran}");
    assert_eq!(project.rows("select n from {{ ref('after') }}"), "n\n3\n");
    assert_said!(ran);
}

#[cfg(unix)]
#[test]
fn ctrl_c_at_a_first_build_leaves_no_table() {
    let project = project();
    let args = ["build", "--vars", "{size: 100000000000}", "--threads", "1"];
    let child = project.command(args).spawn().expect("the binary starts");
    wait_until("a data file is begun", || data_files(&project) > 0);
    interrupt(&child);
    let ran = Ran::new(child.wait_with_output().expect("it ends"), &project.path("")).failure();
    assert_eq!(project.files("lake"), Vec::<String>::new(), "{ran}");
    project.run(["build"]).success();
}

/// The handlers are the first thing that a build installs, so that no signal interrupts a write.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_before_the_first_step_ends_the_command() {
    let project = (0..300).fold(project(), |project, at| {
        project.model(&format!("m{at}.sql"), "select n, n * 2 as twice from {{ ref('after') }}")
    });
    let child = project.command(["build"]).spawn().expect("the binary starts");
    let status = format!("/proc/{}/status", child.id());
    wait_until("the handlers are installed", || {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
        caught & (1 << 1) != 0
    });
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(project.files("lake").is_empty(), "something was left");
    assert!(!project.exists("target/run_results.json"));
    project.run(["build", "-s", "series"]).success();
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let query = "select value from generate_series(1, 1000000) as series(value)";
    for output in ["csv", "json"] {
        let args = ["show", "--inline", query, "--limit", "-1", "--output", output];
        let project = Project::new();
        let mut child = project.command(args).spawn().expect("the binary starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut first).expect("a line");
        let ran = Ran::new(child.wait_with_output().expect("it ends"), &project.path(""));
        let ran = ran.success();
        assert_eq!(ran.stderr, "", "{output}");
    }
}

#[test]
fn a_list_that_nobody_reads_is_no_failure() {
    let project = project();
    for args in [&["list"][..], &["--help"], &["plan"], &["debug"], &["plan", "--output", "json"]] {
        let mut child = project.command(args).spawn().expect("the binary starts");
        drop(child.stdout.take());
        let ran = Ran::new(child.wait_with_output().expect("it ends"), &project.path("")).success();
        assert_eq!(ran.stderr, "", "{args:?}");
    }
}

#[test]
fn a_build_goes_on_when_nobody_reads_its_lines() {
    let project = project();
    let mut child = project.command(["build"]).spawn().expect("the binary starts");
    drop(child.stdout.take());
    let _ = Ran::new(child.wait_with_output().expect("it ends"), &project.path("")).success();
    assert_eq!(project.rows("select n from {{ ref('after') }}"), "n\n3\n");
}
