//! Unit tests: run a model's SQL in memory on fixture rows and compare the result with the expected rows.

use std::collections::BTreeMap;

use super::{step_error::StepError, worker::Worker};
use crate::{
    compile::CompiledUnitTest,
    engine::{
        Table,
        rows::{change_feed, diff::diff, fixture},
    },
    name::Relation,
    outcome::{Outcome, TestStatus, Verdict},
};

impl Worker {
    /// Runs a unit test. Doesn't read the lake.
    pub(super) async fn unit_test(&self, test: &CompiledUnitTest) -> Result<Outcome, StepError> {
        let mut tables: BTreeMap<Relation, Table> = test
            .given
            .iter()
            .map(|(relation, rows)| Ok((relation.clone(), fixture::table(rows.clone())?)))
            .collect::<Result<_, StepError>>()?;
        for (relation, rows) in &test.given {
            tables.insert(relation.changes(), change_feed::all_inserted(&fixture::table(rows.clone())?)?);
        }
        let actual = self.engine.gather(&test.query.bind(&tables)?).await?;
        let columns: Vec<String> =
            test.expected.schema().fields().iter().map(|field| field.name().clone()).collect();
        let actual = fixture::columns(&actual, &columns)?;
        let Some(found) = diff(&test.expected, &actual)? else {
            return Ok(Outcome::Tested(Verdict::pass()));
        };
        Ok(Outcome::Tested(Verdict {
            status: TestStatus::Fail,
            failures: 1,
            message: Some("actual differs from expected:".into()),
            sample: Some(Box::new(found)),
            ..Verdict::pass()
        }))
    }
}
