//! `source columns`: prints the columns of files or of a source as YAML to paste, or records them for a
//! source.

use std::{fmt::Write as _, io::Write as _, process::ExitCode};

use clap::Args;

use crate::{
    cli::{args::Global, failure::Failure, loading::load, streams::stdout},
    engine::types::declared_name,
    source::InferredColumn,
    workspace::{SourceColumns, columns_of_files},
};

/// `source columns`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ColumnsArgs {
    /// Files, folders or patterns (data/orders/*.csv), or sources (shop.orders)
    #[arg(value_name = "FILE|SOURCE", required = true)]
    pub(in crate::cli) names: Vec<String>,
    /// Format of the files, if it can't be inferred from their extension
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::cli) format: Option<String>,
    /// Record the columns for a source that declares none, replacing those of its first load
    #[arg(long, value_parser = clap::builder::BoolishValueParser::new())]
    pub(in crate::cli) record: bool,
}

pub(super) async fn run(global: &Global, args: &ColumnsArgs) -> Result<ExitCode, Failure> {
    let root = global.project_dir.canonicalize()?;
    let is_file = |name: &str| name.contains(['/', '*', '?']) || root.join(name).exists();
    let are_files = args.names.iter().all(|name| is_file(name));
    let workspace = if are_files { None } else { Some(load(global)?) };
    let engine = match &workspace {
        Some(workspace) => workspace.engine()?,
        None => global.load_options()?.engine()?,
    };
    let mut text = String::new();
    for name in &args.names {
        let columns = match &workspace {
            Some(workspace) if !is_file(name) => workspace.source_columns(&engine, name, args.record).await?,
            _ if args.record => {
                return Err(Failure::message("`--record` records the columns of a source, not of files"));
            }
            _ => columns_of_files(&engine, &root, name, args.format.as_deref()).await?,
        };
        text.push_str(&yaml(&columns));
    }
    stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns YAML that declares the columns.
fn yaml(SourceColumns { location, is_text, found }: &SourceColumns) -> String {
    let mut text = String::new();
    if *is_text {
        let (files, rows) = (counted(found.files, "file"), counted(found.rows, "row"));
        let _ = writeln!(text, "# {location}: {files}, {rows}; distinct values beyond 1024 are an estimate");
    } else {
        let _ = writeln!(text, "# {location}: as the files declare them");
    }
    for (file, reason) in &found.broken {
        let _ = writeln!(text, "# not read: {file}: {reason}");
    }
    let _ = writeln!(text, "columns:");
    for column in &found.columns {
        let _ = writeln!(text, "  - name: {}", scalar(&column.name));
        let data_type = scalar(&declared_name(&column.data_type));
        let described = if *is_text { described(column, found.rows) } else { String::new() };
        let _ = writeln!(text, "    data_type: {data_type}{described}");
    }
    text
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
