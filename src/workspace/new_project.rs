//! New projects: a small one that builds at once.

use std::{fs, path::Path};

use super::error::WorkspaceError;

/// The files of a new project; `{name}` stands for its name.
const FILES: [(&str, &str); 8] = [
    ("project.yml", include_str!("new_project/project.yml")),
    ("sources.yml", include_str!("new_project/sources.yml")),
    ("data/orders.csv", include_str!("new_project/orders.csv")),
    ("models/raw/raw_orders.sql", include_str!("new_project/raw_orders.sql")),
    ("models/staging/stg_orders.sql", include_str!("new_project/stg_orders.sql")),
    ("models/presentation/revenue_per_day.sql", include_str!("new_project/revenue_per_day.sql")),
    ("models/schema.yml", include_str!("new_project/schema.yml")),
    (".gitignore", "/target/\n/data_lake/\n"),
];

/// Creates a project of this name, in a new folder of the same name in `parent`.
///
/// # Errors
/// If the name is invalid, or the folder exists or can't be written.
pub fn create_project(parent: &Path, name: &str) -> Result<(), WorkspaceError> {
    let valid = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !valid {
        return Err(WorkspaceError::hinted(
            format!("`{name}` can't be a project's name"),
            "use lower-case letters, digits and underscores, beginning with a letter",
        ));
    }
    let root = parent.join(name);
    if root.exists() {
        let message = format!("{} is there already; nothing was written", root.display());
        return Err(WorkspaceError::message(message));
    }
    for (path, content) in FILES {
        let path = root.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, content.replace("{name}", name)));
        written
            .map_err(|error| WorkspaceError::message(format!("can't write {}: {error}", path.display())))?;
    }
    Ok(())
}
