//! Name resolution for names that a template doesn't define itself.

use std::sync::Arc;

use minijinja::{
    Value,
    value::{Enumerator, Object},
};

use super::{
    callable::Callable,
    context::DBT_VERSION,
    function::{self, Namespace, TemplateFunction},
    native,
    rendering::{Rendering, SCOPE},
    value::{OverriddenMacro, TemplateMoment, from_json},
};

/// Names of plain values; [`TemplateScope::plain`] returns their values.
const PLAIN: [&str; 14] = [
    "this",
    "target",
    "execute",
    "project_name",
    "run_started_at",
    "invocation_id",
    "flags",
    "model",
    "schema",
    "dbt_version",
    "graph",
    "dbt_metadata_envs",
    "selected_resources",
    "invocation_args_dict",
];

/// The name prefix of environment variables that dbt writes to its artifacts.
const METADATA_ENV: &str = "DBT_ENV_CUSTOM_ENV_";

/// The outermost scope of every template in a rendering: the project's macros, then dbt's names.
#[derive(Debug, Clone)]
pub(super) struct TemplateScope {
    run: Arc<Rendering>,
}

impl TemplateScope {
    pub(super) fn new(run: Arc<Rendering>) -> Self {
        Self { run }
    }

    pub(super) fn lookup(&self, name: &str) -> Option<Value> {
        if let Some(given) = self.run.node.overrides.macros.get(name) {
            return Some(Value::from_object(OverriddenMacro(from_json(given))));
        }
        // As in dbt, a project's macro can override a function; `builtins` still has the original.
        if let Some(place) = self.run.shared.library.find(&self.run.package, name) {
            return Some(Value::from_object(Callable::global(Arc::clone(&self.run), place)));
        }
        if let Some(function) = TemplateFunction::find(&self.run, name) {
            return Some(Value::from_object(function));
        }
        if let Some(value) = self.plain(name) {
            return Some(value);
        }
        if name == SCOPE {
            return Some(Value::from_object(self.clone()));
        }
        if name == "context" {
            let scope = Value::from_object(self.clone());
            return Some(Value::from_object(Namespace::context(&self.run, scope)));
        }
        if let Some(namespace) = Namespace::find(&self.run, name) {
            return Some(Value::from_object(namespace));
        }
        // dbt's own macros are called without their namespace, too.
        self.run.shared.library.is_of_dbt(name).then(|| function::dispatched(&self.run, name, Some("dbt")))?
    }

    fn plain(&self, name: &str) -> Option<Value> {
        let globals = &self.run.shared.globals;
        let node = &self.run.node;
        Some(match name {
            "this" => {
                node.this.clone().map_or(Value::from(()), |this| Value::from_object(self.run.table(this)))
            }
            "target" => from_json(&globals.target),
            "execute" => Value::from(node.executing),
            "project_name" => Value::from(globals.project_name.as_str()),
            "run_started_at" => {
                self.run.capture(|captures| captures.volatile = true);
                Value::from_object(TemplateMoment::new(globals.run_started_at))
            }
            "invocation_id" => {
                self.run.capture(|captures| captures.volatile = true);
                Value::from(globals.invocation_id.as_str())
            }
            "flags" => from_json(&globals.flags),
            "model" => from_json(&serde_json::json!({
                "name": node.name,
                "alias": node.this.as_ref().map_or(&node.name, |this| &this.name),
                "schema": node.this.as_ref().map(|this| &this.schema),
                "unique_id": node.unique_id,
                "config": node.config,
                "package_name": &*self.run.package,
                "resource_type": node.unique_id.split('.').next().filter(|kind| !kind.is_empty()),
            })),
            "schema" => node.this.as_ref().map_or(Value::from(()), |this| Value::from(this.schema.as_str())),
            "__arguments" => from_json(&self.run.arguments),
            "dbt_version" => Value::from(DBT_VERSION),
            "invocation_args_dict" => {
                let flags = globals.flags.as_object().into_iter().flatten();
                let pairs = flags.map(|(name, value)| (name.to_lowercase(), value.clone()));
                from_json(&pairs.collect::<serde_json::Map<_, _>>().into())
            }
            "dbt_metadata_envs" => {
                let envs = globals.env.iter();
                let envs: serde_json::Map<_, _> = envs
                    .filter_map(|(name, value)| {
                        Some((name.strip_prefix(METADATA_ENV)?.to_owned(), value.as_str().into()))
                    })
                    .collect();
                let names = envs.keys().map(|name| format!("{METADATA_ENV}{name}")).collect::<Vec<_>>();
                self.run.capture(|captures| captures.env_vars.extend(names));
                from_json(&envs.into())
            }
            "graph" => {
                let graph = self.run.shared.graph.get();
                from_json(&graph.map(|context| context.graph.clone()).unwrap_or_default().into())
            }
            "selected_resources" => {
                let graph = self.run.shared.graph.get();
                from_json(&graph.map(|context| context.selected.clone()).unwrap_or_default().into())
            }
            name if node.values.contains_key(name) => from_json(&node.values[name]),
            native::SCOPE_MARK => Value::from(self.run.is_native),
            _ => return None,
        })
    }

    /// Returns the names that users know, for "did you mean" suggestions.
    pub(super) fn names(run: &Rendering) -> Vec<String> {
        let functions = function::NAMES.iter().map(|(name, _)| *name).filter(|name| !name.starts_with('_'));
        let fixed = functions.chain(PLAIN).chain(function::NAMESPACES).chain(["range", "namespace", "loop"]);
        let library = &run.shared.library;
        let packages = library.packages().map(|package| &**package);
        fixed.chain(packages).chain(library.names(&run.package)).map(str::to_owned).collect()
    }
}

impl Object for TemplateScope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.lookup(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.lookup(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(Self::names(&self.run).into_iter().map(Value::from).collect())
    }
}
