//! Macros, documentation blocks and groups.

use serde_json::{Map, Value, json};

use super::{Contents, macro_ids, patch_path, source::owner};
use crate::{manifest::Macro, name::PackageName};

impl Contents<'_> {
    /// Returns the macros by id.
    pub(super) fn macros(&self) -> Value {
        let macros = self.manifest.library.macros.iter();
        let entry =
            |(name, one): (&PackageName, &Macro)| (format!("macro.{name}"), self.one_macro(name, one));
        macros.map(entry).collect::<Map<_, _>>().into()
    }

    fn one_macro(&self, name: &PackageName, one: &Macro) -> Value {
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
            "package_name": &*name.package,
            "path": one.file.package_path(),
            "original_file_path": one.file.package_path(),
            "unique_id": format!("macro.{name}"),
            "macro_sql": one.text,
            "depends_on": { "macros": macro_ids(&one.calls) },
            "description": one.description,
            "meta": one.meta,
            "docs": docs,
            "config": { "meta": one.meta, "docs": docs },
            "patch_path": patch_path(&name.package, one.declared.as_ref()),
            "arguments": arguments,
            "created_at": self.created_at(),
            "supported_languages": languages,
        })
    }

    /// Returns the documentation blocks by id.
    pub(super) fn docs(&self) -> Value {
        let docs = self.manifest.library.docs.iter().map(|(name, doc)| {
            let id = format!("doc.{name}");
            let path = doc.declared.source.package_path();
            let inside = path.strip_prefix(&doc.root_path).map_or(path, |rest| rest.trim_start_matches('/'));
            let value = json!({
                "name": doc.name,
                "resource_type": "doc",
                "package_name": &*name.package,
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
        let groups = self.manifest.library.groups.iter().map(|(name, group)| {
            let id = format!("group.{name}");
            let path = group.span.source.package_path();
            let value = json!({
                "name": group.name,
                "resource_type": "group",
                "package_name": &*name.package,
                "path": self.inside(&name.package, path),
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
