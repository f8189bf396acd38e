//! Tasks: steps with the compiled nodes that they execute.
//!
//! A step alone is data for plans and events. What executes it takes a task, so that nothing has to be looked
//! up again. A step without a task isn't compiled yet.

use std::sync::Arc;

use super::worker::Worker;
use crate::{
    compile::{CompiledModel, CompiledTest, CompiledUnitTest, FreshnessCheck},
    manifest::{DataTest, Model},
    plan::{Action, Step},
};

/// A step's compiled node.
#[derive(Clone, Copy)]
pub(super) enum Task<'a> {
    Table(TableTask<'a>),
    View(&'a CompiledModel),
    UnitTest(&'a CompiledUnitTest),
    Freshness(&'a FreshnessCheck),
}

/// A step that builds the table of a model, seed or snapshot.
#[derive(Clone, Copy)]
pub(super) struct TableTask<'a> {
    pub(super) step: &'a Arc<Step>,
    pub(super) model: &'a Model,
    pub(super) compiled: &'a CompiledModel,
}

/// A step that runs a data test.
#[derive(Clone, Copy)]
pub(super) struct TestTask<'a> {
    pub(super) step: &'a Arc<Step>,
    pub(super) test: &'a DataTest,
    pub(super) compiled: &'a CompiledTest,
}

impl Worker {
    /// Returns the task of a step; `None` if its node isn't compiled yet.
    pub(super) fn task<'a>(&'a self, step: &'a Arc<Step>) -> Option<Task<'a>> {
        let (id, compiled) = (&step.node, &*self.compiled);
        Some(match step.action {
            Action::Table | Action::Incremental | Action::Seed | Action::Snapshot => {
                let (model, compiled) = (self.manifest.refable(id)?, compiled.models.get(id)?);
                Task::Table(TableTask { step, model, compiled })
            }
            Action::View => Task::View(compiled.models.get(id)?),
            Action::UnitTest => Task::UnitTest(compiled.unit_tests.get(id)?),
            Action::Freshness => Task::Freshness(compiled.freshness_checks.get(id)?),
            // The audit takes the tasks of tests.
            Action::Test => return None,
        })
    }

    /// Returns the task of a data test's step; `None` if the test isn't compiled yet.
    pub(super) fn test_task<'a>(&'a self, step: &'a Arc<Step>) -> Option<TestTask<'a>> {
        let (test, compiled) = (self.manifest.test(&step.node)?, self.compiled.tests.get(&step.node)?);
        Some(TestTask { step, test, compiled })
    }
}
