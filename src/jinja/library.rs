//! Macro library: the macro files, compiled once and callable from every template.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::Arc,
};

use minijinja::Environment;

use super::{
    builtin,
    header::MacroHeader,
    rewrite::TemplateRole,
    template_file::{TemplateFile, compile_error},
};
use crate::{diag::Diagnostic, text::Source};

/// The location of a macro's declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MacroPosition {
    /// The file number: 0 is the template being rendered, and macro files follow.
    pub(super) file: usize,
    /// The macro's index in the file.
    pub(super) header: usize,
}

/// All macro files.
#[derive(Debug)]
pub(super) struct MacroLibrary {
    files: Vec<TemplateFile>,
    /// The package of each file; that of built-in files is `dbt`.
    owners: Vec<Arc<str>>,
    /// The number of built-in files, which come first.
    builtin: usize,
    /// The project itself, whose macros override those of dbt.
    project: Arc<str>,
    /// The macros of the project and of its packages, also of those that have none.
    macros: BTreeMap<Arc<str>, BTreeMap<String, MacroPosition>>,
    /// The built-in macros by name.
    builtin_macros: BTreeMap<String, MacroPosition>,
}

/// The package of the built-in macros, which stand for dbt's own.
pub(super) const DBT: &str = "dbt";

/// Returns the hint for a name of a package that isn't installed.
#[must_use]
pub fn missing_package(name: &str) -> String {
    format!("if `{name}` is a package, list it in packages.yml and run `headwater deps`")
}

impl MacroLibrary {
    /// Compiles the files of a project and its packages into the environment. A file that can't be compiled
    /// is skipped and reported.
    pub(super) fn compile(
        packages: &[(Arc<str>, Vec<Source>)],
        project: &Arc<str>,
        env: &mut Environment<'static>,
    ) -> (Self, Vec<Diagnostic>) {
        let builtin: Vec<Source> = builtin::sources().collect();
        let mut library = Self {
            files: Vec::new(),
            owners: Vec::new(),
            builtin: builtin.len(),
            project: Arc::clone(project),
            macros: packages.iter().map(|(name, _)| (Arc::clone(name), BTreeMap::new())).collect(),
            builtin_macros: BTreeMap::new(),
        };
        let mut findings = Vec::new();
        for (owner, sources) in std::iter::once(&(DBT.into(), builtin)).chain(packages) {
            for source in sources {
                findings.extend(library.add(source, owner, env));
            }
        }
        (library, findings)
    }

    fn add(&mut self, source: &Source, owner: &Arc<str>, env: &mut Environment<'static>) -> Vec<Diagnostic> {
        let number = self.files.len() + 1;
        let file = TemplateFile::new(source, number, TemplateRole::MacroFile);
        let text = file.rewritten.stitched.text().to_owned();
        let compiled = file.check().and_then(|()| {
            let added = env.add_template_owned(source.path().to_owned(), text);
            added.map_err(|error| compile_error(&error, &file))
        });
        let findings = match compiled {
            Ok(()) => self.declare(&file, number, owner),
            Err(error) => vec![error],
        };
        self.files.push(file);
        self.owners.push(Arc::clone(owner));
        findings
    }

    fn declare(&mut self, file: &TemplateFile, number: usize, owner: &Arc<str>) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for (index, header) in file.rewritten.headers.iter().enumerate().filter(|(_, header)| !header.local) {
            let place = MacroPosition { file: number, header: index };
            if self.is_builtin(place) {
                self.builtin_macros.insert(header.name.clone(), place);
                continue;
            }
            let first = match self.macros.entry(Arc::clone(owner)).or_default().entry(header.name.clone()) {
                Entry::Vacant(free) => {
                    free.insert(place);
                    continue;
                }
                Entry::Occupied(taken) => *taken.get(),
            };
            let first_file = if first.file == number { file } else { &self.files[first.file - 1] };
            let first_range = first_file.rewritten.headers[first.header].name_range.clone();
            findings.push(
                Diagnostic::error("duplicate-macro", format!("two macros are named `{}`", header.name))
                    .at(file.source.span(header.name_range.clone()), "declared again here")
                    .at(first_file.source.span(first_range), "first declared here")
                    .hint("rename one of them: macros are called by name from every file"),
            );
        }
        findings
    }

    /// Returns whether a macro is built in.
    pub(super) fn is_builtin(&self, place: MacroPosition) -> bool {
        place.file <= self.builtin
    }

    /// Returns the macro that templates of a package call by this name: the package's own, the project's, or
    /// the built-in one, as in dbt.
    pub(super) fn find(&self, from: &str, name: &str) -> Option<MacroPosition> {
        let of = |package: &str| self.macros.get(package)?.get(name);
        of(from).or_else(|| of(&self.project)).or_else(|| self.builtin_macros.get(name)).copied()
    }

    /// Returns a package's own macro of this name; `dbt` is the package of the built-in macros.
    pub(super) fn find_in(&self, package: &str, name: &str) -> Option<MacroPosition> {
        let macros = if package == DBT { &self.builtin_macros } else { self.macros.get(package)? };
        macros.get(name).copied()
    }

    /// Returns whether a name is that of a built-in macro that an adapter or a project may override.
    pub(super) fn is_of_dbt(&self, name: &str) -> bool {
        self.builtin_macros.contains_key(&format!("default__{name}"))
    }

    /// Iterates over the names of the macros that templates of a package call without its name, sorted.
    pub(super) fn names(&self, from: &str) -> impl Iterator<Item = &str> {
        let own = [from, &*self.project].into_iter().filter_map(|package| self.macros.get(package));
        let own = own.flat_map(BTreeMap::keys);
        own.chain(self.builtin_macros.keys()).map(String::as_str).collect::<BTreeSet<_>>().into_iter()
    }

    /// Iterates over all macros by package and name, the built-in ones last.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, MacroPosition)> {
        let own = self.macros.values().flatten();
        own.chain(&self.builtin_macros).map(|(name, place)| (name.as_str(), *place))
    }

    /// Returns the project itself.
    pub(super) fn project(&self) -> &Arc<str> {
        &self.project
    }

    /// Iterates over the project and its packages.
    pub(super) fn packages(&self) -> impl Iterator<Item = &Arc<str>> {
        self.macros.keys()
    }

    /// Returns the project or package of this name, if there is one.
    pub(super) fn package(&self, name: &str) -> Option<&Arc<str>> {
        self.macros.get_key_value(name).map(|(name, _)| name)
    }

    /// Returns the package that declares a macro; `dbt` for a built-in one.
    pub(super) fn package_of(&self, place: MacroPosition) -> &Arc<str> {
        place.file.checked_sub(1).and_then(|at| self.owners.get(at)).unwrap_or(&self.project)
    }

    /// Returns a macro file by number.
    pub(super) fn file(&self, number: usize) -> Option<&TemplateFile> {
        self.files.get(number.checked_sub(1)?)
    }

    /// Returns a macro file by path.
    pub(super) fn file_at(&self, path: &str) -> Option<&TemplateFile> {
        self.files.iter().find(|file| file.source.path() == path)
    }

    pub(super) fn header(&self, place: MacroPosition) -> Option<&MacroHeader> {
        self.file(place.file)?.rewritten.headers.get(place.header)
    }
}
