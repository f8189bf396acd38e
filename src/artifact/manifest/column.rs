//! Columns and constraints.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::doc_ids;
use crate::{
    jinja::Described,
    project::{ColumnDecl, ConstraintDecl, Yaml},
};

/// The documented columns, in their order.
pub(super) fn columns(declared: &[ColumnDecl], documentation: &BTreeMap<String, Described>) -> Value {
    let column = |column: &ColumnDecl| {
        let name = column.name.value.clone();
        let nothing = Described::default();
        let described = documentation.get(&name).unwrap_or(&nothing);
        let meta = column.meta.as_ref().map_or_else(|| json!({}), Yaml::to_json);
        let tags: Vec<&str> = column.tags.iter().map(|tag| tag.value.as_str()).collect();
        let value = json!({
            "name": name,
            "description": described.text,
            "meta": meta,
            "data_type": column.data_type.as_ref().map(|data_type| &data_type.value),
            "constraints": column.constraints.iter().map(constraint).collect::<Vec<_>>(),
            "quote": column.quote.as_ref().map(Yaml::to_json),
            "config": { "meta": meta, "tags": tags },
            "tags": tags,
            "granularity": null,
            "dimension": null,
            "entity": null,
            "doc_blocks": doc_ids(&described.docs),
        });
        (name, value)
    };
    declared.iter().map(column).collect::<Map<_, _>>().into()
}

/// The constraints at model level.
pub(super) fn of_model(constraints: &[ConstraintDecl]) -> Value {
    let with_columns = |declared: &ConstraintDecl| {
        let mut value = constraint(declared);
        let columns: Vec<&str> = declared.columns.iter().map(|column| column.value.as_str()).collect();
        value["columns"] = json!(columns);
        value
    };
    constraints.iter().map(with_columns).collect::<Vec<_>>().into()
}

fn constraint(declared: &ConstraintDecl) -> Value {
    json!({
        "type": declared.kind.value.as_str(),
        "name": declared.name.as_ref().map(|name| &name.value),
        "expression": declared.expression.as_ref().map(|expression| &expression.value),
        "warn_unenforced": true,
        "warn_unsupported": true,
        "to": null,
        "to_columns": [],
    })
}
