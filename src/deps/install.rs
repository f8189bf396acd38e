//! Installation: replaces the installed packages by fetched ones.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::{
    LOCK,
    fetch::{Files, Origin, Pinned},
};
use crate::diag::Diagnostic;

/// The folder for downloads, next to the packages so that they can be moved; it's removed at the end.
pub(super) struct Downloads {
    packages: PathBuf,
    folder: PathBuf,
    /// True if the folder of the packages was made for it.
    is_new: bool,
}

impl Downloads {
    /// Creates the folder of the packages. Fails if it has other contents, because an installation removes
    /// what is in it.
    pub(super) fn create(root: &Path, install_path: &str) -> Result<Self, Diagnostic> {
        let packages = root.join(install_path);
        let refused = |why: String| {
            let message = format!("packages can't be installed in `{install_path}`: {why}");
            let hint = "set `packages-install-path` to a folder of its own inside the project";
            Err(Diagnostic::error("packages-install-path", message).hint(hint))
        };
        let is_inside = Path::new(install_path).components().all(|part| matches!(part, Component::Normal(_)));
        if !is_inside || install_path.is_empty() {
            return refused("it isn't a folder inside the project".to_owned());
        }
        if let Some(link) = link_on_the_way(root, install_path) {
            return refused(format!("`{link}` is a link to another folder"));
        }
        if is_project(&packages) {
            return refused("a project is there".to_owned());
        }
        if let Some(other) = other_than_packages(&packages) {
            return refused(format!("`{other}` in it isn't a package"));
        }
        if let Some(other) = not_installed(root, &packages) {
            return refused(format!(
                "`{other}` in it wasn't installed by `deps`, and would be removed: move it"
            ));
        }
        // Folders that begin with `__` are no packages.
        let folder = packages.join(format!("__downloads_{}", uuid::Uuid::new_v4().simple()));
        let is_new = !packages.exists();
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        Ok(Self { packages, folder, is_new })
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Removes the installed packages, and puts these in their place.
    pub(super) fn install(
        mut self,
        root: &Path,
        pins: &[Pinned],
        tell: &mut dyn FnMut(&str),
    ) -> Result<(), Diagnostic> {
        self.is_new &= pins.is_empty();
        self.check_sources(root, pins)?;
        self.clear().map_err(|error| failed(&self.packages, &error))?;
        let mut outdated = Vec::new();
        for pin in pins {
            tell(&format!("Installing {}", pin.origin.label()));
            let place = self.packages.join(&pin.name);
            match &pin.files {
                Files::Downloaded(folder) => fs::rename(folder, &place),
                Files::Linked(folder) => link(folder, &place, root),
                Files::Remote => Ok(()),
            }
            .map_err(|error| failed(&place, &error))?;
            tell(&format!("Installed from {}", pin.origin));
            if let (Origin::Hub { version, .. }, Some(newest)) = (&pin.origin, &pin.newest) {
                if newest == version {
                    tell("Up to date!");
                } else {
                    tell(&format!("Updated version available: {newest}"));
                    outdated.push(format!("'{}'", pin.name));
                }
            }
            if let Origin::Git { folder: Some(folder), .. } = &pin.origin {
                tell(&format!("and subdirectory {folder}"));
            }
        }
        let names: Vec<&str> = pins.iter().map(|pin| pin.name.as_str()).collect();
        let record = self.packages.join(INSTALLED);
        fs::write(&record, names.join("\n")).map_err(|error| failed(&record, &error))?;
        if !outdated.is_empty() {
            tell(&format!("Updates available for packages: [{}]", outdated.join(", ")));
            tell("Update your versions in packages.yml, then run headwater deps");
        }
        Ok(())
    }

    /// Checks that no local package lies where packages are removed.
    fn check_sources(&self, root: &Path, pins: &[Pinned]) -> Result<(), Diagnostic> {
        let Ok(packages) = fs::canonicalize(&self.packages) else { return Ok(()) };
        for pin in pins {
            if let Files::Linked(folder) = &pin.files
                && fs::canonicalize(root.join(folder)).is_ok_and(|folder| folder.starts_with(&packages))
            {
                let message = format!(
                    "the package {} is inside the folder where packages are installed",
                    pin.origin.label()
                );
                let found = Diagnostic::error("packages-install-path", message).at(pin.at.clone(), "");
                return Err(found.hint("move it to another folder, or set another `packages-install-path`"));
            }
        }
        Ok(())
    }

    /// Removes the packages that are installed.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.packages)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if stays(&entry.file_name().to_string_lossy()) {
                continue;
            }
            // Remove the link, not its target.
            if kind.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        Ok(())
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        // A folder that can't be removed isn't a package, so it is never read.
        let _ = fs::remove_dir_all(&self.folder);
        if self.is_new {
            let _ = fs::remove_dir(&self.packages);
        }
    }
}

/// The file that names the installed packages, one a line.
const INSTALLED: &str = ".headwater-installed";

/// Returns the first link among the folders that lead to the packages.
fn link_on_the_way(root: &Path, install_path: &str) -> Option<String> {
    let mut folder = root.to_owned();
    Path::new(install_path).components().find_map(|part| {
        folder.push(part);
        folder.is_symlink().then(|| folder.strip_prefix(root).unwrap_or(&folder).display().to_string())
    })
}

/// Returns the name of a package that `deps` didn't install. Without a record they are dbt's if there is a
/// lock file.
fn not_installed(root: &Path, packages: &Path) -> Option<String> {
    let record = fs::read_to_string(packages.join(INSTALLED)).ok();
    if record.is_none() && root.join(LOCK).exists() {
        return None;
    }
    let record = record.unwrap_or_default();
    let others = fs::read_dir(packages).into_iter().flatten().flatten().filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        is_folder && !stays(&name) && !record.lines().any(|line| line == name)
    });
    others.map(|entry| entry.file_name().to_string_lossy().into_owned()).min()
}

fn is_project(folder: &Path) -> bool {
    ["project.yml", "dbt_project.yml"].iter().any(|name| folder.join(name).exists())
}

/// Returns whether an entry of the folder isn't a package but may stay, such as `.gitignore`.
fn stays(name: &str) -> bool {
    name.starts_with("__") || name.starts_with('.')
}

/// Returns the name of something in a folder that is no package: neither the folder of a project, nor a link.
/// Links are removed alone.
fn other_than_packages(folder: &Path) -> Option<String> {
    let others = fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| {
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let name = entry.file_name();
        !is_link && !stays(&name.to_string_lossy()) && !is_project(&entry.path())
    });
    others.map(|entry| entry.file_name().to_string_lossy().into_owned()).min()
}

fn failed(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error("packages-not-installed", format!("can't write {}: {error}", path.display()))
}

/// Links a folder, so that changes in it take effect at once. Copies it if the disk has no links.
fn link(folder: &Path, place: &Path, root: &Path) -> io::Result<()> {
    let folder = fs::canonicalize(root.join(folder))?;
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&folder, place)
    }
    #[cfg(not(unix))]
    {
        copy(&folder, place)
    }
}

/// Copies a folder with everything in it.
#[cfg(not(unix))]
fn copy(folder: &Path, place: &Path) -> io::Result<()> {
    fs::create_dir_all(place)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let target = place.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?
        } else {
            fs::copy(entry.path(), target).map(drop)?
        }
    }
    Ok(())
}
