//! Keys that the items of properties files have in common: `config`, `tags` and `meta`.

use super::{config::ConfigPatch, reader::YamlReader, yaml::Yaml};
use crate::text::Spanned;

/// The hint for keys of the user's own.
pub(super) const META_HINT: &str = "data of your own belongs under `meta`";

/// Reads `config:`.
pub(super) fn config(reader: &mut YamlReader<'_, '_>) -> ConfigPatch {
    match reader.take("config") {
        Some(yaml) => ConfigPatch::read(yaml, reader.diagnostics()),
        None => ConfigPatch::default(),
    }
}

/// Reads the tags of the item itself and those under its `config:`.
pub(super) fn tags(reader: &mut YamlReader<'_, '_>) -> Vec<Spanned<String>> {
    let mut tags = reader.strings("tags").unwrap_or_default();
    if let Some(config) = reader.take("config")
        && let Some(more) = config.get("tags")
    {
        let more = super::reader::strings("tags", more, reader.diagnostics());
        tags.extend(more.unwrap_or_default());
    }
    tags
}

/// Reads the user's metadata. `config:` wins.
pub(super) fn meta(reader: &mut YamlReader<'_, '_>) -> Option<Yaml> {
    let own = reader.take("meta");
    let configured = reader.take("config").and_then(|config| config.get("meta"));
    configured.or(own).cloned()
}
