//! Sources and exposures.

use serde_json::{Map, Value, json};

use super::{Contents, column, config, doc_ids};
use crate::{
    manifest::{Exposure, SourceFreshness, SourceTable},
    project::{Owner, Period, Yaml},
};

/// Returns dbt's form of the freshness limits.
fn thresholds(freshness: &SourceFreshness) -> Value {
    let threshold = |period: Option<&Period>| match period {
        Some(period) => json!({ "count": period.count, "period": period.unit.as_str() }),
        None => json!({ "count": null, "period": null }),
    };
    json!({
        "warn_after": threshold(freshness.warn_after.as_ref()),
        "error_after": threshold(freshness.error_after.as_ref()),
        "filter": freshness.filter,
    })
}

impl Contents<'_> {
    /// Returns the entry of a source table.
    pub(super) fn source(&self, source: &SourceTable) -> Value {
        let path = source.span.source.package_path();
        let folders = std::path::Path::new(self.inside(source.id.package(), path)).parent();
        let folders = folders.into_iter().flat_map(std::path::Path::components);
        let mut fqn = vec![source.id.package().to_owned()];
        fqn.extend(folders.map(|folder| folder.as_os_str().to_string_lossy().into_owned()));
        fqn.extend([source.source.clone(), source.name.clone()]);
        let freshness = source.freshness.as_ref();
        let freshness_json = freshness.map(thresholds);
        let field = freshness.and_then(|it| it.loaded_at_field.as_ref()).map(|field| &field.value);
        let query = freshness.and_then(|it| it.loaded_at_query.as_ref()).map(|query| &query.value);
        let documentation = &source.documentation;
        json!({
            "database": self.database,
            "schema": source.relation.schema,
            "name": source.name,
            "resource_type": "source",
            "package_name": source.id.package(),
            "path": path,
            "original_file_path": path,
            "unique_id": source.id,
            "fqn": fqn,
            "source_name": source.source,
            "source_description": source.of.description,
            "loader": source.of.loader,
            "identifier": source.relation.name,
            "quoting": { "database": null, "schema": null, "identifier": null, "column": null },
            "loaded_at_field": field,
            "loaded_at_query": query,
            "freshness": freshness_json,
            "external": source.external.as_ref().map(|external| json!({
                "location": external.declared.location.value,
                "file_format": external.declared.format.value.as_str(),
                "row_format": null,
                "tbl_properties": null,
                "partitions": null,
            })),
            "description": documentation.description.text,
            "columns": column::columns(&source.columns, &documentation.columns),
            "meta": source.meta,
            "source_meta": source.of.meta,
            "tags": source.tags,
            "config": {
                "enabled": true,
                "event_time": source.event_time,
                "freshness": freshness_json,
                "loaded_at_field": field,
                "loaded_at_query": query,
                "meta": source.meta,
                "tags": source.tags,
                "static_analysis": null,
            },
            "patch_path": null,
            "unrendered_config": {
                "event_time": source.event_time,
                "loaded_at_field": field,
                "loaded_at_query": query,
                "meta": source.meta,
                "tags": source.tags,
            },
            "relation_name": source.relation.qualified(self.database),
            "created_at": self.created_at(),
            "unrendered_database": null,
            "unrendered_schema": source.relation.schema,
            "doc_blocks": doc_ids(&documentation.description.docs),
        })
    }

    /// Returns the entry of an exposure.
    pub(super) fn exposure(&self, exposure: &Exposure) -> Value {
        let declared = &exposure.declared;
        let config = config::exposure(&exposure.config);
        let calls = self.calls(&exposure.id, &exposure.calls);
        json!({
            "name": exposure.name(),
            "resource_type": "exposure",
            "package_name": exposure.id.package(),
            "path": self.inside(exposure.id.package(), exposure.path()),
            "original_file_path": exposure.path(),
            "unique_id": exposure.id,
            "fqn": exposure.fqn,
            "type": declared.kind,
            "owner": owner(&declared.owner),
            "description": exposure.description,
            "label": declared.label,
            "maturity": declared.maturity,
            "meta": config["meta"],
            "tags": exposure.tags,
            "config": config,
            "unrendered_config": exposure.config,
            "url": declared.url,
            "depends_on": calls["depends_on"],
            "refs": calls["refs"],
            "sources": calls["sources"],
            "metrics": [],
            "created_at": self.created_at(),
        })
    }
}

/// An owner's email, name and any other properties.
pub(super) fn owner(owner: &Owner) -> Value {
    let email = match owner.email.as_slice() {
        [] => Value::Null,
        [one] => one.as_str().into(),
        several => json!(several),
    };
    let others = owner.others.iter().map(|(key, value)| (key.clone(), Yaml::to_json(value)));
    let named = [("email".to_owned(), email), ("name".to_owned(), json!(owner.name))];
    Value::Object(named.into_iter().chain(others).collect::<Map<_, _>>())
}
