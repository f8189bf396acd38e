//! The columns of text files of which none are declared: every row of every file is looked at, and none is kept.
//!
//! A file that breaks somewhere counts for nothing, as when it is loaded. Start at [`infer`].

use std::{
    borrow::Cow,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use datafusion::{arrow::datatypes::DataType, error::DataFusionError};
use futures::future::try_join_all;
use tokio::runtime::Handle;

use super::{
    document::{Format, Frame, Layout, Sink},
    json::{Cursor, Stop},
    pace::Pace,
    shape::{Shape, place},
    sniff::{self, HEAD},
    whole::{Broken, CUT, EMPTY},
    window::Window,
};
use crate::engine::source::{
    cell::unescape,
    decode::{self, Text, not_text, wide},
    files::SourceFile,
    hive::{self, Folders},
    names,
};

/// What was found in files.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The columns, in the order in which they come up.
    pub columns: Vec<FoundColumn>,
    /// Rows that have them.
    pub rows: u64,
    /// Files that were read.
    pub files: u64,
    /// Files that can't be read, with the reasons.
    pub broken: Vec<(Arc<str>, String)>,
}

/// A column that was found.
#[derive(Debug, Clone)]
pub struct FoundColumn {
    /// As the first file has it.
    pub name: String,
    /// The narrowest type that holds every value.
    pub data_type: DataType,
    /// Rows without a value.
    pub nulls: u64,
    /// Different values, about; zero unless they were asked for.
    pub distinct: u64,
    /// A few values, if they were asked for.
    pub examples: Vec<String>,
}

/// The columns of `files`, which are divided among `threads`; with `is_detailed`, what is only for people, too.
pub(in crate::engine::source) async fn infer(
    format: Format,
    files: Vec<SourceFile>,
    threads: usize,
    is_detailed: bool,
) -> Result<Found, DataFusionError> {
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
    // A future that is dropped must not leave threads behind that read for nobody.
    let stop = Arc::new(Stopper(AtomicBool::new(false)));
    let shares = shares.into_iter().filter(|files| !files.is_empty()).map(|files| {
        let (format, stop, runtime) = (Arc::clone(&format), Arc::clone(&stop), Handle::current());
        tokio::task::spawn_blocking(move || share(&format, &files, is_detailed, &stop, &runtime))
    });
    let guard = Guard(Arc::clone(&stop));
    let shares = try_join_all(shares).await.map_err(|error| DataFusionError::External(Box::new(error)))?;
    drop(guard);
    let mut all = Columns::default();
    for share in shares {
        all.merge(share?);
    }
    Ok(all.found())
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

/// What some files have.
#[derive(Default)]
struct Columns {
    columns: Vec<(String, Shape)>,
    rows: u64,
    files: u64,
    broken: Vec<(Arc<str>, String)>,
}

impl Columns {
    fn merge(&mut self, other: Self) {
        let mut next = 0;
        for (name, shape) in other.columns {
            let at = place(&mut self.columns, &name, next, || Shape::new(true, false));
            next = at + 1;
            match &mut self.columns[at].1 {
                new if new.values == 0 && new.nulls == 0 => *new = shape,
                known => known.merge(shape),
            }
        }
        self.rows += other.rows;
        self.files += other.files;
        self.broken.extend(other.broken);
    }

    /// Columns whose values the path of the file gives take the place of the file's own.
    fn supply(&mut self, pairs: Vec<(String, Option<String>)>, is_detailed: bool) {
        for (name, value) in pairs {
            self.columns.retain(|(known, _)| !names::same(known, &name));
            let mut shape = Shape::new(true, is_detailed);
            match value {
                Some(value) => shape.see_texts(&value, self.rows),
                None => shape.nulls = self.rows,
            }
            self.columns.push((name, shape));
        }
    }

    fn found(self) -> Found {
        let Self { rows, files, broken, .. } = self;
        let columns = self.columns.into_iter().map(|(name, shape)| FoundColumn {
            name,
            data_type: shape.data_type(),
            nulls: rows.saturating_sub(shape.values),
            distinct: shape.distinct(),
            examples: shape.examples(),
        });
        Found { columns: columns.collect(), rows, files, broken }
    }
}

fn share(
    format: &Format,
    files: &[SourceFile],
    is_detailed: bool,
    stop: &Stopper,
    runtime: &Handle,
) -> Result<Columns, DataFusionError> {
    let mut all = Columns::default();
    let mut bytes = Vec::new();
    for file in files {
        if stop.0.load(Ordering::Relaxed) {
            break;
        }
        let looking = Looking { format, is_detailed, runtime };
        let found = looking
            .file(file, &mut bytes)
            .map_err(|error| DataFusionError::Execution(format!("{}: {error}", file.name)))?;
        match found {
            Ok(mut columns) => {
                columns.supply(hive::pairs(&file.name), is_detailed);
                all.merge(columns);
            }
            Err(broken) => {
                all.merge(Columns {
                    files: 1,
                    broken: vec![(Arc::clone(&file.name), broken.reason)],
                    ..Columns::default()
                });
            }
        }
    }
    Ok(all)
}

struct Looking<'a> {
    format: &'a Format,
    is_detailed: bool,
    runtime: &'a Handle,
}

impl Looking<'_> {
    fn file(&self, file: &SourceFile, bytes: &mut Vec<u8>) -> io::Result<Result<Columns, Broken>> {
        let pace = Pace::default();
        let options = self.format.text;
        let undecodable = |error: io::Error| match decode::reason(&error) {
            Some(reason) => Ok(Err(Broken { offset: 0, reason: reason.to_owned(), is_header: false })),
            None => Err(error),
        };
        if file.size <= pace.whole {
            match decode::read(file, options, 4 * pace.whole, bytes, self.runtime) {
                Ok(true) => return Ok(self.whole(bytes)),
                Ok(false) => {}
                Err(error) => return undecodable(error),
            }
        }
        match decode::open(file, options, HEAD, self.runtime) {
            Ok(text) => self.windows(text, pace),
            Err(error) => undecodable(error),
        }
    }

    fn whole(&self, bytes: &[u8]) -> Result<Columns, Broken> {
        let broken = |at: usize, reason: String| Broken { offset: at as u64, reason, is_header: false };
        if bytes.is_empty() {
            return Err(broken(0, EMPTY.to_owned()));
        }
        if let Some(reason) = wide(bytes) {
            return Err(broken(0, reason));
        }
        let text = str::from_utf8(bytes).map_err(|error| broken(error.valid_up_to(), not_text(bytes)))?;
        let format = sniff::resolve(self.format, &Folders::default(), text, true)
            .map_err(|reason| broken(0, reason))?;
        let mut look = Look::new(&format, self.is_detailed);
        let walked = Frame::new(&format, format.names.len()).walk(&mut Cursor::new(text, true), &mut look);
        match walked {
            Ok(()) => Ok(look.columns()),
            Err(Stop::End) => Err(broken(bytes.len(), CUT.to_owned())),
            Err(Stop::Broken(at, reason)) => Err(broken(at, reason)),
        }
    }

    fn windows(&self, text: Text<'_>, pace: Pace) -> io::Result<Result<Columns, Broken>> {
        let format =
            match sniff::resolve(self.format, &Folders::default(), sniff::beginning(&text.head), false) {
                Ok(format) => format,
                Err(reason) => return Ok(Err(Broken { offset: 0, reason, is_header: false })),
            };
        let mut look = Look::new(&format, self.is_detailed);
        let mut frame = Frame::new(&format, format.names.len());
        let mut window = Window::new(text.reader(), pace);
        let mut used = 0;
        loop {
            if let Err(broken) = window.advance(used)? {
                return Ok(Err(broken));
            }
            let (text, last) = match window.text() {
                Ok(piece) => piece,
                Err(broken) => return Ok(Err(broken)),
            };
            let mut cursor = Cursor::new(text, last);
            match frame.walk(&mut cursor, &mut look) {
                Ok(()) => return Ok(Ok(look.columns())),
                Err(Stop::Broken(at, reason)) => return Ok(Err(window.broken(at, reason))),
                Err(Stop::End) => used = cursor.at,
            }
        }
    }
}

/// A look at the rows of one file.
struct Look<'a> {
    format: &'a Format,
    is_detailed: bool,
    names: Option<Vec<String>>,
    /// By the place in a row, or by name if rows are objects.
    columns: Vec<(String, Shape)>,
    rows: u64,
    /// The fields of a record: where they are, and whether they hold nothing.
    fields: Vec<(std::ops::Range<usize>, bool)>,
}

impl<'a> Look<'a> {
    fn new(format: &'a Format, is_detailed: bool) -> Self {
        Self { format, is_detailed, names: None, columns: Vec::new(), rows: 0, fields: Vec::new() }
    }

    /// At least so many columns, in the order of a row.
    fn widen(&mut self, width: usize) {
        let (is_text, is_detailed) = (self.format.is_csv(), self.is_detailed);
        while self.columns.len() < width {
            let name = format!("column{}", self.columns.len());
            self.columns.push((name, Shape::new(is_text, is_detailed)));
        }
    }

    fn columns(mut self) -> Columns {
        if let Some(names) = self.names.take() {
            self.widen(names.len());
            self.columns.truncate(names.len());
            for ((name, _), heading) in self.columns.iter_mut().zip(names) {
                *name = heading;
            }
            // What has no name can't be a column.
            self.columns.retain(|(name, _)| !name.is_empty());
        }
        Columns { columns: self.columns, rows: self.rows, files: 1, broken: Vec::new() }
    }

    fn record(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
        let Layout::Csv(csv) = &self.format.layout else { return Ok(()) };
        self.fields.clear();
        let (fields, mut torn) = (&mut self.fields, false);
        csv.record(cursor, |_, field| {
            torn |= field.torn;
            let quotes = usize::from(field.quoted && !field.torn);
            fields.push((field.start + quotes..field.end - quotes, csv.is_null(field, false)));
        })?;
        let width = self.names.as_ref().map_or(self.columns.len(), Vec::len);
        // As when it is loaded, such a row is none.
        if torn || (self.fields.len() != width && width > 0) {
            return Ok(());
        }
        self.widen(self.fields.len());
        self.rows += 1;
        for ((at, is_null), (_, shape)) in self.fields.iter().zip(&mut self.columns) {
            if *is_null { shape.see_null() } else { shape.see_text(&cursor.text[at.clone()]) }
        }
        Ok(())
    }

    fn array(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
        if cursor.peek()? != b'[' {
            cursor.skip()?;
            return Ok(());
        }
        cursor.at += 1;
        self.rows += 1;
        let mut at = 0;
        while cursor.element(at == 0, b']')? {
            self.widen(at + 1);
            self.columns[at].1.see_json(cursor, 0)?;
            at += 1;
        }
        Ok(())
    }

    fn object(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
        if cursor.peek()? != b'{' {
            cursor.skip()?;
            return Ok(());
        }
        cursor.at += 1;
        self.rows += 1;
        let (mut first, mut next) = (true, 0);
        while cursor.element(first, b'}')? {
            first = false;
            let (inside, escaped) = cursor.key()?;
            let name = match escaped {
                true => Cow::Owned(unescape(inside).unwrap_or_default()),
                false => Cow::Borrowed(inside),
            };
            let is_detailed = self.is_detailed;
            let at = place(&mut self.columns, &name, next, || Shape::new(false, is_detailed));
            next = at + 1;
            self.columns[at].1.see_json(cursor, 0)?;
        }
        Ok(())
    }
}

impl Sink for Look<'_> {
    fn header(&mut self, names: Vec<String>) -> Result<(), String> {
        self.names = Some(names);
        Ok(())
    }

    fn row(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
        // A row that the text doesn't hold to its end is walked again.
        if !cursor.last && !self.format.is_csv() {
            cursor.clone().skip()?;
        }
        match self.format.layout {
            Layout::Split => self.array(cursor),
            Layout::Csv(_) | Layout::AnyCsv(_) => self.record(cursor),
            Layout::Records | Layout::Lines | Layout::AnyJson => self.object(cursor),
        }
    }
}
