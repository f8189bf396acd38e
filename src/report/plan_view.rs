//! A plan as `headwater plan` prints it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::plan::{Action, Job, Plan, Step};

use super::{
    line::{Line, Tone},
    node,
    width::{columns, pad, printable},
};

/// The plan for people: a line a step (what is done, to which table, why), and a total.
#[must_use]
pub fn plan_text(plan: &Plan, colour: bool) -> String {
    let rows: Vec<_> = plan.steps().map(|step| (printable(&step.name), step)).collect();
    let width = rows.iter().map(|(relation, _)| columns(relation)).max().unwrap_or_default();
    let mut out = String::new();
    for (relation, step) in rows {
        let line = Line::plain(format!("{}  {}", words(step.action), pad(&relation, width, " ")))
            .and(Tone::Faint, format!("  {}", step.reason));
        let text = if colour { line.coloured() } else { line.text() };
        // Writing to a string can't fail.
        let _ = writeln!(out, "{text}");
    }
    let gap = if plan.jobs.is_empty() { "" } else { "\n" };
    out + gap + &total(plan) + "\n"
}

/// The plan for programs: its steps in order, each with its reason as data and in words.
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
        "relation": step.relation,
        "action": step.action,
        "reason": step.reason,
        "because": step.reason.to_string(),
        "job": job.node,
        "after": &job.after[..],
    })
}

fn words(action: Action) -> &'static str {
    match action {
        Action::Table => "build table",
        Action::View => "check view ",
        Action::Test => "test       ",
        Action::UnitTest => "unit test  ",
        Action::Freshness => "freshness  ",
    }
}

fn total(plan: &Plan) -> String {
    let of = |action| plan.steps().filter(|step| step.action == action).count();
    let parts: Vec<_> = [
        (of(Action::Table), "table", "build"),
        (of(Action::View), "view", "check"),
        (of(Action::Test), "data test", "run"),
        (of(Action::UnitTest), "unit test", "run"),
        (of(Action::Freshness), "source", "ask"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, noun, verb)| format!("{} to {verb}", node::count(number, noun)))
    .collect();
    match parts.as_slice() {
        [] => "Plan: nothing to do.".to_owned(),
        _ => format!("Plan: {}.", parts.join(", ")),
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
