//! Source files: lists the files at a location, and reads their bytes.
//!
//! - here: the files, and those in object stores
//! - [`local_files`]: the listing of local disks
//! - `file_fit`: which files of a folder belong to a source
//!
//! Local files are read with `std::fs`, which is several times faster for many small files. URLs go through
//! the object store that the session has registered for them.

use std::sync::Arc;

use datafusion::{catalog::Session, datasource::listing::ListingTableUrl, error::DataFusionError};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::{
    disk::on_disk,
    file::{FilePlace, Listing, SourceFile},
    file_fit::{FileFit, fit, is_hidden},
    local_files,
    spec::SourceSpec,
    unreadable::UnreadableSource,
};

/// Lists a source's files, sorted by name.
///
/// # Errors
/// If there are none, or if they can't be listed.
pub(crate) async fn list(
    spec: &SourceSpec,
    session: &dyn Session,
) -> Result<Vec<SourceFile>, DataFusionError> {
    let Listing { files, .. } = listing(spec, session).await?;
    if files.is_empty() {
        let (name, location) = (&spec.name, &spec.location);
        let base = if is_url(location) { String::new() } else { format!(" under {}", spec.base.display()) };
        return Err(DataFusionError::Plan(format!("{name}: no file matches `{location}`{base}")));
    }
    Ok(files)
}

/// Lists a source's files, possibly none, and those that are skipped.
pub(crate) async fn listing(spec: &SourceSpec, session: &dyn Session) -> Result<Listing, DataFusionError> {
    if is_url(&spec.location) {
        return Ok(remote(spec, session).await?.sorted());
    }
    let spec = spec.clone();
    on_disk(move || local_listing(&spec).map_err(UnreadableSource::error)).await
}

/// The same of a source on a local disk.
pub(super) fn local_listing(spec: &SourceSpec) -> Result<Listing, String> {
    Ok(local_files::list(spec)?.sorted())
}

/// Returns whether a location is a URL rather than a path.
pub(crate) fn is_url(location: &str) -> bool {
    location.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

async fn remote(spec: &SourceSpec, session: &dyn Session) -> Result<Listing, DataFusionError> {
    let (directory, pattern) = split_pattern(&spec.location);
    let location = ListingTableUrl::parse(directory)?;
    let url = location.object_store();
    let store = session.runtime_env().object_store(&url).map_err(|_| {
        let scheme = spec.location.split("://").next().unwrap_or_default();
        DataFusionError::Plan(format!(
            "{}: files can't be read from a `{scheme}:` location; copy them to a local disk, and give the path",
            spec.name
        ))
    })?;
    let prefix = location.prefix();
    let metas: Vec<ObjectMeta> = match store.head(prefix).await {
        Ok(meta) if pattern.is_none() => vec![meta],
        Ok(_) | Err(object_store::Error::NotFound { .. }) => store.list(Some(prefix)).try_collect().await?,
        // Some stores return an error from `head` on a directory.
        Err(_) if pattern.is_some() || directory.ends_with('/') => {
            store.list(Some(prefix)).try_collect().await?
        }
        Err(error) => return Err(error.into()),
    };
    let pattern = pattern.map(glob::Pattern::new).transpose();
    let pattern = pattern.map_err(|error| DataFusionError::Plan(format!("{}: {error}", spec.name)))?;
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
    let alone = metas.len() == 1 && metas[0].location == *prefix;
    let mut listing = Listing::default();
    for meta in metas {
        let below =
            meta.location.as_ref().strip_prefix(prefix.as_ref()).unwrap_or_default().trim_start_matches('/');
        let fit = match &pattern {
            Some(pattern) if pattern.matches_with(below, options) => FileFit::Read,
            Some(_) => FileFit::Silent,
            None if alone => FileFit::Read,
            None if below.split('/').any(is_hidden) => FileFit::Silent,
            None => fit(below, &spec.format),
        };
        let name = format!("{}{}", url.as_str(), meta.location);
        match fit {
            FileFit::Silent => {}
            FileFit::LeftOut => listing.left_out.push(name),
            FileFit::Read => listing.files.push(SourceFile {
                name: name.into(),
                size: meta.size,
                modified: meta.last_modified,
                place: FilePlace::Remote {
                    url: url.clone(),
                    store: Arc::clone(&store),
                    meta: Box::new(meta),
                },
            }),
        }
    }
    Ok(listing)
}

/// Splits a URL before its first segment with a wildcard.
fn split_pattern(location: &str) -> (&str, Option<&str>) {
    match location.find(['*', '?', '[']).and_then(|at| location[..at].rfind('/')) {
        Some(slash) => (&location[..=slash], Some(&location[slash + 1..])),
        None => (location, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_paths() {
        assert!(
            is_url("s3://bucket/x") && is_url("memory://x") && !is_url("data/*.json") && !is_url("a b://c")
        );
    }
}
