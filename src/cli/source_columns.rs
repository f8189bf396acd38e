//! `source columns`: prints the columns of files or of a source as YAML to paste, or records them for a
//! source.

use std::{fmt::Write as _, io::Write as _, process::ExitCode};

use super::{
    args::{Global, SourceColumnsArgs},
    context::CommandContext,
    failure::Failure,
    streams::stdout,
    target::cores,
};
use crate::{
    compile::{FOUND_COLUMNS, FoundColumns, source},
    diag::near,
    engine::{
        Engine, EngineSettings,
        source::{InferenceDepth, InferredColumn, InferredColumns, SourceSpec, declared_name, is_supplied},
    },
    manifest::{Node, SourceTable},
    project::SourceFormatName,
};

pub(super) async fn run(global: &Global, args: &SourceColumnsArgs) -> Result<ExitCode, Failure> {
    let root = global.project_dir.canonicalize()?;
    let is_file = |name: &str| name.contains(['/', '*', '?']) || root.join(name).exists();
    let are_files = args.names.iter().all(|name| is_file(name));
    let context = if are_files { None } else { Some(CommandContext::load(global)?) };
    let engine = match &context {
        Some(context) => context.engine()?,
        None => Engine::new(&EngineSettings {
            threads: global.threads.map_or_else(cores, usize::from),
            memory_limit: None,
            dialect: "duckdb".to_owned(),
            database: "headwater".to_owned(),
            temp_dir: None,
        })?,
    };
    let mut text = String::new();
    for name in &args.names {
        let yaml = match &context {
            Some(context) if !is_file(name) => of_source(context, &engine, name, args.record).await?,
            _ if args.record => {
                return Err(Failure::message("`--record` records the columns of a source, not of files"));
            }
            _ => {
                let spec = source::of_files(name, format(name, args.format.as_deref())?, &root);
                columns(&engine, &spec).await?.1
            }
        };
        text.push_str(&yaml);
    }
    stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the columns of a source as YAML, and records them if `record` is set.
async fn of_source(
    context: &CommandContext,
    engine: &Engine,
    name: &str,
    record: bool,
) -> Result<String, Failure> {
    let table = table(context, name)?;
    let Some(external) = table.external.as_ref().filter(|_| !table.is_delta()) else {
        return Err(Failure::message(format!("{name} is a Delta table, whose columns are its own")));
    };
    let mut spec = source::spec(table, external, &context.project.root)?;
    spec.columns.retain(|(name, _)| is_supplied(name));
    let (found, yaml) = columns(engine, &spec).await?;
    if record {
        if !table.may_be_undeclared() {
            let message = format!("{name} declares its columns, so that none are recorded");
            return Err(Failure::hinted(message, "correct its `columns:`, or leave them out"));
        }
        let found = FoundColumns::new(&spec, &found);
        let record = found.to_text().map_err(|error| Failure::message(error.to_string()))?;
        context.lake()?.record(FOUND_COLUMNS, table.id.as_str(), record).await?;
    }
    Ok(yaml)
}

/// Returns the source table of this name.
fn table<'c>(context: &'c CommandContext, name: &str) -> Result<&'c SourceTable, Failure> {
    let tables = || {
        context.manifest.nodes.values().filter_map(|node| match node {
            Node::Source(table) => Some((format!("{}.{}", table.source, table.name), table.as_ref())),
            _ => None,
        })
    };
    if let Some((_, table)) = tables().find(|(known, _)| known == name) {
        return Ok(table);
    }
    let names: Vec<String> = tables().map(|(known, _)| known).collect();
    let message = format!("there is no file and no source `{name}`");
    Err(match near::question(name, names.iter().map(String::as_str)) {
        Some(question) => Failure::hinted(message, question),
        None => Failure::message(message),
    })
}

fn format(name: &str, given: Option<&str>) -> Result<SourceFormatName, Failure> {
    let names = || SourceFormatName::ALL.map(SourceFormatName::as_str);
    let found = match given {
        Some(given) => SourceFormatName::ALL.into_iter().find(|format| format.as_str() == given),
        None => SourceFormatName::of_file(name.rsplit('/').next().unwrap_or(name)),
    };
    match found {
        Some(SourceFormatName::Delta | SourceFormatName::Sqlite) => {
            Err(Failure::message(format!("declare {name} as a source: its columns are those of a table")))
        }
        Some(format) => Ok(format),
        None => {
            let message = format!("can't infer the format of {name}");
            Err(Failure::hinted(message, format!("give one with --format: {}", names().join(", "))))
        }
    }
}

/// Returns the columns of a source, and YAML that declares them.
async fn columns(engine: &Engine, spec: &SourceSpec) -> Result<(InferredColumns, String), Failure> {
    let found = if spec.format.is_text() {
        let files = engine.source_listing(spec).await?.files;
        if files.is_empty() {
            let place = spec.base.display();
            return Err(Failure::message(format!("no file matches `{}` under {place}", spec.location)));
        }
        engine.source_columns(spec, files, InferenceDepth::Detailed).await?
    } else {
        let schema = engine.source(spec, None).await?.schema();
        let columns =
            schema.fields().iter().filter(|field| !is_supplied(field.name())).map(|field| InferredColumn {
                name: field.name().clone(),
                data_type: field.data_type().clone(),
                nulls: 0,
                distinct: 0,
                examples: Vec::new(),
            });
        InferredColumns { columns: columns.collect(), ..InferredColumns::default() }
    };
    let mut text = String::new();
    if spec.format.is_text() {
        let (files, rows) = (counted(found.files, "file"), counted(found.rows, "row"));
        let _ = writeln!(
            text,
            "# {}: {files}, {rows}; distinct values beyond 1024 are an estimate",
            spec.location
        );
    } else {
        let _ = writeln!(text, "# {}: as the files declare them", spec.location);
    }
    for (file, reason) in &found.broken {
        let _ = writeln!(text, "# not read: {file}: {reason}");
    }
    let _ = writeln!(text, "columns:");
    for column in &found.columns {
        let _ = writeln!(text, "  - name: {}", scalar(&column.name));
        let data_type = scalar(&declared_name(&column.data_type));
        let described = if spec.format.is_text() { described(column, found.rows) } else { String::new() };
        let _ = writeln!(text, "    data_type: {data_type}{described}");
    }
    Ok((found, text))
}

/// Describes the values of a column in a YAML comment.
fn described(column: &InferredColumn, rows: u64) -> String {
    let nulls = match column.nulls {
        0 => "no nulls".to_owned(),
        nulls if nulls == rows => return "  # no values".to_owned(),
        nulls => counted(nulls, "null"),
    };
    let examples: Vec<String> = column
        .examples
        .iter()
        .map(|example| example.replace(|letter: char| letter.is_control(), " "))
        .collect();
    format!("  # {nulls}, {} distinct: {}", column.distinct, examples.join(", "))
}

fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Formats a text as a YAML scalar, quoted where YAML would interpret it.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && text.chars().all(|letter| letter.is_alphanumeric() || "_ (),".contains(letter))
        && !text.ends_with(' ')
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_lowercase().as_str());
    if is_plain { text.to_owned() } else { format!("\"{}\"", text.escape_default()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_yaml_would_take_for_something_else_are_quoted() {
        for (text, want) in [
            ("id", "id"),
            ("decimal(10, 2)", "decimal(10, 2)"),
            ("no", "\"no\""),
            ("1st", "\"1st\""),
            ("a: b", "\"a: b\""),
            ("größe", "größe"),
            ("say \"x\"", "\"say \\\"x\\\"\""),
        ] {
            assert_eq!(scalar(text), want);
        }
    }
}
