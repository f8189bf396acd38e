//! Fixtures: files with rows for unit tests, under `fixtures/` in a test path.

use super::files::{FoundFile, ProjectFiles};
use crate::{
    diag::Diagnostic,
    text::{Source, Spanned},
};

/// The folder for fixtures in a test path.
pub(super) const FOLDER: &str = "fixtures";

/// All fixtures. Each is read when a test uses it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixtures<'p> {
    /// The project's files.
    pub(super) files: ProjectFiles<'p>,
    /// The files under the test paths.
    pub(super) found: &'p [FoundFile],
}

impl Fixtures<'_> {
    /// Reads the fixture with this name and extension.
    ///
    /// # Errors
    /// If there isn't exactly one.
    pub(super) fn read(self, name: &Spanned<String>, extension: &str) -> Result<Source, Diagnostic> {
        let called: Vec<&FoundFile> = self.all().filter(|file| file.stem() == name.value).collect();
        let fitting: Vec<&FoundFile> =
            called.iter().copied().filter(|file| file.extension() == extension).collect();
        match (&fitting[..], &called[..]) {
            ([file], _) => self.files.read(&file.shown),
            ([], []) => Err(self.missing(name, extension)),
            ([], [other, ..]) => {
                let message = format!("there is no fixture `{}.{extension}`", name.value);
                let finding = Diagnostic::error("unknown-fixture", message)
                    .at(name.span.clone(), format!("only `{}` is called that", other.shown));
                Err(finding.hint(format!("say `format: {}`", other.extension())))
            }
            ([..], _) => {
                let message = format!("more than one fixture is called `{}`", name.value);
                let paths: Vec<String> = fitting.iter().map(|file| format!("`{}`", file.shown)).collect();
                let finding = Diagnostic::error("ambiguous-fixture", message);
                Err(finding
                    .at(name.span.clone(), "which one?")
                    .note(format!("there are {}", paths.join(", ")))
                    .hint("names are unique, whatever the folder: rename one of the files"))
            }
        }
    }

    fn missing(self, name: &Spanned<String>, extension: &str) -> Diagnostic {
        let finding = Diagnostic::error("unknown-fixture", format!("no fixture is called `{}`", name.value))
            .at(name.span.clone(), "not found")
            .near(&name.value, self.all().map(FoundFile::stem));
        if finding.hints.is_empty() {
            let hint = format!("put `{}.{extension}` into the folder `{FOLDER}` of a test path", name.value);
            return finding.hint(hint);
        }
        finding
    }

    fn all(&self) -> impl Iterator<Item = &FoundFile> {
        let holds_rows = |file: &&FoundFile| matches!(file.extension().as_str(), "csv" | "sql");
        self.found.iter().filter(|file| file.is_in(FOLDER)).filter(holds_rows)
    }
}
