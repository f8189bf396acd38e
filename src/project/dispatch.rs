//! `dispatch:`: the packages in which `adapter.dispatch` looks for a macro's implementations.

use std::collections::BTreeMap;

use super::{keys, reader::YamlReader};
use crate::diag::Diagnostic;

/// Reads the section: for each namespace, the packages in order of preference.
pub(super) fn read(reader: &mut YamlReader<'_, '_>) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for item in reader.list("dispatch") {
        let Some(mut entry) = YamlReader::new(&keys::DISPATCH, item, reader.diagnostics()) else {
            continue;
        };
        let namespace = entry.required("macro_namespace");
        let order = entry.needed("search_order").and_then(|_| entry.strings("search_order"));
        entry.finish(None);
        let (Some(namespace), Some(order)) = (namespace, order) else { continue };
        let order = order.into_iter().map(|package| package.value).collect();
        if all.insert(namespace.value.clone(), order).is_some() {
            let message = format!("the namespace `{}` has two search orders", namespace.value);
            let found = Diagnostic::error("duplicate-key", message).at(namespace.span, "here again");
            reader.diagnostics().push(found);
        }
    }
    all
}
