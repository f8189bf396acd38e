//! `init`: creates a small project that builds at once.

use std::{fs, io::Write, path::Path, process::ExitCode};

use super::{args::InitArgs, failure::Failure, streams::stdout};

/// The files of a new project; `{name}` stands for its name.
const FILES: [(&str, &str); 8] = [
    ("project.yml", include_str!("init/project.yml")),
    ("sources.yml", include_str!("init/sources.yml")),
    ("data/orders.csv", include_str!("init/orders.csv")),
    ("models/raw/raw_orders.sql", include_str!("init/raw_orders.sql")),
    ("models/staging/stg_orders.sql", include_str!("init/stg_orders.sql")),
    ("models/presentation/revenue_per_day.sql", include_str!("init/revenue_per_day.sql")),
    ("models/schema.yml", include_str!("init/schema.yml")),
    (".gitignore", "/target/\n/data_lake/\n"),
];

pub(super) fn run(args: &InitArgs) -> Result<ExitCode, Failure> {
    let name = args.name.as_str();
    let valid = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !valid {
        return Err(Failure::hinted(
            format!("`{name}` can't be a project's name"),
            "use lower-case letters, digits and underscores, beginning with a letter",
        ));
    }
    let root = Path::new(name);
    if root.exists() {
        return Err(Failure::message(format!("{} is there already; nothing was written", root.display())));
    }
    for (path, content) in FILES {
        let path = root.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, content.replace("{name}", name)));
        written.map_err(|error| Failure::message(format!("can't write {}: {error}", path.display())))?;
    }
    writeln!(
        stdout(),
        "Made {name}/ with a source, three models and their descriptions. Next:\n\n  cd {name}\n  headwater build\n  headwater show --inline \"select * from presentation.revenue_per_day\""
    )?;
    Ok(ExitCode::SUCCESS)
}
