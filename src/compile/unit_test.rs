//! Unit tests: the model's SQL over fixture rows. Needs no lake.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{NotCompiled, Work, check::Origin, lake_queries::Asker};
use crate::{
    diag::{Diagnostic, near},
    engine::{
        EngineError, Query, RecordBatch, SchemaRef, SqlError,
        arrow::datatypes::Schema,
        rows::{
            digest::RowDigest,
            fixture::{self, FixtureError, FixtureRows},
        },
    },
    jinja::{NameResolver, NodeContext, Overrides},
    manifest::{Model, Node, Seed, UnitTest, fingerprint},
    name::{NodeId, Relation},
    project::{OverridesDecl, RowsDecl, RowsText, Yaml, YamlValue},
    source,
    text::{Source, Span, Spanned},
};

/// A unit test, ready to run.
#[derive(Debug)]
pub struct CompiledUnitTest {
    /// The model's SQL over the fixtures.
    pub sql: String,
    /// The same SQL, planned.
    pub query: Query,
    /// The fixtures.
    pub given: BTreeMap<Relation, RecordBatch>,
    /// The expected rows, with only the columns to compare.
    pub expected: RecordBatch,
    /// A digest of everything that decides its verdict.
    pub fingerprint: String,
}

/// Returns the columns that a query returns, with the types that the model's table gives them. By its
/// overrides, a test's query may return other columns than the model.
fn returned(query: &SchemaRef, model: &SchemaRef) -> SchemaRef {
    let fields = query.fields().iter();
    let typed = fields.map(|field| model.fields().find(field.name()).map_or(field, |(_, field)| field));
    Arc::new(Schema::new(typed.cloned().collect::<Vec<_>>()))
}

/// Returns the relation of the fixture for a node.
fn stand_in(relation: &Relation) -> Relation {
    Relation::new(format!("given__{}", relation.schema), relation.name.as_str())
}

impl Work<'_> {
    pub(super) async fn unit_test(&mut self, test: &UnitTest) -> Result<(), NotCompiled> {
        if self.compiled.broken.contains(&test.model) {
            return Err(NotCompiled::BrokenInput);
        }
        if let Some(after) = self.compiled.later.get(&test.model) {
            return Err(NotCompiled::Later(after.clone()));
        }
        let manifest = self.context.manifest;
        let (Some(model), Some(schema)) =
            (manifest.model(&test.model), self.compiled.schemas.get(&test.model).cloned())
        else {
            return Err(NotCompiled::BrokenInput);
        };
        let given = self.given(test).await?;
        self.complete(test, model)?;
        let (sql, query) = self.over_given(test, model).await?;
        let expect = &test.declared.expect;
        let schema = returned(&query.schema(), &schema);
        let expected = self.rows(expect, &schema, true, &model.name).await.map_err(|found| vec![found])?;
        let fingerprint = self.verdict_of(test, &query, &given, &expected).map_err(|found| vec![found])?;
        let compiled = CompiledUnitTest { sql, query, given, expected, fingerprint };
        self.compiled.unit_tests.insert(test.id.clone(), compiled);
        Ok(())
    }

    /// Returns a digest of the query, the fixtures and the expected rows.
    fn verdict_of(
        &self,
        test: &UnitTest,
        query: &Query,
        given: &BTreeMap<Relation, RecordBatch>,
        expected: &RecordBatch,
    ) -> Result<String, Diagnostic> {
        let rows = |batch: &RecordBatch| {
            let mut digest = RowDigest::new(&batch.schema());
            let unfit = |error| Diagnostic::error("engine", format!("{}: {error}", test.display_name()));
            digest.update(batch).map_err(unfit).map(|()| digest.finish())
        };
        let mut asked = vec![self.statement(&test.model, query.canonical())];
        for (relation, batch) in given {
            asked.push(format!("{relation} is {}", rows(batch)?));
        }
        asked.push(rows(expected)?);
        Ok(fingerprint::digest(&asked.join("\n")))
    }

    /// Declares the tables that have fixtures and reads their rows.
    async fn given(&self, test: &UnitTest) -> Result<BTreeMap<Relation, RecordBatch>, Vec<Diagnostic>> {
        let mut tables = BTreeMap::new();
        let mut findings = Vec::new();
        for given in &test.given {
            let node = self.context.manifest.nodes.get(&given.input);
            let (Some(node), Some(schema)) = (node, self.compiled.schemas.get(&given.input)) else {
                let name = given.input.name();
                let message = format!("rows are given for `{name}`, which the model does not read");
                findings.push(Diagnostic::error("not-an-input", message).at(given.span.clone(), ""));
                continue;
            };
            let Some(relation) = node.relation() else { continue };
            let stand_in = stand_in(relation);
            if !self.context.engine.knows(&stand_in) {
                let declared = self.context.engine.declare_table(&stand_in, Arc::clone(schema));
                declared.map_err(|error| vec![Diagnostic::error("engine", error.strip_backtrace())])?;
                self.declare_changes_of(&stand_in, schema)?;
            }
            let rows = match node {
                Node::Seed(seed) if given.rows.rows == RowsText::Absent => {
                    self.seed_rows(seed, schema, &given.span).await
                }
                node => self.rows(&given.rows, schema, false, &node.display_name()).await,
            };
            match rows {
                Ok(batch) => drop(tables.insert(stand_in, batch)),
                Err(found) => findings.push(found),
            }
        }
        if findings.is_empty() { Ok(tables) } else { Err(findings) }
    }

    /// Returns the rows of a seed's file.
    async fn seed_rows(&self, seed: &Seed, schema: &SchemaRef, at: &Span) -> Result<RecordBatch, Diagnostic> {
        let id = &seed.model.id;
        let (Some(spec), Some(compiled)) = (self.compiled.sources.get(id), self.compiled.models.get(id))
        else {
            let message = format!("the seed `{}` can't be read", seed.model.name);
            return Err(Diagnostic::error("unit-test-rows", message).at(at.clone(), ""));
        };
        let engine = self.context.engine;
        let read = async {
            let file = source::open(engine, spec, None).await?;
            engine.gather(&compiled.query.bind(&BTreeMap::from([(seed.file.clone(), file)]))?).await
        };
        let failed = |error: EngineError| {
            Diagnostic::error("unit-test-rows", crate::engine::message(&error)).at(at.clone(), "")
        };
        let batch = read.await.map_err(failed)?;
        fixture::conform(&batch, schema, false).map_err(|error| unfit(&error, at.clone(), &seed.model.name))
    }

    /// Checks that every table the model reads has a fixture, even if it is empty.
    fn complete(&self, test: &UnitTest, model: &Model) -> Result<(), Vec<Diagnostic>> {
        let given: BTreeSet<&NodeId> = test.given.iter().map(|given| &given.input).collect();
        let parents = self.context.manifest.graph.parents(&model.id);
        let missing: Vec<Diagnostic> = parents
            .into_iter()
            .filter(|parent| !given.contains(parent))
            .filter_map(|parent| self.context.manifest.nodes.get(parent))
            .map(|node| {
                let input = super::check::reference(node);
                let message =
                    format!("the model `{}` reads {input}, and no rows are given for it", model.name);
                Diagnostic::error("input-not-given", message)
                    .at(test.declared_at().clone(), "this unit test")
                    .hint(format!("add `- input: {input}` with its `rows:`; `rows: []` for none"))
            })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Compiles the model's SQL with every table replaced by its fixture.
    async fn over_given(&self, test: &UnitTest, model: &Model) -> Result<(String, Query), NotCompiled> {
        let overrides = overrides(&test.declared.overrides);
        let names = Given { manifest: Arc::clone(&self.context.manifest.lookup) };
        let node = NodeContext {
            name: model.name.clone(),
            unique_id: model.id.to_string(),
            this: Some(stand_in(&model.relation)),
            is_incremental: overrides.macros.get("is_incremental") == Some(&Value::Bool(true)),
            config: model.config.all.clone(),
            executing: true,
            overrides: Arc::new(overrides),
            ..NodeContext::default()
        };
        let of_test = |found: Diagnostic| vec![found.at(test.declared_at().clone(), "in this unit test")];
        let asker = Asker { id: &model.id, file: &model.file, reads_own: false };
        let rendered = self.rendered(asker, &node, Arc::new(names)).await;
        let rendered = rendered.map_err(|error| error.map(|found| of_test(found).remove(0)))?;
        let origin = Origin { id: &model.id, file: &model.file, manifest: self.context.manifest };
        let complain = |error: SqlError| of_test(origin.sql_error(&error, &rendered.map));
        let query = self.context.engine.plan(&rendered.text).await.map_err(complain)?;
        let allowed = test.given.iter().filter_map(|given| self.context.manifest.nodes.get(&given.input));
        let allowed: BTreeSet<Relation> = allowed.filter_map(|node| node.relation()).map(stand_in).collect();
        origin.references(&query, &allowed)?;
        Ok((rendered.text, query))
    }

    /// Converts fixture rows to the types of a table's columns: all columns, or only those named.
    async fn rows(
        &self,
        rows: &RowsDecl,
        schema: &SchemaRef,
        only_named: bool,
        of: &str,
    ) -> Result<RecordBatch, Diagnostic> {
        match &rows.rows {
            RowsText::Absent => fixture::rows(FixtureRows::Dict(&[]), schema, false)
                .map_err(|error| unfit(&error, rows.span.clone(), of)),
            RowsText::Dict(items) => {
                let maps: Vec<Map<String, Value>> = items
                    .iter()
                    .map(|item| match item.to_json() {
                        Value::Object(map) => map,
                        _ => Map::new(),
                    })
                    .collect();
                let place = |error: &FixtureError| place(items, error).unwrap_or_else(|| rows.span.clone());
                fixture::rows(FixtureRows::Dict(&maps), schema, only_named && !maps.is_empty())
                    .map_err(|error| unfit(&error, place(&error), of))
            }
            RowsText::Csv(source) => {
                let empty = source.text().trim().is_empty();
                fixture::rows(FixtureRows::Csv(source.text()), schema, only_named && !empty)
                    .map_err(|error| unfit(&error, csv_place(source, &error, &rows.span), of))
            }
            RowsText::Sql(source) => self.queried(source, schema, only_named, &rows.span, of).await,
        }
    }

    /// Runs a query that reads no table.
    async fn queried(
        &self,
        source: &Source,
        schema: &SchemaRef,
        only_named: bool,
        at: &Span,
        of: &str,
    ) -> Result<RecordBatch, Diagnostic> {
        let engine = self.context.engine;
        let complain =
            |code: &'static str, message: String| Diagnostic::error(code, message).at(at.clone(), "");
        let query = engine.plan(source.text()).await.map_err(|error| complain(error.code, error.message))?;
        if let Some(relation) = query.relations().first() {
            let message =
                format!("the rows of a unit test must not come from a table; this query reads {relation}");
            return Err(complain("not-by-hand", message));
        }
        let failed =
            |error: &crate::engine::EngineError| complain("unit-test-rows", crate::engine::message(error));
        let bound = query.bind(&BTreeMap::new()).map_err(|error| failed(&error))?;
        let batch = engine.gather(&bound).await.map_err(|error| failed(&error))?;
        fixture::conform(&batch, schema, only_named).map_err(|error| unfit(&error, at.clone(), of))
    }
}

/// Returns the location of the invalid value.
fn place(items: &[Yaml], error: &FixtureError) -> Option<Span> {
    let item = items.get(error.row?)?;
    let YamlValue::Map(entries) = &item.value else { return Some(item.span.clone()) };
    let column = error.column.as_ref()?;
    let known = |(key, _): &&(Spanned<String>, Yaml)| key.value == *column;
    entries.iter().find(known).map(|(key, value)| {
        if error.known.is_empty() && !value.is_null() { value.span.clone() } else { key.span.clone() }
    })
}

/// Returns the line of the invalid row, given that the first line is the header.
fn csv_place(source: &Source, error: &FixtureError, whole: &Span) -> Span {
    // Text inside YAML has no line positions of its own there.
    if source.path() == whole.source.path() {
        return whole.clone();
    }
    let line = error.row.map_or(1, |row| row + 2);
    let start = source.offset(line, 1);
    let end = source.offset(line, usize::MAX);
    source.span(start..end)
}

fn unfit(error: &FixtureError, at: Span, of: &str) -> Diagnostic {
    let found = Diagnostic::error("unit-test-rows", format!("{} (of `{of}`)", error.message)).at(at, "");
    let Some(column) = error.column.as_ref().filter(|_| !error.known.is_empty()) else { return found };
    match near::question(column, error.known.iter().map(String::as_str)) {
        Some(question) => found.hint(question),
        None => found.note(format!("its columns: {}", error.known.join(", "))),
    }
}

fn overrides(declared: &OverridesDecl) -> Overrides {
    let json = |entries: &[(Spanned<String>, Yaml)]| -> Map<String, Value> {
        entries.iter().map(|(name, value)| (name.value.clone(), value.to_json())).collect()
    };
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Overrides {
        macros: json(&declared.macros),
        vars: json(&declared.vars),
        env_vars: json(&declared.env_vars).into_iter().map(|(name, value)| (name, text(value))).collect(),
    }
}

/// Resolves names to fixtures.
struct Given {
    manifest: Arc<crate::manifest::lookup::NameLookup>,
}

impl NameResolver for Given {
    fn reference(&self, from: &str, package: Option<&str>, name: &str) -> Result<Relation, String> {
        self.manifest.reference(from, package, name).map(|relation| stand_in(&relation))
    }

    fn source(&self, from: &str, source: &str, table: &str) -> Result<Relation, String> {
        NameResolver::source(self.manifest.as_ref(), from, source, table).map(|relation| stand_in(&relation))
    }
}
