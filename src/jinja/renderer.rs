//! The renderer: compiles macro files once, then renders templates from many threads.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use minijinja::{Environment, OutputSpan, OutputSpanKind, Value};

use super::{
    captures::Captures,
    context::{Globals, GraphContext, NameResolver, NodeContext},
    environment, explain,
    external_inputs::ExternalInputs,
    library::MacroLibrary,
    message::{MessageKind, TemplateMessage},
    native,
    query::{QueryAnswers, Question},
    rendering::{QueryAccess, Rendering, SecretAccess, Shared, relabelled},
    rewrite::TemplateRole,
    scope::TemplateScope,
    span_map::{Segment, SpanMap},
    template_file::{TemplateFile, compile_error},
    undefined,
};
use crate::{
    diag::Diagnostic,
    name::{PackageName, Relation},
    secret::Secret,
    text::{Source, Span},
};

/// The template language, loaded with the macros of a project and its packages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Jinja {
    env: Arc<Environment<'static>>,
    /// The environment of templates that are only parsed.
    parsing: Arc<Environment<'static>>,
    pub(super) shared: Arc<Shared>,
    /// The package whose names templates see first, unless their node says another.
    pub(super) package: Arc<str>,
}

/// A rendered description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    pub text: String,
    /// The documentation blocks that the text includes, in order.
    pub docs: Vec<PackageName>,
}

/// A rendered template.
#[derive(Debug, Clone)]
pub struct Rendered {
    pub text: String,
    /// Maps each part of the text to the part of the template that produced it.
    pub map: SpanMap,
    /// The template's calls, settings and log messages.
    pub captures: Captures,
}

/// A template that was rendered, or that needs an answer first.
#[derive(Debug)]
pub enum Asking {
    /// It was rendered to its end.
    Rendered(Box<Rendered>),
    /// It asks this next.
    Question(Question),
}

impl Jinja {
    /// Compiles the built-in macro files and then the given ones, which are the project's own. Files that
    /// can't be compiled are skipped and reported.
    #[must_use]
    pub fn new(macros: &[Source], globals: Globals) -> (Self, Vec<Diagnostic>) {
        let project: Arc<str> = globals.project_name.as_str().into();
        Self::with_packages(&[(project, macros.to_vec())], globals)
    }

    /// Same as [`Jinja::new`], for the macro files of a project and its packages, the project's first.
    #[must_use]
    pub fn with_packages(packages: &[(Arc<str>, Vec<Source>)], globals: Globals) -> (Self, Vec<Diagnostic>) {
        let mut env = environment::environment();
        let package: Arc<str> = globals.project_name.as_str().into();
        let (library, findings) = MacroLibrary::compile(packages, &package, &mut env);
        (
            Self {
                parsing: Arc::new(environment::parsing(&env)),
                env: Arc::new(env),
                package,
                shared: Arc::new(Shared {
                    library,
                    globals,
                    external_inputs: Mutex::default(),
                    graph: OnceLock::new(),
                    undefined: Mutex::default(),
                    sent: Mutex::default(),
                }),
            },
            findings,
        )
    }

    /// Returns the language as the YAML files and templates of an installed package see it.
    #[must_use]
    pub fn in_package(&self, name: &str) -> Self {
        let package = self.shared.library.package(name).unwrap_or(&self.package);
        Self { package: Arc::clone(package), ..self.clone() }
    }

    /// Returns the external inputs that all templates rendered so far used.
    #[must_use]
    pub fn external_inputs(&self) -> ExternalInputs {
        self.shared.external_inputs()
    }

    /// Returns how templates call the macro of this name (`name` or `package.name`), if there is one: the
    /// project's, a built-in one, or that of any package.
    #[must_use]
    pub fn macro_call(&self, name: &str) -> Option<String> {
        let library = &self.shared.library;
        if let Some((package, name)) = name.split_once('.') {
            return library.find_in(package, name).map(|_| format!("{package}.{name}"));
        }
        if library.find(&self.package, name).is_some() {
            return Some(name.to_owned());
        }
        let package = library.packages().find(|package| library.find_in(package, name).is_some())?;
        Some(format!("{package}.{name}"))
    }

    /// Returns the warnings about undefined values that templates printed since the last call: one for each
    /// place, however often it is rendered.
    #[must_use]
    pub fn take_undefined(&self) -> Vec<Diagnostic> {
        self.shared.undefined.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sends a message as templates do.
    pub fn tell(&self, kind: MessageKind, text: &str) {
        let globals = &self.shared.globals;
        let invocation_id = globals.invocation_id.clone();
        globals.messages.receive(&TemplateMessage { kind, text: text.to_owned(), invocation_id });
    }

    /// Records that a template's text depends on something that no record of the last run can know.
    pub fn note_volatile(&self) {
        self.shared.note(&Captures { volatile: true, ..Captures::default() });
    }

    /// Sets what templates see as `graph` and `selected_resources`, once. Before, both are empty, as in dbt.
    pub fn set_graph(&self, graph: impl FnOnce() -> GraphContext) {
        self.shared.graph.get_or_init(graph);
    }

    /// Renders a node's template.
    pub fn render(
        &self,
        source: &Source,
        node: &NodeContext,
        names: Arc<dyn NameResolver>,
    ) -> Result<Rendered, Diagnostic> {
        self.run(source, node.clone(), names, SecretAccess::Refused)
    }

    /// Renders a node's template that may query tables, as far as the answers go: the caller runs the query
    /// that is returned, and renders again with its answer.
    pub fn render_asking(
        &self,
        source: &Source,
        node: &NodeContext,
        names: Arc<dyn NameResolver>,
        answers: &QueryAnswers,
    ) -> Result<Asking, Diagnostic> {
        let mut run = self.rendering(source, node.clone(), names, SecretAccess::Refused);
        run.queries = QueryAccess::Answered(answers.clone());
        self.asking(&Arc::new(run))
    }

    /// Returns the answers to a template that has asked nothing yet.
    #[must_use]
    pub fn no_answers(&self, source: &Source, node: &NodeContext) -> QueryAnswers {
        let key = (node.unique_id.clone(), node.is_incremental, source.text().to_owned());
        let mut sent = self.shared.sent.lock().unwrap_or_else(PoisonError::into_inner);
        QueryAnswers::new(Arc::clone(sent.entry(key).or_default()))
    }

    fn asking(&self, run: &Arc<Rendering>) -> Result<Asking, Diagnostic> {
        let rendered = self.finish(run);
        match run.take_unanswered() {
            Some(question) => Ok(Asking::Question(question)),
            None => rendered.map(|rendered| Asking::Rendered(Box::new(rendered))),
        }
    }

    /// Renders a storage setting, which may use secrets from the environment. Diagnostics point at `at`, the
    /// setting's position.
    ///
    /// Renders twice: with the names of secrets, whose errors can be shown because no value is in them, and
    /// with their values.
    pub fn render_secret(&self, text: &Secret, at: &Span) -> Result<Secret, Diagnostic> {
        if self.value(text.reveal(), at, SecretAccess::Named)?.is_none() {
            return Ok(text.clone());
        }
        match self.value(text.reveal(), at, SecretAccess::Revealed) {
            Ok(rendered) => Ok(rendered.map_or_else(|| text.clone(), |rendered| Secret::new(rendered.text))),
            Err(_) => {
                Err(Diagnostic::error("secret-value", "this setting can't be rendered with its secrets")
                    .at(at.clone(), "fails only with the values of the secrets, so the error isn't shown")
                    .hint("use secrets as they are, joined with other text at most"))
            }
        }
    }

    /// Renders a configuration string, which may use `env_var`, `var` and `target`. Diagnostics point at
    /// `at`, the string's position.
    pub fn render_value(&self, text: &str, at: &Span) -> Result<String, Diagnostic> {
        Ok(self
            .value(text, at, SecretAccess::Refused)?
            .map_or_else(|| text.to_owned(), |rendered| rendered.text))
    }

    /// Renders a configuration string to a value: a single expression keeps its type, as in dbt.
    pub fn render_native(&self, text: &str, at: &Span) -> Result<serde_json::Value, Diagnostic> {
        let Some(capturing) = native::capturing(text) else {
            return self.render_value(text, at).map(serde_json::Value::String);
        };
        let source = Source::new(at.source.path(), capturing);
        let node = NodeContext { executing: true, ..NodeContext::default() };
        let mut run = self.rendering(&source, node, Arc::new(NoNames), SecretAccess::Refused);
        run.is_native = true;
        run.yaml = Some(at.clone());
        let run = Arc::new(run);
        let rendered = self.finish(&run).map_err(|found| relabelled(found, &source, at))?;
        let value = run.take_native().map(|value| native::value(&value));
        value
            .unwrap_or(Ok(serde_json::Value::String(rendered.text)))
            .map_err(|message| Diagnostic::error("invalid-config", message).at(at.clone(), ""))
    }

    /// Calls the project's macro of this name as dbt does while it parses, and returns its trimmed text.
    /// Returns `None` if the project has no such macro. Diagnostics point at `at` or into the macro.
    #[must_use]
    pub fn project_macro(
        &self,
        name: &str,
        arguments: &[serde_json::Value],
        at: &Span,
    ) -> Option<Result<String, Diagnostic>> {
        let library = &self.shared.library;
        library.find(&self.package, name).filter(|place| !library.is_builtin(*place))?;
        let places: Vec<String> = (0..arguments.len()).map(|index| format!("__arguments[{index}]")).collect();
        let source = Source::new(at.source.path(), format!("{{{{ {name}({}) }}}}", places.join(", ")));
        let node = NodeContext::default();
        let mut run = self.rendering(&source, node, Arc::new(NoNames), SecretAccess::Refused);
        run.yaml = Some(at.clone());
        run.arguments = arguments.to_vec().into();
        let rendered = self.finish(&Arc::new(run)).map_err(|found| relabelled(found, &source, at));
        Some(rendered.map(|rendered| rendered.text.trim().to_owned()))
    }

    /// Renders a description, which may also use `doc`, and returns the documentation blocks that it
    /// includes.
    pub fn describe(&self, text: &str, at: &Span) -> Result<Described, Diagnostic> {
        let rendered = self.value(text, at, SecretAccess::Refused)?;
        Ok(match rendered {
            Some(rendered) => Described { text: rendered.text, docs: rendered.captures.docs },
            None => Described { text: text.to_owned(), docs: Vec::new() },
        })
    }

    /// Renders a YAML string, or returns `None` if it contains no template.
    fn value(&self, text: &str, at: &Span, secrets: SecretAccess) -> Result<Option<Rendered>, Diagnostic> {
        if !native::is_template(text) {
            return Ok(None);
        }
        let source = Source::new(at.source.path(), text);
        let node = NodeContext { executing: true, ..NodeContext::default() };
        let mut run = self.rendering(&source, node, Arc::new(NoNames), secrets);
        run.yaml = Some(at.clone());
        let rendered = self.finish(&Arc::new(run));
        rendered.map(Some).map_err(|found| relabelled(found, &source, at))
    }

    fn run(
        &self,
        source: &Source,
        node: NodeContext,
        names: Arc<dyn NameResolver>,
        secrets: SecretAccess,
    ) -> Result<Rendered, Diagnostic> {
        self.finish(&Arc::new(self.rendering(source, node, names, secrets)))
    }

    fn rendering(
        &self,
        source: &Source,
        node: NodeContext,
        names: Arc<dyn NameResolver>,
        secrets: SecretAccess,
    ) -> Rendering {
        let main = TemplateFile::new(source, 0, TemplateRole::Model);
        Rendering::new(Arc::clone(&self.shared), main, (node, &self.package), names, secrets)
    }

    fn finish(&self, run: &Arc<Rendering>) -> Result<Rendered, Diagnostic> {
        let source = &run.main.source;
        run.main.check()?;
        let env = if run.node.executing { &self.env } else { &self.parsing };
        let template = env
            .template_from_named_str(source.path(), run.main.rewritten.stitched.text())
            .map_err(|error| compile_error(&error, &run.main))?;
        let scope = Value::from_object(TemplateScope::new(Arc::clone(run)));
        let rendered = template.render_with_spans(scope);
        let mut captures = run.take_captures();
        // With the values of secrets, the names of variables may be secret.
        if run.secrets != SecretAccess::Revealed {
            self.shared.note(&captures);
            let printed = std::mem::take(&mut captures.undefined);
            let found = printed.iter().flat_map(|printed| undefined::warnings(printed, run));
            self.shared.note_undefined(found.map(|found| run.placed(found)).collect());
        }
        let (text, spans) = rendered.map_err(|error| explain::render_error(&error, run))?;
        let map = SpanMap::new(source.clone(), spans.iter().map(|span| segment(span, &run.main)).collect());
        Ok(Rendered { text, map, captures })
    }
}

fn segment(span: &OutputSpan, file: &TemplateFile) -> Segment {
    Segment {
        rendered: span.output_range(),
        source: file.rewritten.stitched.original(span.source_range()),
        raw: span.kind() == OutputSpanKind::Raw,
    }
}

/// A resolver for configuration, which has no relations.
struct NoNames;

impl NameResolver for NoNames {
    fn reference(&self, _: &str, _: Option<&str>, name: &str) -> Result<Relation, String> {
        Err(format!("`ref('{name}')` has no meaning here: only models can refer to models"))
    }

    fn source(&self, _: &str, source: &str, table: &str) -> Result<Relation, String> {
        Err(format!("`source('{source}', '{table}')` has no meaning here: only models can refer to sources"))
    }
}
