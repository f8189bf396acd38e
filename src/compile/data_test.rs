//! Data tests: renders, plans and type-checks them like models, and finds those that test each row by itself.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    InputNode, InputNodes, NotCompiled, Work,
    check::{Origin, complaint},
    column_names::ColumnNames,
    inputs::input_nodes,
};
use crate::{
    diag::Diagnostic,
    engine::{Query, SqlError, rows::rule::RowRule},
    manifest::{DataTest, Model, Node, OnViolation, fingerprint},
    name::{NodeId, Relation},
    parallel::in_parallel,
};

/// A query for rows that violate a test or constraint.
#[derive(Debug)]
pub struct Probe {
    pub sql: String,
    /// The violating rows.
    pub rows: Query,
    /// The number of failures, as one row with one column.
    pub counted: Query,
    /// The condition on each row, if the test considers rows one by one. Such tests share one pass over a
    /// table.
    pub rule: Option<RowRule>,
}

/// A data test, ready to run.
#[derive(Debug)]
pub struct CompiledTest {
    /// Its query.
    pub probe: Probe,
    /// The nodes that it reads.
    pub inputs: InputNodes,
    /// The anomaly settings, if its number isn't a count of failures.
    pub anomaly: Option<Anomaly>,
    /// Whether its number is the number of rows it finds.
    pub counts_rows: bool,
    /// A digest of everything that decides its verdict except the rows it reads, or `None` if the same rows
    /// may give a different verdict next time.
    pub fingerprint: Option<String>,
}

impl CompiledTest {
    /// Returns its inputs except for the table `own`.
    pub fn inputs_besides(&self, own: &Relation) -> impl Iterator<Item = (&Relation, &InputNode)> {
        self.inputs.iter().filter(move |(relation, _)| *relation != own)
    }
}

/// The settings that decide whether a number is anomalous compared with earlier versions.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    /// The number of deviations from the median that counts as anomalous.
    pub sensitivity: f64,
    /// The number of versions to compare with.
    pub versions: usize,
    /// The minimum number of versions; with fewer, the test passes.
    pub min_versions: usize,
    /// The direction in which the number may be anomalous.
    pub direction: Direction,
    /// Whether the number is the version's row count, which the provenance of every version has.
    pub is_row_count: bool,
}

/// The direction of an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Either direction.
    Both,
    /// Too high.
    Up,
    /// Too low.
    Down,
}

/// A test that removes the rows it finds from its model's table.
#[derive(Debug, Clone)]
pub struct ModelRule {
    pub test: NodeId,
    pub name: String,
    /// Its SQL, which shapes the table.
    pub sql: String,
    /// The condition on each row.
    pub rule: RowRule,
    /// The action for violating rows.
    pub then: OnViolation,
}

/// The settings that decide a test's verdict.
const JUDGING: [&str; 6] = ["error_if", "fail_calc", "limit", "severity", "warn_if", "where"];

/// The name prefix of tests that judge one number.
const ANOMALOUS: &str = "anomalous_";

impl Work<'_> {
    /// Compiles tests on all of the engine's threads: a project may have many times more tests than models.
    pub(super) async fn data_tests(&mut self, tests: &[&DataTest]) {
        let this = &*self;
        // Planning against schemas never waits.
        let compiled = in_parallel(tests, self.context.engine.threads(), 1, |test| {
            futures::executor::block_on(this.compiled_test(test, false))
        });
        for (test, mut compiled) in tests.iter().zip(compiled) {
            if matches!(compiled, Err(NotCompiled::Asks)) {
                compiled = self.compiled_test(test, true).await;
            }
            match compiled {
                Ok(compiled) => drop(self.compiled.tests.insert(test.id.clone(), compiled)),
                Err(findings) => self.note_failure(&test.id, findings),
            }
        }
    }

    /// Compiles a test. Its template may run queries if `asks` is set.
    async fn compiled_test(&self, test: &DataTest, asks: bool) -> Result<CompiledTest, NotCompiled> {
        let allowed = self.allowed(&test.id)?;
        self.has_column(test)?;
        let anomaly = self.anomaly(test)?;
        let written = self.written_test(test, asks).await?;
        let origin = Origin { id: &test.id, file: &test.template, manifest: self.context.manifest };
        let complain = |error: SqlError| {
            let line = error.at.as_ref().and_then(|at| line_of(&written.sql, at.start));
            let found = test.in_users_terms(origin.sql_error(&error, &written.map));
            vec![match line.filter(|_| test.generic.is_some()) {
                Some(line) => found.note(format!("in the test's SQL: {line}")),
                None => found,
            }]
        };
        let engine = self.context.engine;
        let rows = engine.plan(&written.sql).await.map_err(complain)?;
        origin
            .references(&rows, &allowed)
            .map_err(|found| found.into_iter().map(|one| test.in_users_terms(one)).collect::<Vec<_>>())?;
        let config = &test.config;
        let counted = if anomaly.is_some() {
            rows.clone()
        } else {
            let counted = engine.plan_failures(&rows, &written.sql, &config.fail_calc, config.limit).await;
            counted.map_err(|error| vec![complaint(&error, Some("`fail_calc`"), test.declared.clone())])?
        };
        let counts_rows = anomaly.is_none() && config.counts_rows();
        let rule = counts_rows.then(|| rows.row_rule()).flatten();
        let judged: Vec<Option<&Value>> = JUDGING.iter().map(|key| config.all.get(*key)).collect();
        let inputs = input_nodes([&rows], None, self.context.manifest);
        let mut asked = format!("{}\n{judged:?}\n{anomaly:?}", self.statement(&test.id, rows.canonical()));
        // Without rows, or on other tables, it answers another question.
        for (key, value) in self.of_command(&inputs) {
            // Writing to a string never fails.
            let _ = write!(asked, "\n{key}: {value}");
        }
        let fingerprint = (!rows.is_volatile()).then(|| fingerprint::digest(&asked));
        Ok(CompiledTest {
            inputs,
            probe: Probe { sql: written.sql, rows, counted, rule },
            anomaly,
            counts_rows,
            fingerprint,
        })
    }

    /// Checks that the column of a generic test exists.
    fn has_column(&self, test: &DataTest) -> Result<(), Vec<Diagnostic>> {
        let column = test.generic.as_ref().and_then(|generic| generic.column.as_ref());
        let (Some(column), Some(attached)) = (column, &test.attached) else { return Ok(()) };
        let Some(schema) = self.compiled.schemas.get(attached) else { return Ok(()) };
        let wanted = column.value.trim_matches('"');
        let columns = ColumnNames::new(schema, self.context.engine);
        // A dot selects a field of a struct.
        if columns.find(wanted).is_some() || wanted.contains('.') {
            return Ok(());
        }
        let names = columns.all();
        let node = self.context.manifest.nodes.get(attached).map(Node::display_name).unwrap_or_default();
        let found = Diagnostic::error("unknown-column", format!("`{node}` has no column `{wanted}` to test"))
            .at(column.span.clone(), "not one of its columns")
            .at(test.declared.clone(), "tested here")
            .near(wanted, names.iter().copied());
        Err(vec![if found.hints.is_empty() {
            found.note(format!("its columns: {}", names.join(", ")))
        } else {
            found
        }])
    }

    /// Compiles the model's tests that remove rows. They belong to the model even if they aren't selected.
    pub(super) async fn rules(&mut self, model: &Model) -> Result<Vec<ModelRule>, NotCompiled> {
        let mut rules = Vec::new();
        for test in self.context.manifest.tests_of(&model.id) {
            let Some(then) = test.config.on_violation else { continue };
            let compiled = self.compiled_test(test, true).await?;
            let rule = compiled.probe.rule.filter(|rule| *rule.relation() == model.relation);
            match rule {
                Some(rule) if model.config.materialized.is_table() => {
                    let (test, name, sql) = (test.id.clone(), test.name.clone(), compiled.probe.sql);
                    rules.push(ModelRule { test, name, sql, rule, then });
                }
                _ => return Err(vec![no_row_rule(test, model)].into()),
            }
        }
        Ok(rules)
    }

    fn anomaly(&self, test: &DataTest) -> Result<Option<Anomaly>, Vec<Diagnostic>> {
        let Some(generic) = &test.generic else { return Ok(None) };
        let jinja = self.context.jinja.in_package(test.id.package());
        let found = jinja.generic_test(generic.namespace.as_deref(), &generic.test);
        if !found.is_some_and(|found| found.builtin) || !generic.test.starts_with(ANOMALOUS) {
            return Ok(None);
        }
        let wrong = |name: &str, takes: &str| {
            let message = format!("`{}` of the test `{}` takes {takes}", name, generic.test);
            vec![Diagnostic::error("test-argument", message).at(test.declared.clone(), "")]
        };
        let number = |name: &str, default: f64| match generic.arguments.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => {
                value.as_f64().filter(|number| *number > 0.0).ok_or_else(|| wrong(name, "a number above 0"))
            }
        };
        let whole = |name: &str, default: u64| match generic.arguments.get(name) {
            None | Some(Value::Null) => Ok(usize::try_from(default).unwrap_or_default()),
            Some(value) => value
                .as_u64()
                .filter(|number| *number > 0)
                .and_then(|number| usize::try_from(number).ok())
                .ok_or_else(|| wrong(name, "a whole number above 0")),
        };
        let direction =
            match generic.arguments.get("direction").map(|value| value.as_str().unwrap_or_default()) {
                None | Some("both") if generic.test == "anomalous_freshness" => Direction::Up,
                None | Some("both") => Direction::Both,
                Some("up") => Direction::Up,
                Some("down") => Direction::Down,
                Some(_) => return Err(wrong("direction", "`both`, `up` or `down`")),
            };
        Ok(Some(Anomaly {
            sensitivity: number("sensitivity", 3.5)?,
            versions: whole("versions", 14)?,
            min_versions: whole("min_versions", 7)?,
            direction,
            is_row_count: generic.test == "anomalous_row_count" && !test.config.all.contains_key("where"),
        }))
    }
}

fn line_of(sql: &str, at: usize) -> Option<&str> {
    let start = sql.get(..at)?.rfind('\n').map_or(0, |before| before + 1);
    sql[start..].lines().next().map(str::trim).filter(|line| !line.is_empty())
}

fn no_row_rule(test: &DataTest, model: &Model) -> Diagnostic {
    let message = format!(
        "`on_violation` takes single rows out of `{}`, and this test does not judge single rows",
        model.name
    );
    Diagnostic::error("no-row-rule", message)
        .at(test.declared.clone(), "")
        .note(
            "rows can be taken out of a table by tests such as not_null, accepted_values, accepted_range and \
             expression_is_true: a condition on the columns of one row",
        )
        .hint("use `severity:` for a test over many rows, such as unique or relationships")
}
