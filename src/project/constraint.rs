//! `constraints:` of models and their columns: conditions that every row of a table must satisfy.

use super::{
    keys,
    reader::YamlReader,
    yaml::{Yaml, YamlValue},
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// A declared constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstraintDecl {
    /// The kind of constraint.
    pub kind: Spanned<ConstraintKind>,
    /// The constraint's name.
    pub name: Option<Spanned<String>>,
    /// The SQL condition, which `check` requires.
    pub expression: Option<Spanned<String>>,
    /// The constrained columns. Empty for a constraint on a column itself.
    pub columns: Vec<Spanned<String>>,
    /// The span of the declaration.
    pub span: Span,
}

/// The kind of a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintKind {
    /// No value is null.
    NotNull,
    /// A condition holds.
    Check,
    /// No value is null, and none is duplicated.
    PrimaryKey,
    /// No value is duplicated.
    Unique,
    /// Every value exists in another table.
    ForeignKey,
    /// A custom expression.
    Custom,
}

impl ConstraintKind {
    const ALL: [Self; 6] =
        [Self::NotNull, Self::Check, Self::PrimaryKey, Self::Unique, Self::ForeignKey, Self::Custom];

    /// Returns the name, as written in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotNull => "not_null",
            Self::Check => "check",
            Self::PrimaryKey => "primary_key",
            Self::Unique => "unique",
            Self::ForeignKey => "foreign_key",
            Self::Custom => "custom",
        }
    }

    /// Returns whether the constraint needs columns.
    fn of_columns(self) -> bool {
        matches!(self, Self::NotNull | Self::PrimaryKey | Self::Unique)
    }
}

/// Reads `constraints:` of the current model.
pub(super) fn of_model(reader: &mut YamlReader<'_, '_>) -> Vec<ConstraintDecl> {
    let declared = reader.list("constraints");
    declared.iter().filter_map(|yaml| ConstraintDecl::of_model(yaml, reader.diagnostics())).collect()
}

/// Reads `constraints:` of the current column.
pub(super) fn of_column(reader: &mut YamlReader<'_, '_>) -> Vec<ConstraintDecl> {
    let declared = reader.list("constraints");
    declared.iter().filter_map(|yaml| ConstraintDecl::of_column(yaml, reader.diagnostics())).collect()
}

impl ConstraintDecl {
    fn of_model(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::MODEL_CONSTRAINT, yaml, diagnostics)?;
        let nothing = YamlValue::Seq(Vec::new());
        let named = reader.take("columns").is_some_and(|columns| columns.value != nothing);
        let columns = reader.strings("columns").unwrap_or_default();
        let constraint = Self::read(yaml, columns, reader)?;
        let kind = &constraint.kind;
        if kind.value.of_columns() && !named {
            let message = format!("a model's constraint `{}` needs `columns`", kind.value.as_str());
            let finding = Diagnostic::error("missing-key", message)
                .at(kind.span.clone(), "missing `columns`")
                .hint("add `columns: [name]`, or move it to the `constraints` of the column itself");
            diagnostics.push(finding);
        }
        Some(constraint)
    }

    fn of_column(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::COLUMN_CONSTRAINT, yaml, diagnostics)?;
        if let Some((key, _)) = reader.take_entry("columns") {
            let finding =
                Diagnostic::error("unknown-key", "a column's constraint is about that column alone")
                    .at(key.span.clone(), "not here")
                    .hint("a constraint of several columns belongs under the model's own `constraints`");
            reader.diagnostics().push(finding);
        }
        Self::read(yaml, Vec::new(), reader)
    }

    fn read(yaml: &Yaml, columns: Vec<Spanned<String>>, mut reader: YamlReader<'_, '_>) -> Option<Self> {
        let kind = reader.required("type").and_then(|written| kind(&written, &mut reader));
        let name = reader.string("name");
        let expression = reader.string("expression");
        if let Some(kind) = kind.as_ref().filter(|kind| kind.value == ConstraintKind::Check)
            && yaml.get("expression").is_none_or(Yaml::is_null)
        {
            let finding = Diagnostic::error("missing-key", "a constraint `check` needs an `expression`")
                .at(kind.span.clone(), "what is to be checked?")
                .hint("add the condition that every row must satisfy: `expression: \"amount >= 0\"`");
            reader.diagnostics().push(finding);
        }
        reader.finish(None);
        Some(Self { kind: kind?, name, expression, columns, span: yaml.span.clone() })
    }
}

fn kind(written: &Spanned<String>, reader: &mut YamlReader<'_, '_>) -> Option<Spanned<ConstraintKind>> {
    let kind = ConstraintKind::ALL.into_iter().find(|kind| kind.as_str() == written.value);
    if kind.is_none() {
        let names = ConstraintKind::ALL.map(ConstraintKind::as_str);
        let message = format!("there is no constraint `{}`", written.value);
        let finding = Diagnostic::error("unknown-constraint", message)
            .at(written.span.clone(), "unknown")
            .near(&written.value, names)
            .note(format!("the constraints are {}", names.join(", ")));
        reader.diagnostics().push(finding);
    }
    Some(Spanned::new(kind?, written.span.clone()))
}
