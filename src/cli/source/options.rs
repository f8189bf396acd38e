//! `source options`: lists the options for sources of each format.

use std::{io::Write as _, process::ExitCode};

use clap::Args;

use crate::{
    cli::{failure::Failure, streams::stdout},
    diag::near,
    project::{SOURCE_OPTIONS, SourceFormatName},
};

/// `source options`.
#[derive(Debug, Args)]
pub(in crate::cli) struct OptionsArgs {
    /// Format to list the options of: csv, json, ndjson, parquet, avro, sqlite
    #[arg(value_name = "FORMAT")]
    pub(in crate::cli) format: Option<String>,
}

pub(super) fn run(args: &OptionsArgs) -> Result<ExitCode, Failure> {
    let formats = match &args.format {
        None => SourceFormatName::ALL.to_vec(),
        Some(name) => {
            let names = SourceFormatName::ALL.map(SourceFormatName::as_str);
            let found = SourceFormatName::ALL.into_iter().find(|format| format.as_str() == name);
            let unknown = || {
                let hint = near::question(name, names)
                    .unwrap_or_else(|| format!("the formats are {}", names.join(", ")));
                Failure::hinted(format!("there is no format `{name}`"), hint)
            };
            vec![found.ok_or_else(unknown)?]
        }
    };
    let mut out = stdout();
    for option in
        SOURCE_OPTIONS.iter().filter(|option| formats.iter().any(|format| option.applies_to(*format)))
    {
        let names: Vec<&str> = option.formats.iter().map(|format| format.as_str()).collect();
        let plain = |text: &str| text.replace('`', "");
        writeln!(out, "{} ({})", option.name, names.join(", "))?;
        writeln!(out, "    {}", plain(option.doc))?;
        writeln!(out, "    {}; default: {}", plain(&option.values.describe()), plain(option.default))?;
    }
    Ok(ExitCode::SUCCESS)
}
