//! The renderer: compiles macro files once, then renders templates from many threads.

use std::sync::{Arc, Mutex};

use minijinja::{Environment, OutputSpan, OutputSpanKind, Value};

use super::{
    captures::Captures,
    context::{Globals, NameResolver, NodeContext},
    environment, explain,
    external_inputs::ExternalInputs,
    library::MacroLibrary,
    rendering::{Rendering, SecretAccess, Shared},
    rewrite::TemplateRole,
    scope::TemplateScope,
    span_map::{Segment, SpanMap},
    template_file::{TemplateFile, compile_error},
};
use crate::{
    diag::Diagnostic,
    name::Relation,
    secret::Secret,
    text::{Source, Span},
};

/// The template language, loaded with a project's macros.
#[derive(Debug)]
pub struct Jinja {
    env: Environment<'static>,
    pub(super) shared: Arc<Shared>,
}

/// A rendered description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// The text.
    pub text: String,
    /// The documentation blocks that the text includes, in order.
    pub docs: Vec<String>,
}

/// A rendered template.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// Maps each part of the text to the part of the template that produced it.
    pub map: SpanMap,
    /// The template's calls, settings and log messages.
    pub captures: Captures,
}

impl Jinja {
    /// Compiles the built-in macro files and then the given ones. Files that can't be compiled are skipped
    /// and reported.
    #[must_use]
    pub fn new(macros: &[Source], globals: Globals) -> (Self, Vec<Diagnostic>) {
        let mut env = environment::environment();
        let (library, findings) = MacroLibrary::compile(macros, &globals.project_name, &mut env);
        (
            Self { env, shared: Arc::new(Shared { library, globals, external_inputs: Mutex::default() }) },
            findings,
        )
    }

    /// Returns the external inputs that all templates rendered so far used.
    #[must_use]
    pub fn external_inputs(&self) -> ExternalInputs {
        self.shared.external_inputs()
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
        if !text.contains("{{") && !text.contains("{%") && !text.contains("{#") {
            return Ok(None);
        }
        let source = Source::new(at.source.path(), text);
        let node = NodeContext { executing: true, ..NodeContext::default() };
        self.run(&source, node, Arc::new(NoNames), secrets).map(Some).map_err(|mut finding| {
            for label in finding.labels.iter_mut().filter(|label| label.span.source == source) {
                label.span = at.clone();
            }
            finding
        })
    }

    fn run(
        &self,
        source: &Source,
        node: NodeContext,
        names: Arc<dyn NameResolver>,
        secrets: SecretAccess,
    ) -> Result<Rendered, Diagnostic> {
        let main = TemplateFile::new(source, 0, TemplateRole::Model);
        let run = Arc::new(Rendering::new(Arc::clone(&self.shared), main, node, names, secrets));
        let template = self
            .env
            .template_from_named_str(source.path(), run.main.rewritten.stitched.text())
            .map_err(|error| compile_error(&error, &run.main))?;
        let scope = Value::from_object(TemplateScope::new(Arc::clone(&run)));
        let rendered = template.render_with_spans(scope);
        let captures = run.take_captures();
        // With the values of secrets, the names of variables may be secret.
        if secrets != SecretAccess::Revealed {
            self.shared.note(&captures);
        }
        let (text, spans) = rendered.map_err(|error| explain::render_error(&error, &run))?;
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
    fn reference(&self, _: Option<&str>, name: &str) -> Result<Relation, String> {
        Err(format!("`ref('{name}')` has no meaning here: only models can refer to models"))
    }

    fn source(&self, source: &str, table: &str) -> Result<Relation, String> {
        Err(format!("`source('{source}', '{table}')` has no meaning here: only models can refer to sources"))
    }
}
