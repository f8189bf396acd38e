//! Data tests and unit tests.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Contents, config, hex,
    node::{checksum, contract, joined},
};
use crate::{
    manifest::{DataTest, UnitTest},
    name::{NodeId, NodeKind},
    parse::{Generic, TestSubject, python_repr},
    project::{RowsDecl, RowsText, Yaml},
    text::Spanned,
};

impl Contents<'_> {
    /// Returns the entry of a data test.
    pub(super) fn data_test(&self, test: &DataTest) -> Value {
        let config = config::data_test(&test.config.all);
        let path = match test.generic {
            Some(_) => format!("{}.sql", test.file_stem),
            None => self.inside(test.id.package(), test.path()).to_owned(),
        };
        let sum = match test.generic {
            Some(_) => json!({ "name": "none", "checksum": "" }),
            None => checksum(test.template.text()),
        };
        let sql = self.compiled.tests.get(&test.id).map(|compiled| compiled.probe.sql.as_str());
        let node = json!({
            "database": self.database,
            "schema": test.audit.schema,
            "name": test.name,
            "resource_type": "test",
            "package_name": test.id.package(),
            "path": path,
            "original_file_path": test.path(),
            "unique_id": test.id,
            "fqn": test.fqn,
            "alias": test.audit.name,
            "checksum": sum,
            "config": config,
            "tags": test.config.tags,
            "description": test.description,
            "columns": {},
            "meta": config["meta"],
            "group": self.group(test).unwrap_or_else(|| config["group"].clone()),
            "docs": { "show": true, "node_color": null },
            "patch_path": null,
            "build_path": null,
            "unrendered_config": test.config.all,
            "created_at": self.created_at(),
            "relation_name": test.config.store_failures.then(|| test.audit.qualified(self.database)),
            "raw_code": raw_code(test),
            "doc_blocks": [],
        });
        joined([
            node,
            self.calls(&test.id, &test.calls),
            self.compiled(&test.id, test.compiled_path().display(), sql),
            json!({ "contract": contract(false, &Value::Null) }),
            test.generic.as_ref().map(|generic| metadata(generic, test)).unwrap_or_default(),
        ])
    }

    /// Returns the group of a generic test: that of the model it is declared on.
    fn group(&self, test: &DataTest) -> Option<Value> {
        let model = self.manifest.refable(test.attached.as_ref()?)?;
        model.config.all.get("group").cloned()
    }

    /// Returns the entry of a unit test.
    pub(super) fn unit_test(&self, test: &UnitTest) -> Value {
        let declared = &test.declared;
        let given: Vec<Value> = declared
            .given
            .iter()
            .map(|given| joined([json!({ "input": given.input.value }), rows(&given.rows)]))
            .collect();
        let overrides = &declared.overrides;
        let has_overrides =
            !(overrides.macros.is_empty() && overrides.vars.is_empty() && overrides.env_vars.is_empty());
        let overrides = has_overrides.then(|| {
            json!({
                "macros": entries(&overrides.macros),
                "vars": entries(&overrides.vars),
                "env_vars": entries(&overrides.env_vars),
            })
        });
        let expect = rows(&declared.expect);
        let shape = json!([declared.model.value, given, expect, overrides]).to_string();
        let path = declared.span.source.package_path();
        json!({
            "model": declared.model.value,
            "given": given,
            "expect": expect,
            "name": test.name,
            "resource_type": "unit_test",
            "package_name": test.id.package(),
            "path": self.inside(test.id.package(), path),
            "original_file_path": path,
            "unique_id": test.id,
            "fqn": test.fqn,
            "description": test.description,
            "overrides": overrides,
            "depends_on": { "macros": [], "nodes": [test.model] },
            "config": config::unit_test(&test.config),
            "checksum": hex(&Sha256::digest(shape.as_bytes())),
            "schema": self.manifest.model(&test.model).map(|model| &model.relation.schema),
            "created_at": self.created_at(),
            "versions": null,
            "version": null,
        })
    }
}

/// The settings that dbt writes into the template of a generic test.
const IN_TEMPLATE: [&str; 14] = [
    "severity",
    "tags",
    "enabled",
    "where",
    "limit",
    "warn_if",
    "error_if",
    "fail_calc",
    "store_failures",
    "store_failures_as",
    "meta",
    "database",
    "schema",
    "alias",
];

/// The template of a test; that of a generic test is the call that dbt generates.
fn raw_code(test: &DataTest) -> String {
    let Some(generic) = &test.generic else { return test.template.text().trim().to_owned() };
    let package = generic.namespace.as_ref().map(|package| format!("{package}.")).unwrap_or_default();
    let settings = IN_TEMPLATE.iter().filter_map(|key| Some((key, test.config.all.get(*key)?)));
    let settings = settings.filter(|(_, value)| !value.is_null()).map(|(key, value)| match value {
        Value::String(words) => format!("{key}=\"{}\"", words.replace('"', "\\\"")),
        other => format!("{key}={}", python_repr(other)),
    });
    let settings = settings.collect::<Vec<_>>().join(",");
    let config = if settings.is_empty() { settings } else { format!("{{{{ config({settings}) }}}}") };
    format!("{{{{ {package}test_{}(**_dbt_generic_test_kwargs) }}}}{config}", generic.test)
}

/// The metadata of a generic test.
fn metadata(generic: &Generic, test: &DataTest) -> Value {
    let key = match &generic.subject {
        TestSubject::Model(name) => {
            let kind = test.attached.as_ref().map_or(NodeKind::Model, NodeId::kind);
            format!("{kind}s.{name}")
        }
        TestSubject::Version(name, _) => format!("models.{name}"),
        TestSubject::Source(source, _) => format!("sources.{source}"),
    };
    let mut kwargs = generic.arguments.clone();
    kwargs.insert("model".to_owned(), generic.subject.model_argument().into());
    let is_model = test.attached.as_ref().is_some_and(|id| id.kind() != NodeKind::Source);
    json!({
        "column_name": generic.column.as_ref().map(|column| &column.value),
        "file_key_name": key,
        "attached_node": test.attached.as_ref().filter(|_| is_model),
        "test_metadata": { "name": generic.test, "kwargs": kwargs, "namespace": generic.namespace },
    })
}

/// Fixture rows with their format.
fn rows(declared: &RowsDecl) -> Value {
    let (rows, format) = match &declared.rows {
        RowsText::Absent => (json!([]), "dict"),
        RowsText::Dict(rows) => (rows.iter().map(Yaml::to_json).collect::<Vec<_>>().into(), "dict"),
        RowsText::Csv(text) => (csv_rows(text.text()), "csv"),
        RowsText::Sql(text) => (Value::from(text.text()), "sql"),
    };
    json!({ "rows": rows, "format": format, "fixture": null })
}

/// Parses CSV rows as dbt does: one mapping per row, with null for empty cells.
fn csv_rows(text: &str) -> Value {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let row = |record: csv::StringRecord| {
        let cells = header.iter().zip(record.iter());
        let cell = |(name, text): (&str, &str)| {
            (name.to_owned(), if text.is_empty() { Value::Null } else { text.into() })
        };
        Value::Object(cells.map(cell).collect())
    };
    reader.records().filter_map(Result::ok).map(row).collect::<Vec<_>>().into()
}

fn entries(written: &[(Spanned<String>, Yaml)]) -> Map<String, Value> {
    written.iter().map(|(key, value)| (key.value.clone(), value.to_json())).collect()
}
