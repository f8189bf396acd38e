//! `overrides:`: sources of the project that change those of an installed package, such as where their rows
//! are.

use super::{
    Project,
    freshness::FreshnessSetting,
    sources::{SourceDecl, SourceTableDecl},
};
use crate::diag::Diagnostic;

/// Moves the project's overrides into its packages.
pub(super) fn apply(project: &mut Project, diagnostics: &mut Vec<Diagnostic>) {
    let all = std::mem::take(&mut project.sources);
    let (changes, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|source| source.overrides.is_some());
    project.sources = own;
    for change in changes {
        let Some(package) = &change.overrides else { continue };
        let names: Vec<&str> = project.packages.iter().map(Project::name).collect();
        let Some(at) = names.iter().position(|name| *name == package.value) else {
            let message = format!("there is no package `{}`", package.value);
            let found = Diagnostic::error("unknown-package", message).at(package.span.clone(), "not found");
            diagnostics.push(found.near(&package.value, names));
            continue;
        };
        let sources = &mut project.packages[at].sources;
        let mut targets: Vec<&mut SourceDecl> =
            sources.iter_mut().filter(|source| source.name.value == change.name.value).collect();
        if targets.is_empty() {
            let message = format!("the package `{}` has no source `{}`", package.value, change.name.value);
            let found = Diagnostic::warning("unknown-source", message).at(change.name.span.clone(), "");
            diagnostics.push(found.note("this override has no effect"));
        }
        override_tables(&mut targets, &change);
        for target in targets {
            override_source(target, &change);
        }
    }
}

/// Overrides what is set for the source as a whole.
fn override_source(source: &mut SourceDecl, change: &SourceDecl) {
    set(&mut source.description, change.description.as_ref());
    set(&mut source.schema, change.schema.as_ref());
    set(&mut source.database, change.database.as_ref());
    set(&mut source.loader, change.loader.as_ref());
    set(&mut source.meta, change.meta.as_ref());
    set(&mut source.loaded_at_field, change.loaded_at_field.as_ref());
    set(&mut source.loaded_at_query, change.loaded_at_query.as_ref());
    override_freshness(&mut source.freshness, &change.freshness);
    source.config.entries.extend(change.config.entries.clone());
    if !change.tags.is_empty() {
        source.tags.clone_from(&change.tags);
    }
    source.drift = change.drift.clone().or(&source.drift);
}

/// Overrides what is set for tables, and adds those that the package doesn't have.
fn override_tables(targets: &mut [&mut SourceDecl], change: &SourceDecl) {
    for table in &change.tables {
        let known = targets.iter_mut().flat_map(|source| &mut source.tables);
        let mut known = known.filter(|known| known.name.value == table.name.value);
        if let Some(known) = known.next() {
            override_table(known, table);
        } else if let Some(first) = targets.first_mut() {
            first.tables.push(table.clone());
        }
    }
}

fn override_table(table: &mut SourceTableDecl, change: &SourceTableDecl) {
    set(&mut table.identifier, change.identifier.as_ref());
    set(&mut table.description, change.description.as_ref());
    set(&mut table.external, change.external.as_ref());
    set(&mut table.meta, change.meta.as_ref());
    set(&mut table.loaded_at_field, change.loaded_at_field.as_ref());
    set(&mut table.loaded_at_query, change.loaded_at_query.as_ref());
    override_freshness(&mut table.freshness, &change.freshness);
    table.config.entries.extend(change.config.entries.clone());
    if !change.tags.is_empty() {
        table.tags.clone_from(&change.tags);
    }
    if !change.columns.is_empty() {
        table.columns.clone_from(&change.columns);
    }
    if !change.data_tests.is_empty() {
        table.data_tests.clone_from(&change.data_tests);
    }
    table.drift = change.drift.clone().or(&table.drift);
}

fn override_freshness(freshness: &mut FreshnessSetting, change: &FreshnessSetting) {
    if *change != FreshnessSetting::Inherit {
        freshness.clone_from(change);
    }
}

fn set<T: Clone>(value: &mut Option<T>, change: Option<&T>) {
    if let Some(change) = change {
        *value = Some(change.clone());
    }
}
