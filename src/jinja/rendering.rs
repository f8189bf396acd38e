//! A single rendering: its inputs and its captures so far.
//!
//! All callables of the rendering share it. The lock is never held while a template runs.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicUsize},
};

use minijinja::Value;

use super::{
    captures::{Captures, UndefinedPlaces},
    context::{Globals, GraphContext, NameResolver, NodeContext},
    external_inputs::ExternalInputs,
    header::MacroHeader,
    library::{MacroLibrary, MacroPosition},
    query::{Answer, QueryAnswers, Question},
    template_file::TemplateFile,
    value::TableValue,
};
use crate::{
    diag::Diagnostic,
    name::Relation,
    text::{Source, Span},
};

/// State shared by all renderings.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) library: MacroLibrary,
    pub(super) globals: Globals,
    pub(super) external_inputs: Mutex<ExternalInputs>,
    /// The nodes, once their names are resolved.
    pub(super) graph: OnceLock<GraphContext>,
    pub(super) undefined: Mutex<UndefinedPlaces>,
    /// The number of messages that each template of each node sent. A template is rendered several times.
    pub(super) sent: Mutex<BTreeMap<(String, bool, String), Arc<AtomicUsize>>>,
}

impl Shared {
    /// Records the external inputs that a rendering used.
    pub(super) fn note(&self, captures: &Captures) {
        if captures.env_vars.is_empty() && !captures.volatile && !captures.prints {
            return;
        }
        let mut inputs = self.external_inputs.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.env_vars.extend(captures.env_vars.iter().cloned());
        inputs.volatile |= captures.volatile || captures.prints;
    }

    /// Adds the warnings about undefined values that a rendering printed.
    pub(super) fn note_undefined(&self, found: Vec<Diagnostic>) {
        if !found.is_empty() {
            self.undefined.lock().unwrap_or_else(PoisonError::into_inner).add(found);
        }
    }

    pub(super) fn external_inputs(&self) -> ExternalInputs {
        self.external_inputs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The name of the outermost scope itself.
pub(super) const SCOPE: &str = "__scope";

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

/// A variable whose value is a template.
#[derive(Debug)]
pub(super) enum VarProgress {
    /// It wasn't read before.
    New,
    /// It is being rendered, and reads itself.
    Started,
    /// It was rendered to this text.
    Rendered(String),
}

/// A rendering's access to tables.
#[derive(Debug, Clone)]
pub(super) enum QueryAccess {
    /// Queries are refused.
    Refused,
    /// Queries are answered by the caller, one after another.
    Answered(QueryAnswers),
}

/// A single rendering.
pub(super) struct Rendering {
    pub(super) shared: Arc<Shared>,
    /// The template being rendered.
    pub(super) main: TemplateFile,
    pub(super) node: NodeContext,
    /// The package whose names the template sees first: that of its node, or that of the calling YAML file.
    pub(super) package: Arc<str>,
    pub(super) names: Arc<dyn NameResolver>,
    /// Access to secret environment variables, which only storage settings have.
    pub(super) secrets: SecretAccess,
    /// Access to tables, which only nodes have.
    pub(super) queries: QueryAccess,
    /// The arguments of a macro that is called from outside of templates.
    pub(super) arguments: serde_json::Value,
    /// Whether the result is a value rather than text.
    pub(super) is_native: bool,
    /// The position of the YAML string that is rendered, if it is one.
    pub(super) yaml: Option<Span>,
    progress: Mutex<RenderingProgress>,
}

#[derive(Default)]
struct RenderingProgress {
    captures: Captures,
    /// The value passed to `return`, on its way to the macro's caller.
    returning: Option<Value>,
    /// The value of a native expression.
    native: Option<Value>,
    /// The number of questions asked.
    asked: usize,
    /// The question that has no answer yet.
    unanswered: Option<Question>,
    /// The results that statements stored, by name.
    results: BTreeMap<String, Value>,
    /// The variables whose values are templates, with their text once they are rendered.
    vars: BTreeMap<String, Option<String>>,
    /// The number of messages sent.
    messages: usize,
}

impl Rendering {
    pub(super) fn new(
        shared: Arc<Shared>,
        main: TemplateFile,
        (node, package): (NodeContext, &Arc<str>),
        names: Arc<dyn NameResolver>,
        secrets: SecretAccess,
    ) -> Self {
        let own = node.unique_id.split('.').nth(1).and_then(|name| shared.library.package(name));
        let package = Arc::clone(own.unwrap_or(package));
        Self {
            shared,
            main,
            node,
            package,
            names,
            secrets,
            queries: QueryAccess::Refused,
            arguments: serde_json::Value::Null,
            is_native: false,
            yaml: None,
            progress: Mutex::default(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, RenderingProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value of a table of the lake.
    pub(super) fn table(&self, relation: Relation) -> TableValue {
        let database = self.shared.globals.target.get("database").and_then(serde_json::Value::as_str);
        TableValue::new(relation, database)
    }

    /// Points the labels of a finding in a YAML string at the string.
    pub(super) fn placed(&self, found: Diagnostic) -> Diagnostic {
        match &self.yaml {
            Some(at) => relabelled(found, &self.main.source, at),
            None => found,
        }
    }

    /// Records a capture.
    pub(super) fn capture(&self, note: impl FnOnce(&mut Captures)) {
        note(&mut self.progress().captures);
    }

    pub(super) fn take_captures(&self) -> Captures {
        std::mem::take(&mut self.progress().captures)
    }

    /// Stores the value of a native expression.
    pub(super) fn set_native(&self, value: Value) {
        self.progress().native = Some(value);
    }

    pub(super) fn take_native(&self) -> Option<Value> {
        self.progress().native.take()
    }

    /// Returns the answer to the next question. Without one, remembers the question for the caller.
    pub(super) fn ask(&self, question: Question) -> Option<Answer> {
        let QueryAccess::Answered(answers) = &self.queries else { return None };
        let mut progress = self.progress();
        let answer = answers.answer(progress.asked, &question).cloned();
        progress.asked += 1;
        if answer.is_none() {
            progress.unanswered.get_or_insert(question);
        }
        answer
    }

    /// Returns the question that stopped the rendering.
    pub(super) fn take_unanswered(&self) -> Option<Question> {
        self.progress().unanswered.take()
    }

    /// Stores the result of a statement.
    pub(super) fn store_query_result(&self, name: &str, result: Value) {
        self.progress().results.insert(name.to_owned(), result);
    }

    /// Returns the result of a statement.
    pub(super) fn query_result(&self, name: &str) -> Option<Value> {
        self.progress().results.get(name).cloned()
    }

    /// Starts to render a variable whose value is a template, unless that is done or being done.
    pub(super) fn start_var(&self, name: &str) -> VarProgress {
        let mut progress = self.progress();
        match progress.vars.get(name) {
            Some(Some(text)) => VarProgress::Rendered(text.clone()),
            Some(None) => VarProgress::Started,
            None => {
                progress.vars.insert(name.to_owned(), None);
                VarProgress::New
            }
        }
    }

    /// Stores the text of a variable.
    pub(super) fn finish_var(&self, name: &str, text: &str) {
        self.progress().vars.insert(name.to_owned(), Some(text.to_owned()));
    }

    /// Counts a message. Returns whether no earlier rendering of the template sent it.
    pub(super) fn counts_message(&self) -> bool {
        let mut progress = self.progress();
        progress.messages += 1;
        match &self.queries {
            QueryAccess::Answered(answers) => answers.is_new(progress.messages),
            QueryAccess::Refused => true,
        }
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

    /// Returns the file with a template's name, if any; the template being rendered takes precedence.
    pub(super) fn file_named(&self, path: &str) -> Option<&TemplateFile> {
        let is_main = self.main.source.path() == path;
        if is_main { Some(&self.main) } else { self.shared.library.file_at(path) }
    }

    /// Returns the file with a template's name; the template being rendered takes precedence.
    pub(super) fn file_at(&self, path: &str) -> &TemplateFile {
        self.file_named(path).unwrap_or(&self.main)
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

/// Points a finding's labels in a YAML string at the string.
pub(super) fn relabelled(mut found: Diagnostic, source: &Source, at: &Span) -> Diagnostic {
    for label in found.labels.iter_mut().filter(|label| label.span.source == *source) {
        label.span = at.clone();
    }
    found
}
