//! Downloads: `http:`, `https:` and `file:` addresses, with a cache.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// The timeout of one attempt.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The delays before further attempts.
const RETRIES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// The largest file that is downloaded.
const LARGEST: u64 = 1 << 30;

/// Reads the file at an address; anything without a scheme is a path below `root`.
pub(super) fn read(address: &str, root: &Path) -> io::Result<Vec<u8>> {
    if let Some(path) = address.strip_prefix("file://") {
        return fs::read(path);
    }
    if !address.starts_with("http://") && !address.starts_with("https://") {
        return fs::read(root.join(address));
    }
    let mut result = get(address);
    for delay in RETRIES {
        if result.as_ref().map_or_else(|(_, is_final)| *is_final, |_| true) {
            break;
        }
        thread::sleep(delay);
        result = get(address);
    }
    result.map_err(|(error, _)| error)
}

/// Sends one request. An error says whether another attempt would end the same way.
fn get(address: &str) -> Result<Vec<u8>, (io::Error, bool)> {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into();
    let response = agent.get(address).call().map_err(|error| {
        let is_final = matches!(error, ureq::Error::StatusCode(400..=499) | ureq::Error::HostNotFound);
        (io::Error::other(error), is_final)
    })?;
    let mut bytes = Vec::new();
    let mut body = response.into_body().into_reader().take(LARGEST + 1);
    body.read_to_end(&mut bytes).map_err(|error| (error, false))?;
    if bytes.len() as u64 > LARGEST {
        return Err((io::Error::other("it is larger than 1 GB"), true));
    }
    Ok(bytes)
}

/// Reads a file at an address and keeps it at a path of the cache. Reads it from there without asking, if it
/// never changes; or else if it can't be reached.
pub(super) fn cached(
    address: &str,
    root: &Path,
    kept: Option<&PathBuf>,
    never_changes: bool,
) -> io::Result<Vec<u8>> {
    let stored = || fs::read(kept?).ok();
    if never_changes && let Some(bytes) = stored() {
        return Ok(bytes);
    }
    match read(address, root) {
        Ok(bytes) => {
            if let Some(path) = kept {
                // Without a cache, the file is downloaded again.
                let _ = keep(path, &bytes);
            }
            Ok(bytes)
        }
        Err(error) => stored().ok_or(error),
    }
}

/// Writes a file of the cache in one step.
fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let new = folder.join(format!(".{}", uuid::Uuid::new_v4().simple()));
    fs::write(&new, bytes)?;
    fs::rename(new, path)
}
