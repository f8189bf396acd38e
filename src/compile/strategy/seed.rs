//! Seeds: scans a file and generates its query, which selects all columns under their SQL names.
//!
//! So invalid values are reported before anything is written, and models that read the seed know its columns.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Strategy;
use crate::{
    compile::{CompiledHooks, CompiledModel, NotCompiled, Work, check, contract, inputs::input_nodes},
    diag::Diagnostic,
    engine::{arrow::datatypes::DataType, types},
    lake,
    manifest::{Seed, SeedConfig, fingerprint::Fingerprint},
    name::quoted,
    project::ProjectFiles,
    source::{
        self, Drift, Identity, Nulls, OnError, SourceSpec,
        seed::{self, SeedFaults, SeedFormat, SeedHeading},
    },
    text::Source,
};

/// Stands in for the statement in a seed's fingerprint, as its query follows from its file and settings.
const STATEMENT: &str = "seed";

/// The maximum number of columns of a seed. Planning compares every pair of columns several times.
const MOST_COLUMNS: usize = 10_000;

/// The columns of a seed.
struct Columns {
    headings: Vec<SeedHeading>,
    /// Their names in the table.
    names: Vec<String>,
    /// Their declared types.
    declared: Vec<Option<DataType>>,
    /// Warnings about declared types of columns that the seed doesn't have.
    surplus: Vec<Diagnostic>,
}

impl Work<'_> {
    /// Scans a seed's file and compiles its query.
    ///
    /// # Errors
    /// All errors in the file and in its declaration.
    pub(in crate::compile) async fn seed(&mut self, seed: &Seed) -> Result<(), NotCompiled> {
        let file =
            ProjectFiles::on_disk(self.context.root).read(seed.location()).map_err(|found| vec![found])?;
        let format = format(&seed.config);
        let mut columns = columns(seed, &file, &format)?;
        self.compiled.warnings.append(&mut columns.surplus);
        let types = seed::types(file.text(), &format, &columns.declared);
        let types = types.map_err(|faults| findings(&file, faults))?;
        let engine = self.context.engine;
        let failed = |message: String| vec![Diagnostic::error("engine", message)];
        let spec = SourceSpec {
            name: format!("seed {}", seed.model.name),
            format: format.source(),
            location: seed.location().to_owned(),
            base: self.context.root.to_path_buf(),
            columns: columns.headings.iter().map(|heading| heading.name.clone()).zip(types).collect(),
            text: source::TextOptions::default(),
            on_error: OnError::Fail,
            identity: Identity::Content,
            drift: Drift::default(),
        };
        let read = source::schema(&spec).map_err(|error| failed(error.strip_backtrace()))?;
        engine.declare_table(&seed.file, read).map_err(|error| failed(error.strip_backtrace()))?;
        let sql = columns.select(seed);
        let query = engine.plan(&sql).await.map_err(|error| failed(error.message))?;
        let schema = check::table(&query, &seed.model)?;
        self.declare(&seed.model.id, &seed.model.relation, schema.clone())?;
        let hooks = self.hooks(&seed.model, &schema, false, None).await?;
        let (constraints, checks) = self.contract(&seed.model, &schema).await?;
        let rules = self.rules(&seed.model).await?;
        let beside = contract::shaping(&constraints, &rules).into_iter().chain(columns.shaping(&seed.config));
        let fingerprint =
            Fingerprint::new(&format!("{STATEMENT}{}", hooks.fingerprint()), &seed.model.config, beside);
        let compiled = CompiledModel {
            sql,
            inputs: input_nodes(
                std::iter::once(&query).chain(hooks.queries()),
                Some(&seed.model.relation),
                self.context.manifest,
            ),
            query,
            schema,
            strategy: Strategy::Seed,
            refresh: None,
            fingerprint,
            volatile: false,
            rules,
            constraints,
            checks,
            hooks,
            new_rows_hooks: CompiledHooks::default(),
        };
        self.compiled.sources.insert(seed.model.id.clone(), spec);
        self.compiled.models.insert(seed.model.id.clone(), compiled);
        Ok(())
    }
}

fn format(config: &SeedConfig) -> SeedFormat {
    let nulls = Nulls::new(&config.null_values);
    SeedFormat { delimiter: config.delimiter, quote: config.quote, nulls }
}

/// Returns the columns named in the header, with their declared types.
fn columns(seed: &Seed, file: &Source, format: &SeedFormat) -> Result<Columns, Vec<Diagnostic>> {
    let headings = seed::header(file.text(), format).map_err(|faults| findings(file, faults))?;
    if let Some(surplus) = headings.get(MOST_COLUMNS) {
        let message = format!("a seed can have {MOST_COLUMNS} columns, this one has {}", headings.len());
        let found = Diagnostic::error("too-many-columns", message)
            .at(file.span(surplus.at.clone()), "the first column beyond the limit")
            .hint("make rows of name and value of the columns, or set `delimiter` if the header is split wrongly");
        return Err(vec![found]);
    }
    let mut found: Vec<Diagnostic> =
        headings.iter().filter_map(|heading| unusable(heading, file, headings.len())).collect();
    if !found.is_empty() {
        return Err(found);
    }
    // As the engine reads an unquoted name.
    let folded = |name: &str| name.to_ascii_lowercase();
    let called = |heading: &SeedHeading| {
        if seed.config.quote_columns { heading.name.clone() } else { folded(&heading.name) }
    };
    let names: Vec<String> = headings.iter().map(called).collect();
    let (mut declared, mut surplus) = (vec![None; names.len()], Vec::new());
    for (column, written) in &seed.config.column_types {
        let declared_here = |found: Diagnostic| match &seed.config.column_types_at {
            Some(at) => found.at(at.clone(), "declared here"),
            None => found,
        };
        let at = names.iter().position(|name| name.to_lowercase() == column.to_lowercase());
        match (at, types::data_type(written)) {
            (Some(at), Ok(data_type)) => declared[at] = Some(data_type),
            (Some(_), Err(message)) => {
                let message = format!("column `{column}` of `{}`: {message}", seed.model.name);
                found.push(declared_here(Diagnostic::error("unknown-type", message)));
            }
            (None, _) => {
                let message = format!(
                    "`column_types` names `{column}`, which the seed `{}` ({}) does not have",
                    seed.model.name,
                    seed.location()
                );
                let warning = declared_here(Diagnostic::warning("unknown-column", message));
                let warning = warning.near(column, names.iter().map(String::as_str));
                surplus.push(warning.note(format!("its columns: {}", names.join(", "))));
            }
        }
    }
    if found.is_empty() { Ok(Columns { headings, names, declared, surplus }) } else { Err(found) }
}

/// Checks that a Delta table can have a column of this name. If the whole header is one name, the delimiter
/// is the cause.
fn unusable(heading: &SeedHeading, file: &Source, columns: usize) -> Option<Diagnostic> {
    let delimiter = [';', '\t', '|'].into_iter().find(|delimiter| heading.name.contains(*delimiter));
    let forbidden = lake::forbidden(&heading.name);
    let (sign, hint) = match (delimiter, forbidden) {
        (Some(delimiter), _) if columns == 1 => {
            (delimiter, format!("if it separates the values, set `delimiter: {:?}`", delimiter.to_string()))
        }
        (_, Some(sign)) => (sign, "rename the column in the header".to_owned()),
        _ => return None,
    };
    let message = format!("a column can't have {sign:?} in its name");
    Some(Diagnostic::error("column-name", message).at(file.span(heading.at.clone()), "").hint(hint))
}

impl Columns {
    /// Returns a query for all columns under their SQL names.
    fn select(&self, seed: &Seed) -> String {
        let columns = self.headings.iter().zip(&self.names);
        let columns: Vec<String> =
            columns.map(|(heading, name)| format!("{} as {}", quoted(&heading.name), quoted(name))).collect();
        format!("select {} from {}", columns.join(", "), seed.file.quoted())
    }

    /// Returns the file settings that shape the table, by display name.
    fn shaping(&self, config: &SeedConfig) -> BTreeMap<String, Value> {
        let mut shaping = config.changed();
        let declared = self.names.iter().zip(&self.declared);
        let types: BTreeMap<&str, String> =
            declared.filter_map(|(name, of)| Some((name.as_str(), types::type_name(of.as_ref()?)))).collect();
        if !types.is_empty() {
            shaping.insert("column_types".to_owned(), json!(types));
        }
        shaping
    }
}

/// Converts faults in a file to diagnostics.
fn findings(file: &Source, faults: SeedFaults) -> Vec<Diagnostic> {
    let SeedFaults { told, more } = faults;
    let mut found: Vec<Diagnostic> = told
        .into_iter()
        .map(|fault| {
            Diagnostic::error(fault.code, fault.message).at(file.span(fault.at), "").hint(fault.cure)
        })
        .collect();
    if more > 0
        && let Some(last) = found.pop()
    {
        let plural = if more == 1 { "row is" } else { "rows are" };
        found.push(last.note(format!("{more} more {plural} wrong in {}", file.path())));
    }
    found
}
