//! Named selectors: the definitions of `selectors.yml` as expressions.

use std::collections::BTreeMap;

use super::{
    Indirect,
    criterion::{Criterion, GraphOperators, OperatorDepth},
    expr::Expr,
    resolve::{self, ResolvedCriterion},
};
use crate::{
    diag::Diagnostic,
    project::{SelectorDecl, Yaml, YamlValue},
    text::{Source, Span, Spanned},
};

/// The keys of a criterion that is written as a mapping.
const KEYS: [&str; 9] = [
    "method",
    "value",
    "children",
    "children_depth",
    "parents",
    "parents_depth",
    "childrens_parents",
    "indirect_selection",
    "exclude",
];

/// The selectors of a project, by name.
#[derive(Debug, Default)]
pub struct Selectors {
    named: BTreeMap<String, Expr<ResolvedCriterion>>,
}

impl Selectors {
    /// Gives selectors their meaning, in the order of the file: one may refer to those before it.
    ///
    /// # Errors
    /// All errors in the definitions.
    pub fn new(declared: &[SelectorDecl]) -> Result<Self, Vec<Diagnostic>> {
        let mut selectors = Self::default();
        let mut errors = Vec::new();
        for selector in declared {
            let name = &selector.name;
            match selectors.root(&selector.definition) {
                Ok(meant) if selectors.named.contains_key(&name.value) => {
                    drop(meant);
                    let message = format!("two selectors are called `{}`", name.value);
                    errors.push(Diagnostic::error("duplicate-selector", message).at(name.span.clone(), ""));
                }
                Ok(meant) => drop(selectors.named.insert(name.value.clone(), meant)),
                Err(found) => errors.extend(found),
            }
        }
        if errors.is_empty() { Ok(selectors) } else { Err(errors) }
    }

    /// Returns the meaning of a selector.
    pub(super) fn get(&self, name: &str) -> Option<&Expr<ResolvedCriterion>> {
        self.named.get(name)
    }

    /// Returns the error about an unknown selector.
    pub(super) fn unknown(&self, name: &str) -> Diagnostic {
        let names = self.named.keys().map(String::as_str);
        let found = Diagnostic::error("unknown-selector", format!("Could not find selector named {name}"));
        let found = found.near(name, names.clone());
        if self.named.is_empty() {
            found.note("selectors.yml declares no selectors before this one")
        } else {
            found.note(format!("the selectors: {}", names.collect::<Vec<_>>().join(", ")))
        }
    }

    /// Resolves a criterion; a `selector:` is replaced by its meaning.
    pub(super) fn resolved(&self, criterion: Criterion) -> Result<Expr<ResolvedCriterion>, Diagnostic> {
        match &criterion.method {
            Some(method) if method.value == "selector" => {
                let value = &criterion.value;
                let found = self.get(&value.value).cloned();
                found.ok_or_else(|| self.unknown(&value.value).at(value.span.clone(), "not found"))
            }
            _ => resolve::resolve(criterion).map(Expr::Criterion),
        }
    }

    fn root(&self, yaml: &Yaml) -> Meaning {
        if yaml.get("union").is_some() && yaml.get("intersection").is_some() {
            let message = "a definition has either `union` or `intersection` at its root";
            return Err(vec![invalid(message, &yaml.span)]);
        }
        self.definition(yaml)
    }

    fn definition(&self, yaml: &Yaml) -> Meaning {
        match &yaml.value {
            YamlValue::String(text) => self.line(text, &yaml.span),
            // As in later versions of dbt, a bare list is a union.
            YamlValue::Seq(items) => self.set(items, Expr::Union, &yaml.span),
            YamlValue::Map(entries) => match &entries[..] {
                [(key, value)] if key.value == "union" => self.set(items(value)?, Expr::Union, &value.span),
                [(key, value)] if key.value == "intersection" => {
                    self.set(items(value)?, Expr::Intersection, &value.span)
                }
                [(method, value)] if !KEYS.contains(&method.value.as_str()) => {
                    let reach = GraphOperators::Lines { parents: None, children: None };
                    self.criterion(method.clone(), value, reach, None)
                }
                _ => self.mapping(yaml),
            },
            _ => Err(vec![invalid("a definition is text, a mapping or a list", &yaml.span)]),
        }
    }

    /// Gives text its meaning on the command line.
    fn line(&self, text: &str, span: &Span) -> Meaning {
        let source = Source::new(span.source.path(), text);
        super::lower(&source, self).map_err(|mut found| {
            for label in found.iter_mut().flat_map(|one| &mut one.labels) {
                if label.span.source == source {
                    label.span = span.clone();
                }
            }
            found
        })
    }

    /// Gives a list of definitions its meaning. One of them may be `exclude:`.
    fn set(
        &self,
        items: &[Yaml],
        of: fn(Vec<Expr<ResolvedCriterion>>) -> Expr<ResolvedCriterion>,
        span: &Span,
    ) -> Meaning {
        let (mut included, mut excluded, mut errors) = (Vec::new(), None, Vec::new());
        for item in items {
            let less = match &item.value {
                YamlValue::Map(entries) if entries.len() == 1 => item.get("exclude"),
                _ => None,
            };
            let meant = match less {
                Some(_) if excluded.is_some() => {
                    let message = "You cannot provide multiple exclude arguments to the same definition";
                    Err(vec![invalid(message, &item.span)])
                }
                Some(less) => self.excluded(less).map(|less| excluded = Some(less)),
                None => self.definition(item).map(|meant| included.push(meant)),
            };
            errors.extend(meant.err().into_iter().flatten());
        }
        if included.is_empty() && errors.is_empty() {
            errors.push(invalid("nothing is selected here", span));
        }
        if errors.is_empty() { Ok(less(of(included), excluded)) } else { Err(errors) }
    }

    fn excluded(&self, yaml: &Yaml) -> Meaning {
        let parts: Result<Vec<_>, _> = items(yaml)?.iter().map(|item| self.definition(item)).collect();
        Ok(Expr::Union(parts?))
    }

    /// Gives `{method, value, …}` its meaning.
    fn mapping(&self, yaml: &Yaml) -> Meaning {
        let (Some(method), Some(value)) = (yaml.get("method"), yaml.get("value")) else {
            let message = "a definition needs `method` and `value`, `union` or `intersection`";
            return Err(vec![invalid(message, &yaml.span)]);
        };
        if let YamlValue::Map(entries) = &yaml.value
            && let Some((key, _)) = entries.iter().find(|(key, _)| !KEYS.contains(&key.value.as_str()))
        {
            let found = invalid(&format!("a definition has no key `{}`", key.value), &key.span);
            return Err(vec![found.near(&key.value, KEYS)]);
        }
        let method = Spanned::new(text(method)?, method.span.clone());
        let reach = reach(yaml)?;
        let indirect = match yaml.get("indirect_selection") {
            Some(mode) => Some(Indirect::of(&text(mode)?).ok_or_else(|| {
                vec![invalid("the modes are eager, cautious, buildable and empty", &mode.span)]
            })?),
            None => None,
        };
        let meant = self.criterion(method, value, reach, indirect)?;
        let excluded = yaml.get("exclude").map(|excluded| self.excluded(excluded)).transpose()?;
        Ok(less(meant, excluded))
    }

    fn criterion(
        &self,
        method: Spanned<String>,
        value: &Yaml,
        reach: GraphOperators,
        indirect: Option<Indirect>,
    ) -> Meaning {
        let value = Spanned::new(text(value)?, value.span.clone());
        let criterion = Criterion { span: value.span.clone(), reach, method: Some(method), value };
        let meant = self.resolved(criterion).map_err(|found| vec![found])?;
        Ok(match meant {
            Expr::Criterion(one) => Expr::Criterion(ResolvedCriterion { indirect, ..one }),
            named => named,
        })
    }
}

/// The meaning of a definition, or all errors in it.
type Meaning = Result<Expr<ResolvedCriterion>, Vec<Diagnostic>>;

fn less(from: Expr<ResolvedCriterion>, excluded: Option<Expr<ResolvedCriterion>>) -> Expr<ResolvedCriterion> {
    match excluded {
        Some(excluded) => Expr::Difference(Box::new([from, excluded])),
        None => from,
    }
}

fn reach(yaml: &Yaml) -> Result<GraphOperators, Vec<Diagnostic>> {
    let is_set = |key: &str| match yaml.get(key) {
        None => Ok(false),
        Some(flag) => {
            flag.as_bool().ok_or_else(|| vec![invalid(&format!("`{key}` is true or false"), &flag.span)])
        }
    };
    let depth = |key: &str| match yaml.get(key).map(|yaml| (&yaml.value, yaml)) {
        None => Ok(OperatorDepth::Unlimited),
        Some((YamlValue::Int(steps), yaml)) => usize::try_from(*steps)
            .map(OperatorDepth::Steps)
            .map_err(|_| vec![invalid("a depth is a whole number", &yaml.span)]),
        Some((_, yaml)) => Err(vec![invalid("a depth is a whole number", &yaml.span)]),
    };
    if is_set("childrens_parents")? {
        if is_set("children")? {
            let message = "`childrens_parents` and `children` can't both be set";
            return Err(vec![invalid(message, &yaml.span)]);
        }
        return Ok(GraphOperators::Around);
    }
    let line = |key: &str, depth_key: &str| {
        let depth = depth(depth_key)?;
        Ok::<_, Vec<Diagnostic>>(is_set(key)?.then_some(depth))
    };
    let (parents, children) = (line("parents", "parents_depth")?, line("children", "children_depth")?);
    Ok(GraphOperators::Lines { parents, children })
}

fn items(yaml: &Yaml) -> Result<&[Yaml], Vec<Diagnostic>> {
    match &yaml.value {
        YamlValue::Seq(items) => Ok(items),
        _ => Err(vec![invalid("a list of definitions is expected here", &yaml.span)]),
    }
}

fn text(yaml: &Yaml) -> Result<String, Vec<Diagnostic>> {
    match &yaml.value {
        YamlValue::String(text) if !text.is_empty() => Ok(text.clone()),
        YamlValue::Bool(value) => Ok(value.to_string()),
        YamlValue::Int(value) => Ok(value.to_string()),
        YamlValue::Float(value) => Ok(value.to_string()),
        _ => Err(vec![invalid("text is expected here", &yaml.span)]),
    }
}

fn invalid(message: &str, span: &Span) -> Diagnostic {
    Diagnostic::error("invalid-selector", message).at(span.clone(), "")
}
