//! What a table's columns become when its model gives others.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    engine::{SchemaRef, arrow::datatypes::Schema},
    manifest::OnSchemaChange,
};

/// What a table's columns become.
pub(super) enum Evolved {
    /// These.
    Table(SchemaRef),
    /// Those of the model, and every row anew.
    FromNothing,
    /// They can't: what differs.
    No(String),
}

/// What the columns `stored` become if the model gives `new` ones.
pub(super) fn evolved(stored: &SchemaRef, new: &SchemaRef, on: OnSchemaChange) -> Evolved {
    let find = |schema: &SchemaRef, name: &str| schema.field_with_name(name).ok().cloned();
    let added: Vec<_> =
        new.fields().iter().filter(|field| find(stored, field.name()).is_none()).cloned().collect();
    let gone: BTreeSet<&str> = stored
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| find(new, name).is_none())
        .collect();
    let retyped: Vec<String> = new
        .fields()
        .iter()
        .filter_map(|field| Some((field, find(stored, field.name())?)))
        .filter(|(new, old)| !new.data_type().equals_datatype(old.data_type()))
        .map(|(new, old)| format!("`{}` is {}, was {}", new.name(), new.data_type(), old.data_type()))
        .collect();
    if added.is_empty() && gone.is_empty() && retyped.is_empty() {
        return Evolved::Table(Arc::clone(stored));
    }
    let names =
        |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut difference = Vec::new();
    if !added.is_empty() {
        let added = names(added.iter().map(|field| field.name().as_str()).collect());
        difference.push(format!("{added} not in the table"));
    }
    if !gone.is_empty() {
        difference.push(format!("{} only in the table", names(gone.iter().copied().collect())));
    }
    difference.extend(retyped.iter().cloned());
    let with_added = |keep: &dyn Fn(&str) -> bool| {
        let kept = stored.fields().iter().filter(|field| keep(field.name())).cloned();
        Arc::new(Schema::new(kept.chain(added.iter().cloned()).collect::<Vec<_>>()))
    };
    match on {
        OnSchemaChange::Ignore if !gone.is_empty() => Evolved::No(difference.join("; ")),
        OnSchemaChange::Ignore => Evolved::Table(Arc::clone(stored)),
        OnSchemaChange::Fail => Evolved::No(difference.join("; ")),
        OnSchemaChange::AppendNewColumns => Evolved::Table(with_added(&|_| true)),
        OnSchemaChange::SyncAllColumns if !retyped.is_empty() => Evolved::No(retyped.join("; ")),
        OnSchemaChange::SyncAllColumns => Evolved::Table(with_added(&|name| !gone.contains(name))),
        OnSchemaChange::FullRefresh => Evolved::FromNothing,
    }
}
