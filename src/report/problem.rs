//! The problems shown at the end of a run: each one once, with a withheld model's failed tests below the
//! model.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{name::NodeId, outcome::Outcome, plan::Step};

use super::RunResult;

/// A step that failed or ended with a warning.
#[derive(Debug, Clone, PartialEq)]
pub struct StepProblem {
    pub step: Arc<Step>,
    pub outcome: Outcome,
}

/// A problem with everything that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProblemBlock {
    pub(super) problem: StepProblem,
    /// The file that defines the node, relative to the project.
    pub(super) path: Option<String>,
    /// The failed tests that withheld the version, in the order they finished.
    pub(super) tests: Vec<StepProblem>,
    /// The number of tests that gated the version.
    pub(super) gates: usize,
    /// The number of steps skipped because of this one.
    pub(super) skipped: usize,
}

/// Returns the run's problems, errors before warnings. `path` returns the file that defines a node.
pub(super) fn blocks(result: &RunResult, path: impl Fn(&NodeId) -> Option<String>) -> Vec<ProblemBlock> {
    let model_of = withheld_for(&result.failures);
    let mut beneath: BTreeMap<&NodeId, Vec<StepProblem>> = BTreeMap::new();
    for problem in &result.failures {
        if let Some(model) = model_of.get(&problem.step.node) {
            beneath.entry(model).or_default().push(problem.clone());
        }
    }
    let stand_alone = |problem: &&StepProblem| !model_of.contains_key(&problem.step.node);
    let problems = result.failures.iter().filter(stand_alone).chain(&result.warnings);
    problems
        .map(|problem| {
            let node = &problem.step.node;
            let is_withheld = matches!(problem.outcome, Outcome::Withheld(_));
            ProblemBlock {
                problem: problem.clone(),
                path: path(node),
                tests: if is_withheld { beneath.remove(node).unwrap_or_default() } else { Vec::new() },
                gates: result.gates.get(node).copied().unwrap_or_default(),
                skipped: result.skipped_for.get(node).copied().unwrap_or_default(),
            }
        })
        .collect()
}

/// Maps each failed test among these problems to the model it withheld.
fn withheld_for(problems: &[StepProblem]) -> BTreeMap<&NodeId, &NodeId> {
    let tests: BTreeSet<_> =
        problems.iter().filter(|it| it.step.action.is_test()).map(|it| &it.step.node).collect();
    let mut model_of = BTreeMap::new();
    for StepProblem { step, outcome } in problems {
        if let Outcome::Withheld(withheld) = outcome {
            let known = withheld.tests.iter().filter(|test| tests.contains(test));
            model_of.extend(known.map(|test| (test, &step.node)));
        }
    }
    model_of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{RunResult, sample};

    #[test]
    fn each_trouble_is_told_once_and_tests_stand_beneath_their_model() {
        let result = RunResult::of(&sample::every_verdict());
        let blocks = blocks(&result, |_| None);
        let shown: usize = blocks.iter().map(|block| 1 + block.tests.len()).sum();
        assert_eq!(shown, result.failures.len() + result.warnings.len());
        let shown: Vec<_> = blocks
            .iter()
            .filter(|block| !block.tests.is_empty())
            .map(|block| (block.problem.step.name.as_str(), block.tests.len(), block.gates, block.skipped))
            .collect();
        assert_eq!(shown, [("staging.stg_readings", 2, 3, 2), ("staging.stg_products", 1, 1, 0)]);
    }
}
