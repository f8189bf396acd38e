//! `sources:` of the project file: configuration of sources and their tables, by package, folder, source and
//! table. Values next to a source or a table win.

use super::{
    ConfigPatch, Project,
    freshness::FreshnessSetting,
    reader,
    settings::Paths,
    sources::{SourceDecl, SourceTableDecl},
    yaml::{Yaml, YamlValue},
};
use crate::{diag::Diagnostic, text::Spanned};

/// Adds the configuration of the trees of a project and its packages to the tables of their sources.
pub(super) fn apply(project: &mut Project, diagnostics: &mut Vec<Diagnostic>) {
    let of_root = project.settings.sources.clone();
    let name = project.name().to_owned();
    let own = std::iter::once((project.settings.clone(), &mut project.sources));
    let packages =
        project.packages.iter_mut().map(|package| (package.settings.clone(), &mut package.sources));
    for (settings, sources) in own.chain(packages) {
        let package = settings.name.value.as_str();
        for source in sources {
            let folders = folders(&settings.paths, source);
            for at in 0..source.tables.len() {
                let table = source.tables[at].name.value.clone();
                let path: Vec<&str> =
                    folders.iter().map(String::as_str).chain([source.name.value.as_str(), &table]).collect();
                let mut layers = settings.sources.layers(package, &path);
                if package != name {
                    layers.extend(of_root.layers_of_package(package, &path));
                }
                let layers: Vec<ConfigPatch> = layers.into_iter().cloned().collect();
                for layer in layers.iter().rev() {
                    add(layer, source, at, diagnostics);
                }
            }
        }
    }
}

/// Returns the folders between a path of the package and the file that declares a source.
fn folders(paths: &Paths, source: &SourceDecl) -> Vec<String> {
    let path = source.name.span.source.package_path();
    let all = [&paths.models, &paths.seeds, &paths.snapshots, &paths.tests, &paths.macros, &paths.docs];
    let mut all = all.into_iter().flatten();
    let inside = all.find_map(|folder| path.strip_prefix(folder.as_str())?.strip_prefix('/'));
    let mut folders: Vec<String> = inside.unwrap_or(path).split('/').map(str::to_owned).collect();
    folders.pop();
    folders
}

/// Adds a layer to the table at this position, where neither it nor its source has a value.
fn add(layer: &ConfigPatch, source: &mut SourceDecl, at: usize, diagnostics: &mut Vec<Diagnostic>) {
    let SourceDecl { freshness, loaded_at_field, loaded_at_query, config, tables, meta, .. } = source;
    let (table, of_source) = (&mut tables[at], config);
    let has_age = [&*loaded_at_field, loaded_at_query, &table.loaded_at_field, &table.loaded_at_query];
    let has_age = has_age.into_iter().any(Option::is_some);
    for (key, value) in &layer.entries {
        match key.as_str() {
            "tags" => {
                let tags = reader::strings("tags", value, diagnostics);
                table.tags.extend(tags.unwrap_or_default());
            }
            "meta" => add_meta(table, meta.as_ref(), value),
            "freshness" if table.freshness == FreshnessSetting::Inherit => {
                if *freshness == FreshnessSetting::Inherit {
                    table.freshness = FreshnessSetting::of_value(value, diagnostics);
                }
            }
            "loaded_at_field" if !has_age => table.loaded_at_field = text(value),
            "loaded_at_query" if !has_age => table.loaded_at_query = text(value),
            "freshness" | "loaded_at_field" | "loaded_at_query" => {}
            _ if of_source.entries.contains_key(key) => {}
            _ => table.config.or_insert(key, value),
        }
    }
}

/// Adds the metadata that neither the table nor its source has.
fn add_meta(table: &mut SourceTableDecl, of_source: Option<&Yaml>, value: &Yaml) {
    let YamlValue::Map(entries) = &value.value else { return };
    let is_set = |yaml: Option<&Yaml>, key: &str| yaml.is_some_and(|yaml| yaml.get(key).is_some());
    let new = entries
        .iter()
        .filter(|(key, _)| !is_set(table.meta.as_ref(), &key.value) && !is_set(of_source, &key.value));
    let mut all: Vec<_> = new.cloned().collect();
    let span = table.meta.as_ref().map_or_else(|| value.span.clone(), |own| own.span.clone());
    if let Some(Yaml { value: YamlValue::Map(own), .. }) = &table.meta {
        all.extend(own.iter().cloned());
    }
    table.meta = Some(Yaml { value: YamlValue::Map(all), span });
}

fn text(value: &Yaml) -> Option<Spanned<String>> {
    Some(Spanned::new(value.as_str()?.to_owned(), value.span.clone()))
}
