//! Schema inference for text files without declared columns: reads rows without keeping them.
//!
//! A file that breaks somewhere is ignored, as when it is loaded. `observed` merges the columns of rows.
//! Start at [`infer`].

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use datafusion::error::DataFusionError;
use futures::future::try_join_all;
use tokio::runtime::Handle;

use super::{
    broken::{Broken, CUT, EMPTY},
    document::Frame,
    format::TextFormat,
    inferred::InferredColumns,
    observed::{ObservedColumns, ObservedFile},
    pace::ReadSizes,
    sniff::{self, HEAD},
    whole,
    window::FileWindow,
};
use crate::{
    local_file,
    source::{
        decode::{self, Text, not_text, wide},
        file::SourceFile,
        hive::{self, Folders},
        json::{Cursor, JsonStop},
        undecodable,
        unreadable::UnreadableSource,
    },
};

/// The thoroughness of the inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InferenceDepth {
    /// Read a sample of them, which is quick but must be verified when all rows are read.
    Sample,
    /// Read every row of every file.
    All,
    /// Read every row of every file, and collect details for people.
    Detailed,
}

/// The minimum number of bytes in a sample; smaller inputs are read completely.
const SAMPLE: u64 = 8 << 20;
/// The inverse of a sample's minimum share of all bytes.
const SHARE: u64 = 32;
/// The minimum number of bytes to read from each file in a sample.
const BEGINNING: u64 = 1 << 20;

/// Selects a sample of files, spread evenly, and the number of bytes to read from each. Selects everything if
/// there is little data.
fn sample(files: Vec<SourceFile>) -> (Vec<SourceFile>, Option<u64>) {
    let total: u64 = files.iter().map(cost).sum();
    let budget = SAMPLE.max(total / SHARE);
    if total <= budget {
        return (files, None);
    }
    let count = files.len();
    let average = total / count as u64;
    // Large files are read only in part, which leaves room for more of them.
    let wanted = usize::try_from(budget / average.min(BEGINNING)).unwrap_or(count).clamp(1, count);
    let limit = (budget / wanted as u64).max(BEGINNING);
    let files = files.into_iter().enumerate();
    // Take the first file of each of `wanted` equal runs.
    let is_first = |at: usize| at == 0 || at * wanted / count != (at - 1) * wanted / count;
    (files.filter(|(at, _)| is_first(*at)).map(|(_, file)| file).collect(), Some(limit))
}

/// Infers the columns of `files` on `threads` threads.
pub(in crate::source) async fn infer(
    format: TextFormat,
    files: Vec<SourceFile>,
    threads: usize,
    look: InferenceDepth,
) -> Result<InferredColumns, DataFusionError> {
    let (files, limit) = if look == InferenceDepth::Sample { sample(files) } else { (files, None) };
    let is_detailed = look == InferenceDepth::Detailed;
    let total: u64 = files.iter().map(cost).sum();
    let mut shares: Vec<Vec<SourceFile>> = vec![Vec::new(); threads.max(1)];
    let mut before = 0;
    for file in files {
        let to = usize::try_from(before * shares.len() as u64 / total.max(1)).unwrap_or(0);
        before += cost(&file);
        let last = shares.len() - 1;
        shares[to.min(last)].push(file);
    }
    let format = Arc::new(format);
    // Dropping the future must stop these threads.
    let stop = Arc::new(Stopper(AtomicBool::new(false)));
    let shares = shares.into_iter().filter(|files| !files.is_empty()).map(|files| {
        let (format, stop, runtime) = (Arc::clone(&format), Arc::clone(&stop), Handle::current());
        tokio::task::spawn_blocking(move || {
            let looking = FileInference { format: &format, is_detailed, limit, runtime: &runtime };
            share(looking, &files, &stop)
        })
    });
    let guard = Guard(Arc::clone(&stop));
    let shares = try_join_all(shares).await.map_err(|error| DataFusionError::External(Box::new(error)))?;
    drop(guard);
    let mut all = ObservedColumns::default();
    for share in shares {
        all.merge(share?);
    }
    Ok(InferredColumns { is_sample: limit.is_some(), ..all.found() })
}

fn cost(file: &SourceFile) -> u64 {
    file.size + 4096
}

#[derive(Debug)]
struct Stopper(AtomicBool);

struct Guard(Arc<Stopper>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

fn share(
    looking: FileInference<'_>,
    files: &[SourceFile],
    stop: &Stopper,
) -> Result<ObservedColumns, DataFusionError> {
    let mut all = ObservedColumns::default();
    let mut bytes = Vec::new();
    for file in files {
        if stop.0.load(Ordering::Relaxed) {
            break;
        }
        let found = looking.file(file, &mut bytes).map_err(|error| {
            let help = local_file::help(&error);
            UnreadableSource::error(format!("{}: can't be read: {error}\n  hint: {help}", file.name))
        })?;
        match found {
            Ok(mut columns) => {
                columns.supply(hive::pairs(&file.name), looking.is_detailed);
                all.merge(columns);
            }
            Err(broken) => {
                all.merge(ObservedColumns::broken(Arc::clone(&file.name), broken.reason));
            }
        }
    }
    Ok(all)
}

#[derive(Clone, Copy)]
struct FileInference<'a> {
    format: &'a TextFormat,
    is_detailed: bool,
    /// The number of bytes to read from each file.
    limit: Option<u64>,
    runtime: &'a Handle,
}

impl FileInference<'_> {
    fn file(&self, file: &SourceFile, bytes: &mut Vec<u8>) -> io::Result<Result<ObservedColumns, Broken>> {
        let pace = ReadSizes::default();
        let options = self.format.text;
        let unread = |error: io::Error| match undecodable::reason(&error) {
            Some(reason) => Ok(Err(Broken { offset: 0, reason: reason.to_owned(), is_header: false })),
            None => Err(error),
        };
        if file.size <= pace.whole.min(self.limit.unwrap_or(u64::MAX)) {
            match decode::read(file, options, 4 * pace.whole, bytes, self.runtime) {
                Ok(true) => return Ok(self.whole(bytes)),
                Ok(false) => {}
                Err(error) => return unread(error),
            }
        }
        match decode::open(file, options, HEAD, self.runtime) {
            Ok(text) => self.windows(text, pace),
            Err(error) => unread(error),
        }
    }

    fn whole(&self, bytes: &[u8]) -> Result<ObservedColumns, Broken> {
        let broken = |at: usize, reason: String| Broken::new(bytes, at, 0, 0, reason);
        if bytes.is_empty() {
            return Err(broken(0, EMPTY.to_owned()));
        }
        if let Some(reason) = wide(bytes) {
            return Err(broken(0, reason));
        }
        let (text, is_whole) = whole::text(bytes);
        let format = sniff::resolve(self.format, &Folders::default(), text, is_whole)
            .map_err(|reason| broken(0, reason))?;
        let mut look = ObservedFile::new(&format, self.is_detailed);
        let mut cursor = Cursor::new(text, is_whole);
        match Frame::new(&format, format.names.len()).walk(&mut cursor, &mut look) {
            Ok(()) => Ok(look.columns()),
            Err(JsonStop::End) if !is_whole => Err(broken(text.len(), not_text(bytes))),
            Err(JsonStop::End) => Err(broken(bytes.len(), CUT.to_owned())),
            Err(JsonStop::Broken(at, reason)) => Err(broken(at, reason)),
        }
    }

    fn windows(&self, text: Text<'_>, pace: ReadSizes) -> io::Result<Result<ObservedColumns, Broken>> {
        let format =
            match sniff::resolve(self.format, &Folders::default(), sniff::beginning(&text.head), false) {
                Ok(format) => format,
                Err(reason) => return Ok(Err(Broken { offset: 0, reason, is_header: false })),
            };
        let mut look = ObservedFile::new(&format, self.is_detailed);
        let mut frame = Frame::new(&format, format.names.len());
        let mut window = FileWindow::new(text.reader(), pace);
        let mut used = 0;
        loop {
            if let Err(broken) = window.advance(used)? {
                return Ok(Err(broken));
            }
            let (text, last) = window.text();
            let mut cursor = Cursor::new(text, last);
            match frame.walk(&mut cursor, &mut look) {
                Ok(()) => return Ok(Ok(look.columns())),
                Err(JsonStop::Broken(at, reason)) => return Ok(Err(window.broken(at, reason))),
                Err(JsonStop::End) => used = cursor.at,
            }
            if self.limit.is_some_and(|limit| window.base() + used as u64 >= limit) && look.is_telling() {
                return Ok(Ok(look.columns()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::file::FilePlace;

    fn files(count: usize, size: u64) -> Vec<SourceFile> {
        let file = |at: usize| SourceFile {
            name: format!("{at:06}").into(),
            size,
            modified: chrono::DateTime::UNIX_EPOCH,
            place: FilePlace::Local(std::path::PathBuf::new()),
        };
        (0..count).map(file).collect()
    }

    #[test]
    fn few_bytes_are_looked_at_whole_and_many_in_a_spread_sample() {
        assert_eq!(sample(files(1000, 4096)).1, None);
        for (count, size) in
            [(10_000, 4_500), (100_000, 20_000), (5_000, 50 << 20), (1, 5 << 30), (3, 40 << 20)]
        {
            let total = count as u64 * (size + 4096);
            let (some, limit) = sample(files(count, size));
            let limit = limit.unwrap();
            let looked: u64 = some.iter().map(|file| cost(file).min(limit)).sum();
            assert!(looked <= (total / 16).max(16 << 20), "{count} files of {size} bytes: {looked}");
            assert!(looked >= (total / 64).min(SAMPLE / 2), "{count} files of {size} bytes: {looked}");
            assert_eq!(&*some[0].name, "000000");
            let last: usize = some[some.len() - 1].name.parse().unwrap();
            assert!(
                last + count.div_ceil(some.len()) + 1 >= count,
                "the sample is spread: {last} of {count}"
            );
        }
    }
}
