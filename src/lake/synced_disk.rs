//! The local disk with log entries that survive a power cut. The store of `object_store` (0.13.2) syncs
//! nothing: after a power cut, a commit can be there without its content, or without its data files.
//!
//! The order is that of a database: data files and their folders are synced first ([`sync`]), side by side,
//! when their version is published; then the entry is written, synced, and only then given its name; then its
//! folder is synced. The same holds for everything else in a log, and for the lake's own records. Data files
//! of versions that are never published aren't synced.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
    local::LocalFileSystem, path::Path,
};

use super::layout::{LOG, OWN};
use crate::local_file;

/// The number of files to sync concurrently, because a disk flushes many in one go.
const SYNCS: usize = 32;

/// See the module documentation.
#[derive(Debug)]
pub(super) struct SyncedDisk {
    below: Arc<dyn ObjectStore>,
}

impl SyncedDisk {
    /// Creates the store on top of that of the whole disk.
    pub(super) fn new(below: Arc<dyn ObjectStore>) -> Self {
        Self { below }
    }
}

/// Returns whether a file is synced as soon as it is written.
fn is_synced(location: &Path) -> bool {
    location.parts().any(|part| part.as_ref() == LOG || part.as_ref() == OWN)
}

/// Syncs these files and then their folders, up to but without `root`, and the folders `above`.
pub(super) async fn sync(files: Vec<PathBuf>, root: &FilePath, above: Vec<PathBuf>) -> io::Result<()> {
    let below = |file: &PathBuf| {
        let folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
        folders.map(FilePath::to_owned).collect::<Vec<_>>()
    };
    let folders: BTreeSet<PathBuf> = files.iter().flat_map(below).chain(above).collect();
    side_by_side(files, sync_file).await?;
    side_by_side(folders, sync_folder).await
}

async fn side_by_side(
    paths: impl IntoIterator<Item = PathBuf>,
    sync: fn(&FilePath) -> io::Result<()>,
) -> io::Result<()> {
    let one = |path: PathBuf| async move { tokio::task::spawn_blocking(move || sync(&path)).await? };
    stream::iter(paths).map(|path| Ok(one(path))).try_buffer_unordered(SYNCS).try_collect().await
}

/// Syncs a file's content to the disk.
pub(super) fn sync_file(path: &FilePath) -> io::Result<()> {
    // Windows syncs only files that are open for writing.
    let file = OpenOptions::new().read(true).write(cfg!(windows)).open(path);
    file.and_then(|file| file.sync_all()).map_err(|error| at(path, &error))
}

/// Syncs the names in a folder to the disk, where the system can.
pub(super) fn sync_folder(path: &FilePath) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    match File::open(path).and_then(|folder| folder.sync_all()) {
        // Some network file systems can't, and a folder that may be written but not read can't be opened.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        synced => synced.map_err(|error| at(path, &error)),
    }
}

/// Creates a folder and those above it, and syncs their names.
pub(super) fn create_folder(path: &FilePath) -> io::Result<()> {
    let missing: Vec<&FilePath> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(path)?;
    missing.into_iter().filter_map(FilePath::parent).try_for_each(sync_folder)
}

/// Adds the path to an error.
fn at(path: &FilePath, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Writes a file under a temporary name, syncs it, gives it its name, and syncs its folder.
fn put(path: &FilePath, payload: &PutPayload, mode: &PutMode) -> io::Result<()> {
    let (mut file, temporary) = create_temporary(path)?;
    let written = payload.iter().try_for_each(|bytes| file.write_all(bytes)).and_then(|()| file.sync_all());
    drop(file);
    let named = written.and_then(|()| match mode {
        PutMode::Create => fs::hard_link(&temporary, path),
        PutMode::Overwrite | PutMode::Update(_) => fs::rename(&temporary, path),
    });
    // A rename has already moved it. If it can't be removed, readers don't see it, and a repair removes it.
    let _ = fs::remove_file(&temporary);
    named.map_err(|error| at(path, &error))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Creates a temporary file: the name with `#1`, or the next number that is free, as `object_store` names it.
fn create_temporary(path: &FilePath) -> io::Result<(File, PathBuf)> {
    let mut number = 1;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("#{number}"));
        let temporary = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
                Some(folder) => create_folder(folder)?,
                None => return Err(error),
            },
            Err(error) => return Err(at(path, &error)),
        }
    }
}

/// Fails for a pipe, a device or a socket, because reading one may never end. Other problems surface when the
/// file is read.
fn check_regular(path: &FilePath) -> io::Result<()> {
    let irregular = fs::metadata(path).ok().and_then(|metadata| local_file::irregular(&metadata));
    irregular.map_or(Ok(()), |kind| {
        let problem =
            format!("{} is {kind}, not a file: put the file in its place, or remove it", path.display());
        Err(io::Error::new(ErrorKind::InvalidInput, problem))
    })
}

/// Fails if an entry of a log leads nowhere: a store lists no such entry, and none can be written there.
fn check_links(folder: &FilePath) -> io::Result<()> {
    // Other problems with the folder surface when it is read.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if is_link && let Err(error) = fs::metadata(entry.path()) {
            let (problem, cure) = local_file::problem(&entry.path(), &error);
            let problem = format!("{} {problem}: {cure}", entry.path().display());
            return Err(io::Error::new(ErrorKind::InvalidInput, problem));
        }
    }
    Ok(())
}

/// Checks the folder of a log before it is listed.
fn checked(
    prefix: Option<&Path>,
    files: BoxStream<'static, Result<ObjectMeta>>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let log = prefix.filter(|prefix| prefix.filename() == Some(LOG)).cloned();
    let Some(log) = log else { return files };
    let check = async move {
        let folder = LocalFileSystem::new().path_to_filesystem(&log)?;
        blocking(&log, move || check_links(&folder)).await?;
        Ok::<_, Error>(files)
    };
    stream::once(check).try_flatten().boxed()
}

/// Runs a disk operation on the threads for blocking ones.
async fn blocking<T: Send + 'static>(
    location: &Path,
    operation: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(operation).await;
    done.map_err(io::Error::from).flatten().map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => {
            Error::AlreadyExists { path: location.to_string(), source: source.into() }
        }
        _ => store_error(source),
    })
}

/// Converts a disk error to a store error.
pub(super) fn store_error(error: io::Error) -> Error {
    Error::Generic { store: "LocalFileSystem", source: Box::new(error) }
}

impl fmt::Display for SyncedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.below)
    }
}

#[async_trait]
impl ObjectStore for SyncedDisk {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if !is_synced(location) || matches!(options.mode, PutMode::Update(_)) {
            return self.below.put_opts(location, payload, options).await;
        }
        let path = LocalFileSystem::new().path_to_filesystem(location)?;
        blocking(location, move || put(&path, &payload, &options.mode)).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.below.put_multipart_opts(location, options).await?;
        if !is_synced(location) {
            return Ok(upload);
        }
        let path = LocalFileSystem::new().path_to_filesystem(location)?;
        Ok(Box::new(SyncedUpload { below: upload, location: location.clone(), path }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let path = LocalFileSystem::new().path_to_filesystem(location)?;
        blocking(location, move || check_regular(&path)).await?;
        self.below.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.below.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        checked(prefix, self.below.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        checked(prefix, self.below.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.below.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.below.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.below.rename_opts(from, to, options).await
    }
}

/// A large file of a log, such as a checkpoint, that is synced before it gets its name.
#[derive(Debug)]
struct SyncedUpload {
    below: Box<dyn MultipartUpload>,
    location: Path,
    path: PathBuf,
}

#[async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.below.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let path = self.path.clone();
        // Syncing other writers' files too does no harm.
        let all = move || temporaries(&path).try_for_each(|temporary| sync_file(&temporary));
        blocking(&self.location, all).await?;
        let result = self.below.complete().await?;
        let folder = self.path.parent().map(FilePath::to_owned);
        blocking(&self.location, move || folder.map_or(Ok(()), |folder| sync_folder(&folder))).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.below.abort().await
    }
}

/// The temporary files of a file on a local disk: its name followed by `#1`, or `#2` if that exists, and so
/// on.
pub(super) fn temporaries(path: &FilePath) -> impl Iterator<Item = PathBuf> + use<> {
    let path = path.to_owned();
    (1..)
        .map(move |number| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!("#{number}"));
            PathBuf::from(name)
        })
        .take_while(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    fn disk() -> (tempfile::TempDir, SyncedDisk) {
        (tempfile::tempdir().unwrap(), SyncedDisk::new(Arc::new(LocalFileSystem::new())))
    }

    fn at(dir: &tempfile::TempDir, file: &str) -> Path {
        Path::from_absolute_path(dir.path().join(file)).unwrap()
    }

    fn names(folder: &FilePath) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn an_entry_is_created_once_and_leaves_no_temporary_file() {
        let (dir, disk) = disk();
        let entry = at(&dir, "main/t/_delta_log/0.json");
        let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        disk.put_opts(&entry, "one".into(), create()).await.unwrap();
        let again = disk.put_opts(&entry, "two".into(), create()).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
        assert_eq!(disk.get(&entry).await.unwrap().bytes().await.unwrap(), "one");
        disk.put(&entry, "three".into()).await.unwrap();
        assert_eq!(disk.get(&entry).await.unwrap().bytes().await.unwrap(), "three");
        assert_eq!(names(&dir.path().join("main/t/_delta_log")), ["0.json"]);
    }

    #[tokio::test]
    async fn another_writers_temporary_file_stays() {
        let (dir, disk) = disk();
        let log = dir.path().join("_delta_log");
        fs::create_dir(&log).unwrap();
        fs::write(log.join("0.json#1"), "theirs").unwrap();
        disk.put(&at(&dir, "_delta_log/0.json"), "mine".into()).await.unwrap();
        assert_eq!(names(&log), ["0.json", "0.json#1"]);
        assert_eq!(fs::read_to_string(log.join("0.json#1")).unwrap(), "theirs");
    }

    #[tokio::test]
    async fn a_checkpoint_in_parts_is_whole() {
        let (dir, disk) = disk();
        let checkpoint = at(&dir, "_delta_log/0.checkpoint.parquet");
        let mut upload = disk.put_multipart(&checkpoint).await.unwrap();
        for part in ["one", "two"] {
            upload.put_part(part.into()).await.unwrap();
        }
        upload.complete().await.unwrap();
        assert_eq!(disk.get(&checkpoint).await.unwrap().bytes().await.unwrap(), "onetwo");
        assert_eq!(names(&dir.path().join("_delta_log")), ["0.checkpoint.parquet"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_pipe_is_not_opened() {
        let (dir, disk) = disk();
        let made = std::process::Command::new("mkfifo").arg(dir.path().join("0.json")).status().unwrap();
        assert!(made.success());
        let error = disk.get(&at(&dir, "0.json")).await.unwrap_err().to_string();
        assert!(error.contains("0.json is a named pipe, not a file"), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_cant_be_synced_is_named() {
        let (dir, _) = disk();
        let files: Vec<PathBuf> = (0..100).map(|file| dir.path().join(format!("p={file}/part"))).collect();
        for file in &files {
            create_folder(file.parent().unwrap()).unwrap();
            fs::write(file, "rows").unwrap();
        }
        let above = vec![dir.path().to_owned()];
        sync(files.clone(), dir.path(), above.clone()).await.unwrap();
        fs::remove_file(&files[40]).unwrap();
        let error = sync(files, dir.path(), above).await.unwrap_err();
        assert!(error.kind() == ErrorKind::NotFound && error.to_string().contains("p=40/part"), "{error}");
    }
}
