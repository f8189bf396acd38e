//! Operations of a run: `on-run-start` and `on-run-end` of the project file, and the macro that
//! `run-operation` calls.

use serde_json::{Map, Value, json};

use super::{error::WorkspaceError, execution::Run};
use crate::{
    diag::Diagnostic,
    jinja::{MessageKind, NodeContext},
    project::RunHooks,
    text::{Source, Span, Spanned},
};

/// The width of a line about a hook up to its end.
const WIDTH: usize = 80;

impl Run {
    /// Runs the hooks of `on-run-start`.
    ///
    /// # Errors
    /// The error of the first one that fails.
    pub async fn start_hooks(&self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        self.hooks("on-run-start", |hooks| &hooks.start, Map::new()).await
    }

    /// Runs the hooks of `on-run-end`, which see the results of the run.
    ///
    /// # Errors
    /// The error of the first one that fails.
    pub(super) async fn end_hooks(&self, results: Vec<Value>) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let mut schemas: Vec<String> = self
            .steps()
            .filter(|step| !step.action.is_test())
            .filter_map(|step| Some(step.relation.as_ref()?.schema.clone()))
            .collect();
        schemas.sort();
        schemas.dedup();
        let database = &self.info.target;
        let pairs: Vec<Value> = schemas.iter().map(|schema| json!([database, schema])).collect();
        let values = [
            ("results", Value::Array(results)),
            ("schemas", json!(schemas)),
            ("database_schemas", Value::Array(pairs)),
        ];
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.hooks("on-run-end", |hooks| &hooks.end, values).await
    }

    /// Runs the hooks of all packages, by name, and then those of the project, as in dbt.
    async fn hooks(
        &self,
        kind: &str,
        of: fn(&RunHooks) -> &Vec<Spanned<String>>,
        values: Map<String, Value>,
    ) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let mut warnings = Vec::new();
        let project = self.project();
        let declared = project.packages.iter().chain([project]).flat_map(|package| {
            of(&package.settings.hooks).iter().enumerate().map(move |(at, hook)| (package.name(), at, hook))
        });
        let hooks: Vec<(&str, usize, &Spanned<String>)> = declared.collect();
        for (index, (project, at, hook)) in hooks.iter().enumerate() {
            let name = format!("{project}.{kind}.{at}");
            let position = format!("{} of {}", index + 1, hooks.len());
            self.tell(&line(&format!("{position} START hook: {name}"), "[RUN]"));
            let node = NodeContext {
                name: format!("{project}-{kind}-{at}"),
                unique_id: format!("operation.{project}.{project}-{kind}-{at}"),
                executing: true,
                values: values.clone(),
                ..NodeContext::default()
            };
            let template = Source::new(hook.span.source.path(), hook.value.as_str());
            let warns = self.project().settings.hooks.warns;
            let started = std::time::Instant::now();
            let done = self.worker().run_hook(&template, &hook.span, &node, warns).await;
            let seconds = started.elapsed().as_secs_f64();
            let (word, end) = if done.is_ok() { ("OK", "OK") } else { ("ERROR", "ERROR") };
            self.tell(&line(
                &format!("{position} {word} hook: {name}"),
                &format!("[{end} in {seconds:.2}s]"),
            ));
            warnings.extend(done?);
        }
        Ok(warnings)
    }

    /// Calls a macro with these arguments, or renders SQL with templates and runs it.
    ///
    /// # Errors
    /// If there is no such macro, or it fails.
    pub async fn operate(
        &self,
        operation: &Operation,
        arguments: Map<String, Value>,
    ) -> Result<(), WorkspaceError> {
        let node = |name: &str, values| NodeContext {
            name: name.to_owned(),
            unique_id: format!("operation.{}.{name}", self.info.project),
            executing: true,
            values,
            ..NodeContext::default()
        };
        match operation {
            Operation::Macro(name) => {
                let Some(call) = self.jinja().macro_call(name) else {
                    let message = format!("dbt could not find a macro with the name '{name}' in any package");
                    return Err(WorkspaceError::message(message));
                };
                let named: Vec<String> =
                    arguments.keys().map(|key| format!("{key}=__operation[{}]", json!(key))).collect();
                let template = Source::new(name.as_str(), format!("{{{{ {call}({}) }}}}", named.join(", ")));
                let at: Span = template.span(0..0);
                let values = Map::from_iter([("__operation".to_owned(), Value::Object(arguments))]);
                self.worker().render_operation(&template, &at, &node(name, values)).await?;
            }
            Operation::Sql(sql) => {
                let template = Source::new("--sql", sql.as_str());
                let at = template.span(0..0);
                self.worker().run_hook(&template, &at, &node("sql", Map::new()), false).await?;
            }
        }
        Ok(())
    }

    /// Ends the run without executing its plan.
    pub async fn end(&self) {
        self.worker().writer.end().await;
    }

    fn tell(&self, text: &str) {
        self.jinja().tell(MessageKind::Info, text);
    }
}

/// The macro or SQL that `run-operation` runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A macro of the project.
    Macro(String),
    /// SQL with templates.
    Sql(String),
}

fn line(text: &str, end: &str) -> String {
    let dots = ".".repeat(WIDTH.saturating_sub(text.chars().count() + 1));
    format!("{text} {dots} {end}")
}
