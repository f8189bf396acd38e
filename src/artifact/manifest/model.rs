//! Models, seeds and snapshots.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Contents, column, config, doc_ids, hex,
    node::{checksum, contract, joined},
    patch_path,
};
use crate::{
    manifest::{Model, Seed, Snapshot},
    project::ConstraintKind,
};

/// As in dbt, larger seed files are identified by path instead of by checksum.
const LARGE: u64 = 1 << 20;

/// The parts of an entry that depend on the resource type: model, seed or snapshot.
struct ResourceParts<'a> {
    path: &'a str,
    checksum: Value,
    config: Value,
    unrendered: Map<String, Value>,
    raw_code: &'a str,
}

impl Contents<'_> {
    /// Returns the entry of a model.
    pub(super) fn model(&self, model: &Model) -> Value {
        let materialized = model.config.materialized;
        let mut config = config::model(materialized.name(), &model.config.all);
        if let Some(incremental) = &model.config.incremental {
            config["on_schema_change"] = incremental.on_schema_change.name().into();
        }
        let parts = ResourceParts {
            path: model.file.package_path(),
            checksum: checksum(model.file.text()),
            unrendered: model.config.all.clone(),
            raw_code: model.file.text().trim(),
            config,
        };
        let node = self.built(model, &parts);
        let access = node["config"]["access"].clone();
        let columns = node["columns"].clone();
        joined([
            node,
            self.calls(&model.id, &model.calls),
            self.compiled(&model.id, model.compiled_path().display(), self.sql(model)),
            json!({
                "contract": contract(model.config.contract, &columns),
                "access": access,
                "constraints": column::of_model(&model.constraints),
                "version": model.version.as_ref().map(|version| version.version.to_json()),
                "latest_version": model.version.as_ref().map(|version| version.latest.to_json()),
                "deprecation_date": null,
                "primary_key": self.primary_key(model),
                "time_spine": null,
            }),
        ])
    }

    /// Returns the entry of a seed.
    pub(super) fn seed(&self, seed: &Seed) -> Value {
        let parts = ResourceParts {
            path: seed.path(),
            checksum: self.file_checksum(seed),
            config: config::seed(&seed.all()),
            unrendered: seed.model.config.all.clone(),
            raw_code: "",
        };
        let more = json!({ "root_path": self.project.root.join(&self.package(seed.model.id.package()).folder).to_string_lossy(), "depends_on": { "macros": [] } });
        joined([self.built(&seed.model, &parts), more])
    }

    /// Returns the entry of a snapshot.
    pub(super) fn snapshot(&self, snapshot: &Snapshot) -> Value {
        let model = &snapshot.model;
        let file = &snapshot.declared.source;
        let parts = ResourceParts {
            path: snapshot.path(),
            checksum: checksum(file.text()),
            config: config::snapshot(&as_written(snapshot.all())),
            unrendered: as_written(model.config.all.clone()),
            raw_code: model.file.text().trim(),
        };
        let mut node = self.built(model, &parts);
        if snapshot.is_relation {
            node["path"] = json!(format!("{}.sql", model.name));
        }
        joined([
            node,
            self.calls(&model.id, &model.calls),
            self.compiled(&model.id, snapshot.compiled_path().display(), self.sql(model)),
            json!({ "contract": contract(false, &Value::Null) }),
        ])
    }

    fn sql(&self, model: &Model) -> Option<&str> {
        self.compiled.models.get(&model.id).map(|compiled| compiled.sql.as_str())
    }

    fn built(&self, model: &Model, parts: &ResourceParts<'_>) -> Value {
        let documentation = &model.documentation;
        let config = &parts.config;
        json!({
            "database": self.database,
            "schema": model.relation.schema,
            "name": model.version.as_ref().map_or(&model.name, |version| &version.model),
            "resource_type": model.kind().as_str(),
            "package_name": model.id.package(),
            "path": self.inside(model.id.package(), parts.path),
            "original_file_path": parts.path,
            "unique_id": model.id,
            "fqn": model.fqn,
            "alias": model.relation.name,
            "checksum": parts.checksum,
            "config": config,
            "tags": model.config.tags,
            "description": documentation.description.text,
            "columns": column::columns(&model.columns, &documentation.columns),
            "meta": config["meta"],
            "group": config["group"],
            "docs": config["docs"],
            "patch_path": patch_path(model.id.package(), documentation.declared.as_ref()),
            "build_path": null,
            "unrendered_config": parts.unrendered,
            "created_at": self.created_at(),
            // An ephemeral model has a relation name too: compiled SQL refers to it by that name, where dbt
            // would inline its query.
            "relation_name": model.relation.qualified(self.database),
            "raw_code": parts.raw_code,
            "doc_blocks": doc_ids(&documentation.description.docs),
        })
    }

    /// Returns dbt's checksum of a seed file: of its text, or its path if the file is large or unreadable.
    fn file_checksum(&self, seed: &Seed) -> Value {
        let file = self.project.root.join(seed.location());
        let is_small = std::fs::metadata(&file).is_ok_and(|metadata| metadata.len() <= LARGE);
        match is_small.then(|| std::fs::read_to_string(&file)) {
            Some(Ok(text)) => {
                let text = text.replace("\r\n", "\n");
                json!({ "name": "sha256", "checksum": hex(&Sha256::digest(text.trim().as_bytes())) })
            }
            _ => json!({ "name": "path", "checksum": seed.path() }),
        }
    }

    /// Returns the primary key as dbt infers it: a declared primary key, otherwise columns that are tested to
    /// be unique, preferably those also tested to be not null.
    fn primary_key(&self, model: &Model) -> Vec<String> {
        let is_key = |kind: ConstraintKind| kind == ConstraintKind::PrimaryKey;
        if let Some(key) = model.constraints.iter().find(|constraint| is_key(constraint.kind.value)) {
            return key.columns.iter().map(|column| column.value.clone()).collect();
        }
        let columns = model.columns.iter();
        let mut keys = columns.filter(|column| column.constraints.iter().any(|it| is_key(it.kind.value)));
        if let Some(column) = keys.next() {
            return vec![column.name.value.clone()];
        }
        let (mut unique, mut not_null) = (BTreeSet::new(), BTreeSet::new());
        let tests =
            self.manifest.tests_of(&model.id).filter(|test| test.attached.as_ref() == Some(&model.id));
        for generic in tests.filter_map(|test| test.generic.as_ref()) {
            let column = generic.arguments.get("column_name").and_then(Value::as_str);
            let combination = generic.arguments.get("combination_of_columns").and_then(Value::as_array);
            match generic.test.as_str() {
                "unique" => unique.extend(column.map(str::to_owned)),
                "not_null" => not_null.extend(column.map(str::to_owned)),
                "unique_combination_of_columns" => {
                    let names = combination.into_iter().flatten().filter_map(Value::as_str);
                    unique.extend(names.map(str::to_owned));
                }
                _ => {}
            }
        }
        let both: Vec<String> = unique.intersection(&not_null).cloned().collect();
        if both.is_empty() { unique.into_iter().collect() } else { both }
    }
}

/// Removes the settings of a snapshot that come from `target_schema` and `target_database`.
fn as_written(mut settings: Map<String, Value>) -> Map<String, Value> {
    for (old, new) in [("target_schema", "schema"), ("target_database", "database")] {
        if settings.contains_key(old) {
            settings.remove(new);
        }
    }
    settings
}
