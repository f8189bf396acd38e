//! Schema evolution: derives a table's new columns when its model's columns change.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    engine::{
        SchemaRef,
        arrow::datatypes::{Field, FieldRef, Schema},
        plan::exact_cast::can_hold,
        types::type_name,
    },
    manifest::OnSchemaChange,
};

/// The result of schema evolution.
pub(super) enum Evolved {
    /// The table's new columns.
    Table(SchemaRef),
    /// The model's columns, with a full refresh.
    FromNothing,
    /// An error: the difference isn't allowed.
    No(String),
    /// An error: a column's type changed in a way that isn't allowed.
    Retyped(String),
}

/// Returns the table's new columns, given the `stored` ones and the model's `new` ones.
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
    let pairs = new.fields().iter().filter_map(|field| Some((field, find(stored, field.name())?)));
    let retyped: Vec<_> =
        pairs.filter(|(new, old)| !new.data_type().equals_datatype(old.data_type())).collect();
    // Values of the other type changes are checked when they are written.
    let unheld = retyped.iter().filter(|(new, old)| !can_hold(new.data_type(), old.data_type())).map(of_type);
    let unheld: Vec<String> = unheld.collect();
    let retyped: Vec<String> = retyped.iter().map(of_type).collect();
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
        OnSchemaChange::FullRefresh => Evolved::FromNothing,
        OnSchemaChange::Fail => Evolved::No(difference.join("; ")),
        OnSchemaChange::SyncAllColumns if !retyped.is_empty() => Evolved::Retyped(retyped.join("; ")),
        OnSchemaChange::SyncAllColumns => Evolved::Table(with_added(&|name| !gone.contains(name))),
        OnSchemaChange::Ignore if !gone.is_empty() => Evolved::No(difference.join("; ")),
        _ if !unheld.is_empty() => Evolved::Retyped(unheld.join("; ")),
        OnSchemaChange::Ignore => Evolved::Table(Arc::clone(stored)),
        OnSchemaChange::AppendNewColumns => Evolved::Table(with_added(&|_| true)),
    }
}

fn of_type((new, old): &(&FieldRef, Field)) -> String {
    format!("`{}` is {}, was {}", new.name(), type_name(new.data_type()), type_name(old.data_type()))
}
