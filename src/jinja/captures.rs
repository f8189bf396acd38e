//! Captures: what a template called, set and logged while it was rendered.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    diag::Diagnostic,
    name::{PackageName, Relation},
    text::Span,
};

/// A call of `ref`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefCall {
    /// The package, if `ref` has two arguments.
    pub package: Option<String>,
    /// The model's name.
    pub name: String,
    /// The version: `v=` or `version=`.
    pub version: Option<String>,
    /// The call's span, which is in a macro file if a macro made the call.
    pub span: Span,
}

impl RefCall {
    /// Returns the name to look up: `dim`, or `dim.v1` for a version.
    #[must_use]
    pub fn target(&self) -> String {
        ref_target(&self.name, self.version.as_deref())
    }
}

/// Returns the name under which a version of a model is looked up: `dim.v1`.
#[must_use]
pub fn ref_target(name: &str, version: Option<&str>) -> String {
    version.map_or_else(|| name.to_owned(), |version| format!("{name}.v{version}"))
}

/// A call of `source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCall {
    /// The source's name.
    pub source: String,
    /// The table's name.
    pub table: String,
    /// The call's span.
    pub span: Span,
}

/// A call of `changes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesCall {
    /// The table whose change feed is read.
    pub relation: Relation,
    /// The call's span.
    pub span: Span,
}

/// A setting made by `config(…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigCall {
    /// The setting's name.
    pub key: String,
    /// The setting's value.
    pub value: serde_json::Value,
    /// The call's span.
    pub span: Span,
}

/// An undefined value that was printed.
#[derive(Debug, Clone)]
pub(super) struct PrintedUndefined {
    /// The name of the template that printed it.
    pub(super) template: String,
    /// The error of an operation with it, which says where it was created.
    pub(super) error: Arc<minijinja::Error>,
}

/// The warnings about undefined values: one for each place, however often it is rendered.
#[derive(Debug, Default)]
pub(super) struct UndefinedPlaces {
    pending: Vec<Diagnostic>,
    /// The file and the offset of each place.
    seen: BTreeSet<(String, usize)>,
}

impl UndefinedPlaces {
    /// Adds the warnings about new places.
    pub(super) fn add(&mut self, found: Vec<Diagnostic>) {
        for warning in found {
            let place = warning.labels.first().map(|label| &label.span);
            let place = place.map(|span| (span.source.path().to_owned(), span.range().start));
            if self.seen.insert(place.unwrap_or_default()) {
                self.pending.push(warning);
            }
        }
    }

    /// Returns the warnings since the last call.
    pub(super) fn take(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.pending)
    }
}

/// Everything that a template called, set, used and logged.
#[derive(Debug, Clone, Default)]
pub struct Captures {
    /// Calls of `ref`, in order.
    pub refs: Vec<RefCall>,
    /// Calls of `source`, in order.
    pub sources: Vec<SourceCall>,
    /// Calls of `changes`, in order.
    pub changes: Vec<ChangesCall>,
    /// Settings made by `config(…)`, in order; a later one overrides an earlier one of the same name.
    pub config: Vec<ConfigCall>,
    /// The documentation blocks requested with `doc`, in order.
    pub docs: Vec<PackageName>,
    /// The macros called that are declared in macro files, except built-in ones.
    pub macros: BTreeSet<PackageName>,
    /// The variables read.
    pub vars: BTreeSet<String>,
    /// The environment variables read.
    pub env_vars: BTreeSet<String>,
    /// Whether the text depends on the time or the invocation of the rendering.
    pub volatile: bool,
    /// The relations that it looked up and that exist.
    pub found: Vec<Relation>,
    /// The relations that `adapter.drop_relation` was called with.
    pub dropped: Vec<Relation>,
    /// The messages of `log` and `print`.
    pub logs: Vec<String>,
    /// Whether a message was printed, which the next run prints again.
    pub prints: bool,
    /// The undefined values that were printed.
    pub(super) undefined: Vec<PrintedUndefined>,
    /// The warnings of `exceptions.warn`.
    pub warnings: Vec<Diagnostic>,
}

impl Captures {
    /// Merges the captures of two renderings of one template without duplicates. If both make a setting, the
    /// value of `self` wins.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        add(&mut self.refs, other.refs);
        add(&mut self.sources, other.sources);
        add(&mut self.changes, other.changes);
        let made: BTreeSet<String> = self.config.iter().map(|call| call.key.clone()).collect();
        self.config.extend(other.config.into_iter().filter(|call| !made.contains(&call.key)));
        self.macros.extend(other.macros);
        self.vars.extend(other.vars);
        self.env_vars.extend(other.env_vars);
        self.volatile |= other.volatile;
        self
    }
}

fn add<T: PartialEq>(to: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !to.contains(&one) {
            to.push(one);
        }
    }
}
