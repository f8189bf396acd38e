//! `versions:` of a model: each version gets its own properties, merged from the model's and the version's.

use std::collections::HashSet;

use super::{
    common_keys, constraint, data_test, keys,
    model_version::{ModelVersion, compared, label},
    properties::{self, ModelProperties},
    reader::YamlReader,
    yaml::{Yaml, YamlValue},
};
use crate::{diag::Diagnostic, text::Spanned};

/// Replaces each versioned model by its versions. `files` are the names of the model files.
pub(super) fn expanded(
    models: Vec<ModelProperties>,
    files: &HashSet<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<ModelProperties> {
    let mut all = Vec::with_capacity(models.len());
    for model in models {
        let declared = model.raw("versions").map(|yaml| yaml.value.clone());
        match declared {
            Some(YamlValue::Seq(versions)) if !versions.is_empty() => {
                all.extend(versions_of(&model, &versions, files, diagnostics));
            }
            _ => all.push(model),
        }
    }
    all
}

fn versions_of(
    model: &ModelProperties,
    versions: &[Yaml],
    files: &HashSet<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<ModelProperties> {
    let numbers = || versions.iter().filter_map(|version| version.get("v"));
    let newest = numbers().max_by(|one, other| compared(&label(one), &label(other))).cloned();
    let Some(latest) = model.raw("latest_version").cloned().or(newest) else {
        let found = Diagnostic::error("invalid-version", "a version needs its number `v`");
        diagnostics.push(found.at(versions[0].span.clone(), ""));
        return Vec::new();
    };
    if !numbers().any(|number| label(number) == label(&latest)) {
        let message = format!("latest_version: {} is not one of the model's versions", label(&latest));
        diagnostics.push(Diagnostic::error("invalid-version", message).at(latest.span.clone(), ""));
    }
    for (index, version) in versions.iter().enumerate() {
        let same = |other: &&Yaml| other.get("v").map(label) == version.get("v").map(label);
        if let Some(first) = versions[..index].iter().find(same).filter(|_| version.get("v").is_some()) {
            let message =
                format!("the model has two versions {}", version.get("v").map(label).unwrap_or_default());
            let found = Diagnostic::error("invalid-version", message);
            diagnostics.push(found.at(version.span.clone(), "").at(first.span.clone(), "the first"));
        }
    }
    versions.iter().filter_map(|version| read(model, version, &latest, files, diagnostics)).collect()
}

fn read(
    model: &ModelProperties,
    yaml: &Yaml,
    latest: &Yaml,
    files: &HashSet<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ModelProperties> {
    let (without_choice, choice) = without_choice(yaml);
    let mut reader = YamlReader::new(&keys::MODEL_VERSION, &without_choice, diagnostics)?;
    let number = reader.needed("v")?.clone();
    let defined_in = reader.string("defined_in").map(|file| file.value);
    let description = reader.string("description").or_else(|| model.description.clone());
    let own = properties::columns(&mut reader);
    let has_tests = yaml.get("data_tests").or_else(|| yaml.get("tests")).is_some();
    let data_tests = data_test::list(&mut reader);
    let constraints = constraint::of_model(&mut reader);
    let mut config = common_keys::config(&mut reader);
    for key in ["access", "docs", "group", "meta", "tags"] {
        if let Some(value) = reader.take(key) {
            config.or_insert(key, value);
        }
    }
    reader.finish(None);
    for (key, value) in &model.config.entries {
        config.or_insert(key, value);
    }
    let columns = model.columns.iter().filter(|column| {
        let name = column.name.value.as_str();
        choice.has(name) && !own.iter().any(|own| own.name.value == name)
    });
    let name = &model.name.value;
    let numbered = format!("{name}_v{}", label(&number));
    let is_plain = label(&number) == label(latest) && !files.contains(numbered.as_str());
    let unnamed = if is_plain && files.contains(name.as_str()) { name.clone() } else { numbered };
    let version = ModelVersion {
        model: name.clone(),
        latest: latest.clone(),
        file: defined_in.unwrap_or(unnamed),
        version: number,
    };
    Some(ModelProperties {
        name: model.name.clone(),
        description,
        columns: columns.cloned().chain(own.clone()).collect(),
        config,
        data_tests: if has_tests { data_tests } else { model.data_tests.clone() },
        constraints: if constraints.is_empty() { model.constraints.clone() } else { constraints },
        raw: model.raw.clone(),
        version: Some(version),
        span: yaml.span.clone(),
    })
}

/// The model's columns that a version has.
#[derive(Default)]
struct ColumnChoice {
    include: Option<Vec<String>>,
    exclude: Vec<String>,
}

impl ColumnChoice {
    fn has(&self, column: &str) -> bool {
        let is_in = |list: &[String]| list.iter().any(|one| one == column);
        let all = self.include.as_ref().is_none_or(|list| is_in(list) || list == &["all"] || list == &["*"]);
        all && !is_in(&self.exclude)
    }
}

/// Splits `{include, exclude}` off the columns of a version.
fn without_choice(yaml: &Yaml) -> (Yaml, ColumnChoice) {
    let YamlValue::Map(entries) = &yaml.value else { return (yaml.clone(), ColumnChoice::default()) };
    let mut choice = ColumnChoice::default();
    let mut is_column = |item: &Yaml| {
        let (include, exclude) = (item.get("include"), item.get("exclude"));
        let is_choice = item.get("name").is_none() && (include.is_some() || exclude.is_some());
        if is_choice {
            choice.include = include.map(Yaml::texts);
            choice.exclude = exclude.map(Yaml::texts).unwrap_or_default();
        }
        !is_choice
    };
    let mut kept: Vec<(Spanned<String>, Yaml)> = Vec::new();
    for (key, value) in entries {
        let value = match &value.value {
            YamlValue::Seq(items) if key.value == "columns" => {
                let columns = items.iter().filter(|item| is_column(item)).cloned().collect();
                Yaml { value: YamlValue::Seq(columns), span: value.span.clone() }
            }
            _ => value.clone(),
        };
        kept.push((key.clone(), value));
    }
    (Yaml { value: YamlValue::Map(kept), span: yaml.span.clone() }, choice)
}
