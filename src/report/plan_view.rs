//! A plan as `headwater plan` prints it.

use std::{fmt::Write as _, sync::Arc};

use serde_json::{Value, json};

use crate::plan::{Action, Job, Plan, Reason, Step};

use super::{
    line::{Line, Tone},
    node,
    width::{columns, pad, printable, shorten},
    wire::{ReasonJson, RelationJson, action},
};

/// The number of tests that a model's line names.
const NAMED: usize = 3;

/// The maximum width of such a name. Generic tests' names can be sixty characters long.
const NAME: usize = 40;

/// Renders the plan for people: a line per step with its action, table and reason, the tests of a model on
/// one line below it, and a total.
#[must_use]
pub fn plan_text(plan: &Plan, colour: bool) -> String {
    let rows: Vec<_> = plan.jobs.iter().flat_map(rows).collect();
    let width = rows.iter().map(|(step, _)| columns(&printable(&step.name))).max().unwrap_or_default();
    let mut out = String::new();
    for (step, tests) in rows {
        let name = pad(&printable(&step.name), width, " ");
        let is_idle = step.reason.is_idle();
        let (tone, verb) = if is_idle { (Tone::Faint, IDLE) } else { (Tone::Plain, verb(step)) };
        let line = Line::new(tone, format!("{verb}  {name}"))
            .and(Tone::Faint, format!("  {}", printable(&step.reason.to_string())));
        for line in [line].into_iter().chain(judged(step, &tests)) {
            let text = if colour { line.coloured() } else { line.text() };
            // Writing to a string can't fail.
            let _ = writeln!(out, "{text}");
        }
    }
    let gap = if plan.jobs.is_empty() { "" } else { "\n" };
    out + gap + &total(plan) + "\n"
}

/// Returns a job's top-level steps, each with the steps listed below it: the data tests of the table that the
/// job builds.
fn rows(job: &Job) -> Vec<(&Step, Vec<&Step>)> {
    let maker = job.steps.iter().position(|step| step.action.is_table() || step.action == Action::View);
    let is_beneath = |step: &Step| maker.is_some() && step.action == Action::Test;
    let is_open = |step: &&Step| !step.reason.is_idle();
    let tests: Vec<_> =
        job.steps.iter().map(Arc::as_ref).filter(|step| is_beneath(step)).filter(is_open).collect();
    let lines = job.steps.iter().enumerate().filter(|(_, step)| !is_beneath(step));
    lines.map(|(at, step)| (&**step, if Some(at) == maker { tests.clone() } else { Vec::new() })).collect()
}

/// `gated by 9 data tests: not_null_orders_id, unique_orders_id, … (+6)`
fn judged(step: &Step, tests: &[&Step]) -> Option<Line> {
    if tests.is_empty() {
        return None;
    }
    // Tests of a view or of an up-to-date table don't gate a version; a failure only skips downstream steps.
    let verb = if step.action == Action::View || step.reason.is_idle() { "tested" } else { "gated" };
    let names: Vec<_> =
        tests.iter().take(NAMED).map(|test| shorten(&printable(&test.name), NAME).into_owned()).collect();
    let more = match tests.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", … (+{more})"),
    };
    let indent = " ".repeat(words(step.action).len() + 2);
    let count = node::count(tests.len(), "data test");
    Some(Line::plain(indent).and(Tone::Faint, format!("{verb} by {count}: {}{more}", names.join(", "))))
}

/// Renders the plan as JSON: its steps in order, each with its reason as data and as text.
#[must_use]
pub fn plan_json(plan: &Plan) -> Value {
    let steps: Vec<Value> =
        plan.jobs.iter().flat_map(|job| job.steps.iter().map(move |it| step(it, job))).collect();
    json!({ "total": steps.len(), "steps": steps })
}

fn step(step: &Step, job: &Job) -> Value {
    json!({
        "unique_id": step.node,
        "name": step.name,
        "relation": step.relation.as_ref().map(RelationJson::from),
        "action": action(step.action),
        "reason": ReasonJson::from(&step.reason),
        "because": step.reason.to_string(),
        "job": job.node,
        "after": &job.after[..],
    })
}

/// The verb for an up-to-date step.
const IDLE: &str = "keep       ";

fn verb(step: &Step) -> &'static str {
    let is_made =
        matches!(step.reason, Reason::FirstBuild | Reason::TableMissing | Reason::FullRefresh { .. });
    words(if step.action == Action::Incremental && is_made { Action::Table } else { step.action })
}

fn words(action: Action) -> &'static str {
    match action {
        Action::Table => "build table",
        Action::Incremental => "update     ",
        Action::View => "check view ",
        Action::Seed => "load seed  ",
        Action::Snapshot => "snapshot   ",
        Action::Test => "test       ",
        Action::UnitTest => "unit test  ",
        Action::Freshness => "freshness  ",
    }
}

fn total(plan: &Plan) -> String {
    let is_idle = |step: &&Arc<Step>| step.reason.is_idle();
    let of = |action| plan.steps().filter(|step| step.action == action && !is_idle(step)).count();
    let idle = plan.steps().filter(is_idle).count();
    let parts: Vec<_> = [
        (of(Action::Seed), "seed", "load"),
        (of(Action::Table), "table", "build"),
        (of(Action::Incremental), "incremental table", "build"),
        (of(Action::Snapshot), "snapshot", "take"),
        (of(Action::View), "view", "check"),
        (of(Action::Test), "data test", "run"),
        (of(Action::UnitTest), "unit test", "run"),
        (of(Action::Freshness), "freshness check", "run"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, noun, verb)| format!("{} to {verb}", node::count(number, noun)))
    .collect();
    match (parts.as_slice(), idle) {
        ([], 0) => "Plan: nothing to do.".to_owned(),
        ([], _) => format!("Plan: nothing to do; {} up to date.", node::count(idle, "step")),
        (_, 0) => format!("Plan: {}.", parts.join(", ")),
        _ => format!("Plan: {}; {} up to date.", parts.join(", "), node::count(idle, "step")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::Reason, report::sample};

    fn plan() -> Plan {
        let steps = [
            sample::step("raw", "raw_readings", Action::Table, Reason::FirstBuild),
            sample::step("staging", "読取", Action::View, Reason::SqlChanged),
            sample::step("presentation", "x", Action::Table, Reason::ModifiedOutside { version: 7 }),
        ];
        sample::plan(&steps)
    }

    #[test]
    fn columns_stand_under_one_another() {
        insta::assert_snapshot!(plan_text(&plan(), false));
    }

    #[test]
    fn tests_stand_in_one_line_beneath_their_model() {
        insta::assert_snapshot!(plan_text(&sample::gated(), false));
    }

    #[test]
    fn programs_get_every_step() {
        let plan = sample::gated();
        let steps = plan_json(&plan);
        assert_eq!(steps["total"], plan.steps().count());
        assert_eq!(steps["steps"][3]["reason"]["node"], "model.meters.stg_readings");
    }

    #[test]
    fn an_empty_plan_says_so() {
        assert_eq!(plan_text(&Plan::default(), true), "Plan: nothing to do.\n");
    }

    #[test]
    fn programs_get_reasons_as_data() {
        let plan = plan_json(&plan());
        assert_eq!(plan["steps"][2]["reason"], json!({ "kind": "modified_outside", "version": 7 }));
        assert_eq!(plan["steps"][0]["because"], "first build");
        assert_eq!(plan["total"], 3);
    }
}
