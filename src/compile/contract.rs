//! Model contracts: the declared columns of a model and the constraints on them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ModelRule, Probe, Work, check::complaint, column_names::ColumnNames};
use crate::{
    diag::Diagnostic,
    engine::{
        Query, SchemaRef, SqlError,
        arrow::datatypes::{DataType, Field, Schema},
        plan::exact_cast::Destination,
        types,
    },
    lake::{Constraints, delta_schema},
    manifest::Model,
    parse::template::identifier,
    project::{ColumnDecl, ConstraintDecl, ConstraintKind},
    text::Span,
    text::padded,
};

/// A constraint that Delta writers don't enforce, so every new version is checked for violations.
#[derive(Debug)]
pub struct Check {
    /// The display name: `unique (id)`.
    pub name: String,
    /// A query for the rows that violate it.
    pub probe: Probe,
}

/// A constraint with its columns.
struct Declared<'a> {
    constraint: &'a ConstraintDecl,
    columns: Vec<String>,
}

impl Work<'_> {
    /// Puts the columns of a model with an enforced contract in the contract's order, as dbt does. Returns
    /// other columns than the contract's as they are, which is an error of the contract.
    ///
    /// # Errors
    /// If the engine can't order them.
    pub(super) fn in_contract_order(&self, model: &Model, query: Query) -> Result<Query, Vec<Diagnostic>> {
        let schema = query.schema();
        let known = ColumnNames::new(&schema, self.context.engine);
        let fields: Vec<Field> =
            model.columns.iter().filter_map(|column| known.find(&column.name.value)).cloned().collect();
        let is_same = fields.iter().eq(known.fields());
        if !model.config.contract || is_same || fields.len() != schema.fields().len() {
            return Ok(query);
        }
        let ordered = Schema::new(fields).into();
        let destination = Destination { table: model.relation.to_string(), cure: String::new() };
        let ordered = query.as_columns_of(&ordered, &destination);
        ordered.map_err(|error| vec![Diagnostic::error("engine", error.strip_backtrace())])
    }

    /// Compiles a model's contract; empty if it has none.
    ///
    /// # Errors
    /// Columns that violate the contract, and constraints that can't be enforced.
    pub(super) async fn contract(
        &self,
        model: &Model,
        schema: &SchemaRef,
    ) -> Result<(Constraints, Vec<Check>), Vec<Diagnostic>> {
        if !model.config.contract {
            return Ok((Constraints::default(), Vec::new()));
        }
        columns(model, ColumnNames::new(schema, self.context.engine))?;
        if !model.config.materialized.is_table() {
            return Ok((Constraints::default(), Vec::new()));
        }
        self.constraints(model, schema).await
    }

    async fn constraints(
        &self,
        model: &Model,
        schema: &SchemaRef,
    ) -> Result<(Constraints, Vec<Check>), Vec<Diagnostic>> {
        let mut constraints = Constraints::default();
        let (mut checks, mut findings) = (Vec::new(), Vec::new());
        let known = ColumnNames::new(schema, self.context.engine);
        for Declared { constraint, columns } in declared(model) {
            let columns = match known_columns(&columns, constraint, known, model) {
                Ok(columns) => columns,
                Err(found) => {
                    findings.push(found);
                    continue;
                }
            };
            if let Some(found) = unusable_name(constraint) {
                findings.push(found);
                continue;
            }
            let table = model.relation.quoted();
            let kind = constraint.kind.value;
            match kind {
                ConstraintKind::NotNull => constraints.not_null.extend(columns),
                ConstraintKind::Check => {
                    let Some(expression) = &constraint.expression else { continue };
                    let name = constraint.name.as_ref().map_or_else(
                        || format!("check_{}", constraints.checks.len() + 1),
                        |name| name.value.clone(),
                    );
                    // As in SQL, a row satisfies a check that evaluates to NULL.
                    let sql = format!("select * from {table} where not ({}\n)", expression.value);
                    match self.probe(sql, &expression.span).await {
                        Ok(probe) => {
                            checks
                                .push(Check { name: format!("check ({})", expression.value.trim()), probe });
                            constraints.checks.insert(name, expression.value.trim().to_owned());
                        }
                        Err(found) => findings.push(found),
                    }
                }
                ConstraintKind::Unique | ConstraintKind::PrimaryKey => {
                    let names: Vec<String> = columns.iter().map(|column| identifier(column)).collect();
                    let list = names.join(", ");
                    let known = names.iter().map(|name| format!("{name} is not null")).collect::<Vec<_>>();
                    let sql = format!(
                        "select {list}, count(*) as n_records from {table} where {} group by {list} having count(*) > 1",
                        known.join(" and ")
                    );
                    match self.probe(sql, &constraint.span).await {
                        Ok(probe) => {
                            checks.push(Check { name: format!("{} ({list})", kind.as_str()), probe });
                        }
                        Err(found) => findings.push(found),
                    }
                    if kind == ConstraintKind::PrimaryKey {
                        constraints.not_null.extend(columns);
                    }
                }
                ConstraintKind::ForeignKey | ConstraintKind::Custom => {}
            }
        }
        if findings.is_empty() { Ok((constraints, checks)) } else { Err(findings) }
    }

    async fn probe(&self, sql: String, at: &Span) -> Result<Probe, Diagnostic> {
        let engine = self.context.engine;
        let complain = |error: SqlError| complaint(&error, Some("the constraint"), at.clone());
        let rows = engine.plan(&sql).await.map_err(complain)?;
        let counted = engine.plan_failures(&rows, &sql, "count(*)", None).await.map_err(complain)?;
        let rule = rows.row_rule();
        Ok(Probe { sql, rows, counted, rule })
    }
}

/// Returns what shapes the table besides the statement and the settings, by display name.
pub(super) fn shaping(constraints: &Constraints, rules: &[ModelRule]) -> Vec<(String, Value)> {
    let mut shaping: Vec<(String, Value)> = rules
        .iter()
        .map(|rule| (format!("test {}", rule.name), json!([rule.sql, format!("{:?}", rule.then)])))
        .collect();
    if *constraints != Constraints::default() {
        let bound = json!({ "not_null": constraints.not_null, "checks": constraints.checks });
        shaping.push(("constraints".to_owned(), bound));
    }
    shaping
}

/// Returns the constraints of a model and its columns.
fn declared(model: &Model) -> impl Iterator<Item = Declared<'_>> {
    let own = model.constraints.iter().map(|constraint| Declared {
        constraint,
        columns: constraint.columns.iter().map(|column| column.value.clone()).collect(),
    });
    let of_columns = model.columns.iter().flat_map(|column| {
        column
            .constraints
            .iter()
            .map(|constraint| Declared { constraint, columns: vec![column.name.value.clone()] })
    });
    own.chain(of_columns)
}

/// Returns the columns of a constraint as the model spells them.
fn known_columns(
    columns: &[String],
    constraint: &ConstraintDecl,
    known: ColumnNames<'_>,
    model: &Model,
) -> Result<Vec<String>, Diagnostic> {
    let unknown = |column: &String| {
        let message = format!("the constraint is on `{column}`, which `{}` does not have", model.name);
        let found = Diagnostic::error("unknown-column", message).at(constraint.span.clone(), "");
        found.near(column, known.all())
    };
    let spelled =
        |column: &String| known.find(column).map(|field| field.name().clone()).ok_or_else(|| unknown(column));
    columns.iter().map(spelled).collect()
}

/// Rejects names other than plain ones, because the table stores check names in its properties.
fn unusable_name(constraint: &ConstraintDecl) -> Option<Diagnostic> {
    let name = constraint.name.as_ref()?;
    let plain = name.value.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (!plain).then(|| {
        Diagnostic::error("invalid-name", format!("`{}` can't be a constraint's name", name.value))
            .at(name.span.clone(), "letters, digits and underscores only")
    })
}

/// Compares the contract's columns with the query's. Their order doesn't matter.
fn columns(model: &Model, known: ColumnNames<'_>) -> Result<(), Vec<Diagnostic>> {
    let at = || model.documentation.declared.clone().unwrap_or_else(|| model.file.span(0..0));
    if model.columns.is_empty() {
        let message = format!("`{}` has a contract, and no columns are promised", model.name);
        let found = Diagnostic::error("contract", message).at(at(), "");
        return Err(vec![found.hint("list its `columns:`, each with a `data_type`")]);
    }
    let untyped: Vec<Diagnostic> = model
        .columns
        .iter()
        .filter(|column| column.data_type.is_none())
        .map(|column| {
            let message =
                format!("the contract of `{}` promises no type for `{}`", model.name, column.name.value);
            let found =
                Diagnostic::error("contract", message).at(column.name.span.clone(), "needs a `data_type`");
            let actual = known.find(&column.name.value);
            match actual.map(|field| types::type_name(field.data_type())) {
                Some(actual) => found.hint(format!("the model makes it {actual}: `data_type: {actual}`")),
                None => found,
            }
        })
        .collect();
    if !untyped.is_empty() {
        return Err(untyped);
    }
    let mut findings = Vec::new();
    let promised: BTreeMap<&str, DataType> = model
        .columns
        .iter()
        .filter_map(|column| Some((column.name.value.as_str(), promised(column, &mut findings)?)))
        .collect();
    if !findings.is_empty() {
        return Err(findings);
    }
    let rows = compared(model, &promised, known);
    if rows.iter().all(|row| row.remark.is_empty()) {
        return Ok(());
    }
    let wrong = rows.iter().filter(|row| !row.remark.is_empty()).count();
    let message = match wrong {
        1 => format!("`{}` does not keep its contract: 1 column differs", model.name),
        _ => format!("`{}` does not keep its contract: {wrong} columns differ", model.name),
    };
    let mut found = Diagnostic::error("contract", message).at(at(), "promised here");
    let first = model
        .columns
        .iter()
        .find(|column| rows.iter().any(|row| row.column == column.name.value && !row.remark.is_empty()));
    if let Some(column) = first {
        let place = column.data_type.as_ref().map_or(&column.name.span, |data_type| &data_type.span);
        found = found.at(place.clone(), "the first that differs");
    }
    Err(vec![
        found
            .note(side_by_side(&rows))
            .hint("fix the model's SQL, or update the contract and notify its consumers"),
    ])
}

/// Returns the declared type of a column, as its table stores it.
fn promised(column: &ColumnDecl, findings: &mut Vec<Diagnostic>) -> Option<DataType> {
    let declared = column.data_type.as_ref()?;
    let stored = types::data_type(&declared.value).and_then(|data_type| {
        let schema = Schema::new(vec![Field::new("c", data_type, true)]);
        let stored = delta_schema(&schema, &[]).map_err(|problems| problems.join("; "))?;
        Ok(stored.field(0).data_type().clone())
    });
    stored
        .map_err(|message| {
            findings.push(Diagnostic::error("unknown-type", message).at(declared.span.clone(), ""));
        })
        .ok()
}

/// One row of the comparison.
struct Row {
    column: String,
    promised: String,
    actual: String,
    remark: &'static str,
}

fn compared(model: &Model, promised: &BTreeMap<&str, DataType>, known: ColumnNames<'_>) -> Vec<Row> {
    const NONE: &str = "—";
    let stored = |data_type: &DataType| {
        let schema = Schema::new(vec![Field::new("c", data_type.clone(), true)]);
        delta_schema(&schema, &[]).map_or_else(|_| data_type.clone(), |it| it.field(0).data_type().clone())
    };
    let mut rows: Vec<Row> = model
        .columns
        .iter()
        .filter_map(|column| {
            let name = &column.name.value;
            let wanted = promised.get(name.as_str())?;
            let actual = known.find(name).map(|field| stored(field.data_type()));
            let remark = match &actual {
                None => "missing in the model",
                Some(actual) if actual != wanted => "another type",
                Some(_) => "",
            };
            Some(Row {
                column: name.clone(),
                promised: types::type_name(wanted),
                actual: actual.map_or(NONE.into(), |actual| types::type_name(&actual)),
                remark,
            })
        })
        .collect();
    let kept: Vec<&str> =
        promised.keys().filter_map(|name| known.find(name)).map(|field| field.name().as_str()).collect();
    let extra = known.fields().filter(|field| !kept.contains(&field.name().as_str()));
    rows.extend(extra.map(|field| Row {
        column: field.name().clone(),
        promised: NONE.into(),
        actual: types::type_name(&stored(field.data_type())),
        remark: "not in the contract",
    }));
    rows
}

fn side_by_side(rows: &[Row]) -> String {
    let heads = ["column", "contract", "model"];
    let cells: Vec<[&str; 3]> = std::iter::once(heads)
        .chain(rows.iter().map(|row| [row.column.as_str(), &row.promised, &row.actual]))
        .collect();
    let width = |at: usize| cells.iter().map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    let remarks = std::iter::once("").chain(rows.iter().map(|row| row.remark));
    let lines = cells.iter().zip(remarks).map(|([column, promised, actual], remark)| {
        let arrow = if remark.is_empty() { "" } else { "← " };
        let [column, promised, actual] =
            [(column, 0), (promised, 1), (actual, 2)].map(|(cell, at)| padded(cell, widths[at], false));
        format!("{column}  {promised}  {actual}  {arrow}{remark}").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}
