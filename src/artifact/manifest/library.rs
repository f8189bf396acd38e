//! Macros, documentation blocks and groups.

use serde_json::{Map, Value, json};

use super::{Contents, source::owner};
use crate::manifest::Macro;

/// The package of dbt's own macros, which Headwater's builtin macros replace.
const BUILTIN: &str = "dbt";

impl Contents<'_> {
    /// Returns the macros by id.
    pub(super) fn macros(&self) -> Value {
        let entry = |one: &Macro| (self.macro_id(one), self.one_macro(one));
        self.manifest.library.macros.values().map(entry).collect::<Map<_, _>>().into()
    }

    /// `macro.<package>.<name>`
    pub(super) fn macro_id(&self, one: &Macro) -> String {
        format!("macro.{}.{}", self.package(one), one.name)
    }

    fn package(&self, one: &Macro) -> &str {
        if one.is_builtin { BUILTIN } else { &self.manifest.project }
    }

    fn one_macro(&self, one: &Macro) -> Value {
        let docs = json!({ "show": true, "node_color": null });
        let arguments: Vec<Value> = one
            .arguments
            .iter()
            .map(|it| json!({ "name": it.name, "type": it.data_type, "description": it.description }))
            .collect();
        let languages = one.name.starts_with("materialization_").then_some(["sql"]);
        json!({
            "name": one.name,
            "resource_type": "macro",
            "package_name": self.package(one),
            "path": one.file.path(),
            "original_file_path": one.file.path(),
            "unique_id": self.macro_id(one),
            "macro_sql": one.text,
            "depends_on": { "macros": self.macro_ids(&one.calls) },
            "description": one.description,
            "meta": one.meta,
            "docs": docs,
            "config": { "meta": one.meta, "docs": docs },
            "patch_path": self.patch_path(one.declared.as_ref()),
            "arguments": arguments,
            "created_at": self.created_at(),
            "supported_languages": languages,
        })
    }

    /// Returns the documentation blocks by id.
    pub(super) fn docs(&self) -> Value {
        let docs = self.manifest.library.docs.values().map(|doc| {
            let id = format!("doc.{}.{}", self.manifest.project, doc.name);
            let path = doc.declared.source.path();
            let inside = path.strip_prefix(&doc.root_path).map_or(path, |rest| rest.trim_start_matches('/'));
            let value = json!({
                "name": doc.name,
                "resource_type": "doc",
                "package_name": self.manifest.project,
                "path": inside,
                "original_file_path": path,
                "unique_id": id,
                "block_contents": doc.text,
            });
            (id, value)
        });
        docs.collect::<Map<_, _>>().into()
    }

    /// Returns the groups by id.
    pub(super) fn groups(&self) -> Value {
        let groups = self.manifest.library.groups.values().map(|group| {
            let id = format!("group.{}.{}", self.manifest.project, group.name);
            let path = group.span.source.path();
            let value = json!({
                "name": group.name,
                "resource_type": "group",
                "package_name": self.manifest.project,
                "path": self.inside(path),
                "original_file_path": path,
                "unique_id": id,
                "owner": owner(&group.owner),
                "description": Some(&group.description).filter(|text| !text.is_empty()),
                "config": { "meta": group.meta },
            });
            (id, value)
        });
        groups.collect::<Map<_, _>>().into()
    }
}
