//! A local lake as delta-rs sees it: a store of its own, with the schemas at its top level.
//!
//! delta-rs and its kernel decode listed paths twice, so that a `%` in a folder's name leads to the wrong
//! folder; they read `\` as `/`; and they resolve a symbolic link to its target only in some places. A mount
//! hides links and names that need encoding from them, and [`Mounted`] maps locations to the files. Delete
//! this once the kernel's storage handler encodes the paths it lists, and `try_parse_uri` keeps the URL it
//! was given.

use std::{fmt, path::Path as Folder, sync::Arc};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};
use url::Url;

use crate::secret::{concealed, scrubbed};

/// The URL scheme of mounts: one that delta-rs accepts without looking at the disk.
const SCHEME: &str = "memory://";

/// The escape character before the two hexadecimal digits of a byte that a URL would encode.
const ESCAPE: u8 = b'=';

/// The number of user-named folder levels below a lake's root: schema and table.
const NAMES: usize = 2;

/// The number of concurrent deletions.
const DELETIONS: usize = 8;

/// Returns the URL of a folder for delta-rs. The folder must be an absolute UTF-8 path. Each folder has a
/// different host, by which table readers tell stores apart.
pub(super) fn url(folder: &Folder) -> Option<Url> {
    Url::parse(&format!("{SCHEME}{}/", encode(folder.to_str()?.trim_end_matches('/')))).ok()
}

/// Encodes a name for delta-rs.
pub(super) fn encode(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("{}{byte:02X}", char::from(ESCAPE)),
    };
    name.bytes().map(byte).collect()
}

/// Decodes an encoded name.
pub(super) fn decode(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped =
            digits.filter(|_| *byte == ESCAPE).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Replaces mount URLs in a delta-rs message with paths on disk, and removes signatures from store URLs.
pub(super) fn unmounted(message: &str) -> String {
    let message = concealed(&scrubbed(message));
    let mut parts = message.split(SCHEME);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ends = |letter: char| letter.is_whitespace() || "\"'`,;)".contains(letter);
        let (url, rest) = part.split_at(part.find(ends).unwrap_or(part.len()));
        let (folder, below) = url.split_once('/').unwrap_or((url, ""));
        shown = format!("{shown}{}/{}{rest}", decode(folder), renamed(below, decode));
    }
    shown
}

/// Applies `rename` to the schema and table names in a location below a lake's root, and keeps the rest.
pub(super) fn renamed(below: &str, rename: fn(&str) -> String) -> String {
    let names = below.split('/').enumerate();
    let names = names.map(|(at, name)| if at < NAMES { rename(name) } else { name.to_owned() });
    names.collect::<Vec<_>>().join("/")
}

/// The store of a lake in a local folder.
#[derive(Debug, Clone)]
pub(super) struct Mounted {
    /// The store of the whole disk.
    disk: Arc<dyn ObjectStore>,
    folder: Path,
}

impl Mounted {
    /// Creates the store of a folder on top of the disk's store, or `None` unless the folder is an absolute
    /// UTF-8 path.
    pub(super) fn new(disk: Arc<dyn ObjectStore>, folder: &Folder) -> Option<Self> {
        Some(Self { disk, folder: Path::from_absolute_path(folder).ok()? })
    }

    /// Returns a location's path on the disk.
    fn on_disk(&self, location: &Path) -> Path {
        if location.as_ref().is_empty() {
            return self.folder.clone();
        }
        let below = renamed(location.as_ref(), decode);
        Path::parse(format!("{}/{below}", self.folder)).unwrap_or_else(|_| location.clone())
    }

    /// Maps entries listed on disk back to locations in the mount.
    fn listed(
        &self,
        prefix: Option<&Path>,
        found: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned().unwrap_or_default();
        let below = self.on_disk(&prefix);
        found
            .map_ok(move |meta| ObjectMeta { location: moved(&meta.location, &below, &prefix), ..meta })
            .boxed()
    }

    fn prefix_on_disk(&self, prefix: Option<&Path>) -> Path {
        prefix.map_or_else(|| self.folder.clone(), |prefix| self.on_disk(prefix))
    }
}

/// Moves a location from one prefix to another.
fn moved(location: &Path, from: &Path, to: &Path) -> Path {
    let rest = location.as_ref().strip_prefix(from.as_ref());
    let moved = rest.and_then(|rest| Path::parse(format!("{to}{rest}")).ok());
    moved.unwrap_or_else(|| location.clone())
}

impl fmt::Display for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.disk)
    }
}

#[async_trait]
impl ObjectStore for Mounted {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.disk.put_opts(&self.on_disk(location), payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.disk.put_multipart_opts(&self.on_disk(location), options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut found = self.disk.get_opts(&self.on_disk(location), options).await?;
        found.meta.location = location.clone();
        Ok(found)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let own = Arc::new(self.clone());
        let delete = move |location: Result<Path>| {
            let own = Arc::clone(&own);
            async move {
                let location = location?;
                own.disk.delete(&own.on_disk(&location)).await.map(|()| location)
            }
        };
        locations.map(delete).buffered(DELETIONS).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, self.disk.list(Some(&self.prefix_on_disk(prefix))))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let found = self.disk.list_with_offset(Some(&self.prefix_on_disk(prefix)), &self.on_disk(offset));
        // The kernel assumes that every store without a `file:` URL lists in sorted order.
        let found = self.listed(prefix, found);
        let sorted = async {
            let mut found: Vec<ObjectMeta> = found.try_collect().await?;
            found.sort_by(|a, b| a.location.cmp(&b.location));
            Ok::<_, Error>(stream::iter(found).map(Ok))
        };
        stream::once(sorted).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = &prefix.cloned().unwrap_or_default();
        let below = self.on_disk(prefix);
        let mut found = self.disk.list_with_delimiter(Some(&below)).await?;
        for folder in &mut found.common_prefixes {
            *folder = moved(folder, &below, prefix);
        }
        for object in &mut found.objects {
            object.location = moved(&object.location, &below, prefix);
        }
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.disk.copy_opts(&self.on_disk(from), &self.on_disk(to), options).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::local::LocalFileSystem;

    use super::*;

    #[tokio::test]
    async fn files_are_where_the_folder_is_whatever_its_name() {
        let disk = tempfile::tempdir().unwrap();
        for name in ["plain", "a%20b", "100%", r"a\b", "größe~7E#?[*]", "%2e%2e"] {
            let folder = disk.path().join(name).join("lake");
            let store = Mounted::new(Arc::new(LocalFileSystem::new()), &folder).unwrap();
            let table = Path::parse(format!("main/{}", encode(name))).unwrap();
            let file = Path::parse(format!("{table}/p=a%2520~25b/1.parquet")).unwrap();
            store.put(&file, "rows".into()).await.unwrap();
            assert_eq!(
                std::fs::read(folder.join("main").join(name).join("p=a%2520~25b/1.parquet")).unwrap(),
                b"rows",
                "{name}"
            );
            let found: Vec<ObjectMeta> = store.list(Some(&table)).try_collect().await.unwrap();
            assert_eq!(found[0].location, file, "{name}");
            assert_eq!(store.head(&file).await.unwrap().location, file, "{name}");
            let found = store.list_with_delimiter(Some(&table)).await.unwrap();
            assert_eq!(
                found.common_prefixes,
                [Path::parse(format!("{table}/p=a%2520~25b")).unwrap()],
                "{name}"
            );
            let url = format!("{}{table}", url(&folder).unwrap());
            let message = unmounted(&format!("can't read {url}/1.json, of {url}: why"));
            let shown = folder.join("main").join(name).display().to_string();
            assert_eq!(message, format!("can't read {shown}/1.json, of {shown}: why"));
            store.delete(&file).await.unwrap();
            assert!(!folder.join("main").join(name).join("p=a%2520~25b/1.parquet").exists(), "{name}");
        }
    }
}
