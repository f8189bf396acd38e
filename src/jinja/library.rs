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
use crate::{diag::Diagnostic, name::PackageName, text::Source};

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
    /// The number of built-in files, which come first.
    builtin: usize,
    /// The project's own package, whose macros override the built-in ones.
    project: Arc<str>,
    /// The macros of packages.
    macros: BTreeMap<PackageName, MacroPosition>,
    /// The built-in macros by name.
    builtin_macros: BTreeMap<String, MacroPosition>,
}

impl MacroLibrary {
    /// Compiles the files into the environment. A file that can't be compiled is skipped and reported.
    pub(super) fn compile(
        sources: &[Source],
        project: &str,
        env: &mut Environment<'static>,
    ) -> (Self, Vec<Diagnostic>) {
        let all: Vec<Source> = builtin::sources().chain(sources.iter().cloned()).collect();
        let mut library = Self {
            files: Vec::with_capacity(all.len()),
            builtin: all.len() - sources.len(),
            project: project.into(),
            macros: BTreeMap::new(),
            builtin_macros: BTreeMap::new(),
        };
        let mut findings = Vec::new();
        for (index, source) in all.iter().enumerate() {
            let file = TemplateFile::new(source, index + 1, TemplateRole::MacroFile);
            let compiled = file.rewritten.stitched.text().to_owned();
            match env.add_template_owned(source.path().to_owned(), compiled) {
                Ok(()) => findings.extend(library.declare(&file, index + 1)),
                Err(error) => findings.push(compile_error(&error, &file)),
            }
            library.files.push(file);
        }
        (library, findings)
    }

    fn declare(&mut self, file: &TemplateFile, number: usize) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for (index, header) in file.rewritten.headers.iter().enumerate().filter(|(_, header)| !header.local) {
            let place = MacroPosition { file: number, header: index };
            if self.is_builtin(place) {
                self.builtin_macros.insert(header.name.clone(), place);
                continue;
            }
            let first = match self.macros.entry(PackageName::new(&self.project, header.name.as_str())) {
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

    /// Returns the project's macro of this name, or else the built-in one.
    pub(super) fn find(&self, name: &str) -> Option<MacroPosition> {
        let own = self.macros.get(&PackageName::new(&self.project, name));
        own.or_else(|| self.builtin_macros.get(name)).copied()
    }

    /// Iterates over the names of all macros that templates can call, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.macros.keys().map(|key| key.name.as_str());
        own.chain(self.builtin_macros.keys().map(String::as_str)).collect::<BTreeSet<_>>().into_iter()
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
