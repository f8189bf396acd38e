//! A single rendering: its inputs and its captures so far.
//!
//! All callables of the rendering share it. The lock is never held while a template runs.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use minijinja::Value;

use super::{
    captures::Captures,
    context::{Globals, NameResolver, NodeContext},
    external_inputs::ExternalInputs,
    header::MacroHeader,
    library::{MacroLibrary, MacroPosition},
    template_file::TemplateFile,
};
use crate::text::Span;

/// State shared by all renderings.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) library: MacroLibrary,
    pub(super) globals: Globals,
    pub(super) external_inputs: Mutex<ExternalInputs>,
}

impl Shared {
    /// Records the external inputs that a rendering used.
    pub(super) fn note(&self, captures: &Captures) {
        if captures.env_vars.is_empty() && !captures.volatile {
            return;
        }
        let mut inputs = self.external_inputs.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.env_vars.extend(captures.env_vars.iter().cloned());
        inputs.volatile |= captures.volatile;
    }

    pub(super) fn external_inputs(&self) -> ExternalInputs {
        self.external_inputs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A rendering's access to secret environment variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretAccess {
    /// Secrets are refused.
    Refused,
    /// A secret is its variable's name in brackets, so that no message of the template can contain its value.
    Named,
    /// A secret is its value. Messages of the template must not be shown.
    Revealed,
}

/// A single rendering.
pub(super) struct Rendering {
    pub(super) shared: Arc<Shared>,
    /// The template being rendered.
    pub(super) main: TemplateFile,
    pub(super) node: NodeContext,
    pub(super) names: Arc<dyn NameResolver>,
    /// Access to secret environment variables, which only storage settings have.
    pub(super) secrets: SecretAccess,
    progress: Mutex<RenderingProgress>,
}

#[derive(Default)]
struct RenderingProgress {
    captures: Captures,
    /// The value passed to `return`, on its way to the macro's caller.
    returning: Option<Value>,
}

impl Rendering {
    pub(super) fn new(
        shared: Arc<Shared>,
        main: TemplateFile,
        node: NodeContext,
        names: Arc<dyn NameResolver>,
        secrets: SecretAccess,
    ) -> Self {
        Self { shared, main, node, names, secrets, progress: Mutex::default() }
    }

    fn progress(&self) -> MutexGuard<'_, RenderingProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a capture.
    pub(super) fn capture(&self, note: impl FnOnce(&mut Captures)) {
        note(&mut self.progress().captures);
    }

    pub(super) fn take_captures(&self) -> Captures {
        std::mem::take(&mut self.progress().captures)
    }

    pub(super) fn start_return(&self, value: Value) {
        self.progress().returning = Some(value);
    }

    pub(super) fn take_return(&self) -> Option<Value> {
        self.progress().returning.take()
    }

    fn file(&self, number: usize) -> Option<&TemplateFile> {
        if number == 0 { Some(&self.main) } else { self.shared.library.file(number) }
    }

    /// Returns the file with a template's name; the template being rendered takes precedence.
    pub(super) fn file_at(&self, path: &str) -> &TemplateFile {
        let is_main = self.main.source.path() == path;
        let other = if is_main { None } else { self.shared.library.file_at(path) };
        other.unwrap_or(&self.main)
    }

    pub(super) fn header(&self, place: MacroPosition) -> Option<&MacroHeader> {
        if place.file == 0 {
            self.main.rewritten.headers.get(place.header)
        } else {
            self.shared.library.header(place)
        }
    }

    /// Returns the span of a call, or the start of the main file if the call's position isn't known.
    pub(super) fn span(&self, at: Option<CallPosition>) -> Span {
        let known = at.and_then(|at| Some(self.file(at.file)?.source.span(at.start..at.end)));
        known.unwrap_or_else(|| self.main.source.span(0..0))
    }
}

impl fmt::Debug for Rendering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Run({})", self.main.source.path())
    }
}

/// The position of a call, as encoded by generated code.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallPosition {
    pub(super) file: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}
