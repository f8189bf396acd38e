//! Name resolution for names that a template doesn't define itself.

use std::sync::Arc;

use minijinja::{
    Value,
    value::{Enumerator, Object},
};

use super::{
    callable::Callable,
    function::{self, Namespace, TemplateFunction},
    rendering::Rendering,
    value::{OverriddenMacro, TableValue, TemplateMoment, from_json},
};

/// Names of plain values; [`TemplateScope::plain`] returns their values.
const PLAIN: [&str; 9] = [
    "this",
    "target",
    "execute",
    "project_name",
    "run_started_at",
    "invocation_id",
    "flags",
    "model",
    "schema",
];

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
        if let Some(place) = self.run.shared.library.find(name) {
            return Some(Value::from_object(Callable::global(Arc::clone(&self.run), place)));
        }
        if let Some(function) = TemplateFunction::find(&self.run, name) {
            return Some(Value::from_object(function));
        }
        if let Some(value) = self.plain(name) {
            return Some(value);
        }
        if name == "context" {
            let scope = Value::from_object(self.clone());
            return Some(Value::from_object(Namespace::context(&self.run, scope)));
        }
        Namespace::find(&self.run, name).map(Value::from_object)
    }

    fn plain(&self, name: &str) -> Option<Value> {
        let globals = &self.run.shared.globals;
        let node = &self.run.node;
        Some(match name {
            "this" => node.this.clone().map_or(Value::from(()), |this| Value::from_object(TableValue(this))),
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
                "package_name": globals.project_name,
            })),
            "schema" => node.this.as_ref().map_or(Value::from(()), |this| Value::from(this.schema.as_str())),
            _ => return None,
        })
    }

    /// Returns the names that users know, for "did you mean" suggestions.
    pub(super) fn names(run: &Rendering) -> Vec<String> {
        let functions = function::NAMES.iter().map(|(name, _)| *name).filter(|name| !name.starts_with('_'));
        let fixed = functions.chain(PLAIN).chain(function::NAMESPACES).chain(["range", "namespace", "loop"]);
        fixed.chain(run.shared.library.names()).map(str::to_owned).collect()
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
