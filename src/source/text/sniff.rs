//! Format detection: the layout of JSON, and the delimiter, quote, header and line ends of CSV.
//!
//! Detection looks only at a file's first bytes, and uses the declarations: column names determine the
//! delimiter, and column types whether there is a header. Start at [`resolve`].

use std::{borrow::Cow, sync::Arc};

use datafusion::arrow::datatypes::DataType;

use super::{
    csv_dialect::{Csv, CsvDialect},
    format::{RowLayout, TextFormat},
};
use crate::source::{
    cell::CellToken,
    decode,
    guess::{CandidateTypes, Guess},
    hive::Folders,
    json::Cursor,
    names,
    spec::DateUnit,
};

/// The number of bytes that detection looks at.
pub(crate) const HEAD: usize = 1 << 16;

/// The number of records that detection looks at if the header isn't enough.
const RECORDS: usize = 20;

/// The candidate delimiters, most common first.
const DELIMITERS: [u8; 5] = [b',', b';', b'\t', b'|', b'^'];

/// Returns a file's first bytes as text.
pub(super) fn beginning(head: &[u8]) -> &str {
    match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// Returns the format of a file that begins with `text`, or consists of it if `whole`. Returns an error if
/// the file must be rejected. Columns that its path supplies aren't expected in the file.
pub(super) fn resolve<'f>(
    format: &'f TextFormat,
    folders: &Folders,
    text: &str,
    whole: bool,
) -> Result<Cow<'f, TextFormat>, String> {
    if let Some(reason) = decode::wide(text.as_bytes()) {
        return Err(reason);
    }
    let layout = match &format.layout {
        RowLayout::AnyJson => shape(text, whole, &format.names),
        RowLayout::AnyCsv(dialect) => {
            let supplied = folders.supplied(format.names.len());
            let (names, dialect) = if supplied.contains(&true) {
                let kinds = dialect.kinds.iter().zip(&supplied).filter(|(_, supplied)| !**supplied);
                let kinds = kinds.map(|(kind, _)| *kind).collect();
                (format.own(folders).into(), Cow::Owned(CsvDialect { kinds, ..dialect.clone() }))
            } else {
                (Arc::clone(&format.names), Cow::Borrowed(dialect))
            };
            RowLayout::Csv(CsvSample::new(&dialect, text, whole, &names).resolve()?)
        }
        _ => return Ok(Cow::Borrowed(format)),
    };
    Ok(Cow::Owned(TextFormat { layout, ..format.clone() }))
}

/// Detects the layout of a JSON document.
fn shape(text: &str, whole: bool, names: &[String]) -> RowLayout {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut cursor = Cursor::new(text, whole);
    match cursor.peek() {
        Ok(b'[') => RowLayout::Records,
        Ok(b'{') if is_split(&mut cursor, names) => RowLayout::Split,
        _ => RowLayout::Lines,
    }
}

/// Returns whether the object at the cursor is a document of pandas' orient `split`, as far as the text
/// shows. If columns are declared with these names, it is a row.
fn is_split(cursor: &mut Cursor<'_>, names: &[String]) -> bool {
    if names.iter().any(|name| ["columns", "data"].contains(&name.as_str())) {
        return false;
    }
    cursor.at += 1;
    let (mut columns, mut data, mut index, mut others, mut first) = (false, false, false, false, true);
    loop {
        match cursor.element(first, b'}') {
            Ok(true) => first = false,
            Ok(false) => return columns && (data || !others),
            Err(_) => break,
        }
        let Ok((key, _)) = cursor.key() else { break };
        let is_array = cursor.peek() == Ok(b'[');
        match key {
            "columns" if is_array => columns = true,
            "data" if is_array => data = true,
            "index" if is_array => index = true,
            _ => others = true,
        }
        if columns && data {
            return true;
        }
        if cursor.skip().is_err() {
            break;
        }
    }
    // The document continues beyond the text.
    !others && (columns || data || index)
}

/// The beginning of a CSV file.
struct CsvSample<'a> {
    dialect: &'a CsvDialect,
    names: &'a [String],
    text: &'a str,
    whole: bool,
    newline: u8,
}

/// A record, as parsed with one delimiter and quote.
#[derive(Default)]
struct CsvRecord {
    fields: Vec<String>,
    /// True for fields that are NULL.
    null: Vec<bool>,
    quoted: usize,
    torn: bool,
}

impl<'a> CsvSample<'a> {
    fn new(dialect: &'a CsvDialect, text: &'a str, whole: bool, names: &'a [String]) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let newline = if text.contains('\n') || !text.contains('\r') { b'\n' } else { b'\r' };
        Self { dialect, names, text, whole, newline }
    }

    fn csv(&self, delimiter: u8, quote: u8) -> Csv {
        Csv { delimiter, quote, newline: self.newline, ..self.dialect.plain() }
    }

    /// Returns up to `count` complete records.
    fn records(&self, csv: &Csv, count: usize) -> Vec<CsvRecord> {
        let mut cursor = Cursor::new(self.text, self.whole);
        let mut records = Vec::new();
        while records.len() < count {
            if csv.blank(&mut cursor) == Ok(true) {
                continue;
            }
            if cursor.byte().is_none() {
                break;
            }
            let mut record = CsvRecord::default();
            let read = csv.record(&mut cursor, |_, field| {
                record.fields.push(field.text.trim().to_owned());
                record.null.push(csv.is_null(field, false));
                record.quoted += usize::from(field.quoted);
                record.torn |= field.torn;
            });
            if read.is_err() {
                break;
            }
            records.push(record);
        }
        records
    }

    fn first(&self, csv: &Csv) -> CsvRecord {
        self.records(csv, 1).pop().unwrap_or_default()
    }

    fn resolve(&self) -> Result<Csv, String> {
        let quotes = match self.dialect.quote {
            Some(quote) => vec![quote],
            None if self.may_be_quoted_by_apostrophes() => vec![b'"', b'\''],
            None => vec![b'"'],
        };
        let mut csv = self.csv(self.dialect.delimiter.unwrap_or(b','), quotes[0]);
        if self.first(&csv).fields.is_empty() {
            return Ok(csv);
        }
        if let [_, apostrophe] = quotes[..]
            && let Some(delimiter) = self.delimiter(apostrophe)
            && self.is_quoted_by(&self.csv(delimiter, apostrophe), &csv)
        {
            csv.quote = apostrophe;
        }
        if let Some(found) = self.delimiter(csv.quote) {
            csv.delimiter = found;
        }
        self.check_delimiter(&csv)?;
        csv.header = self.header(&csv)?;
        Ok(csv)
    }

    /// Returns the declared or detected delimiter.
    fn delimiter(&self, quote: u8) -> Option<u8> {
        if self.dialect.delimiter.is_some() {
            return self.dialect.delimiter;
        }
        let by_names = self.by_names(quote).filter(|_| self.dialect.header != Some(false));
        by_names.or_else(|| self.by_width(quote))
    }

    /// Returns the delimiter with which the first record has the most declared names.
    fn by_names(&self, quote: u8) -> Option<u8> {
        let mut best = None;
        for delimiter in DELIMITERS.into_iter().filter(|delimiter| *delimiter != quote) {
            let known = self.known(&self.first(&self.csv(delimiter, quote)));
            if known > best.map_or(0, |(_, known)| known) {
                best = Some((delimiter, known));
            }
            if known == self.names.len() {
                break;
            }
        }
        best.map(|(delimiter, _)| delimiter)
    }

    /// Returns the delimiter with which most records have the same number of fields (the declared number, if
    /// there is one).
    fn by_width(&self, quote: u8) -> Option<u8> {
        let mut best: Option<(u8, usize)> = None;
        for delimiter in DELIMITERS.into_iter().filter(|delimiter| *delimiter != quote) {
            let records = self.records(&self.csv(delimiter, quote), RECORDS);
            let width = match (self.names.len(), records.first()) {
                (0, Some(first)) => first.fields.len(),
                (declared, _) => declared,
            };
            if width < 2 {
                continue;
            }
            let same = records.iter().filter(|record| record.fields.len() == width && !record.torn).count();
            // A title or an invalid row doesn't rule a delimiter out.
            if same * 2 > records.len() && best.is_none_or(|(_, most)| same > most) {
                best = Some((delimiter, same));
            }
        }
        best.map(|(delimiter, _)| delimiter)
    }

    /// Counts the declared columns that a record names. Names are compared without case.
    fn known(&self, record: &CsvRecord) -> usize {
        let has = |name: &&String| record.fields.iter().any(|field| names::same(field, name));
        self.names.iter().filter(has).count()
    }

    /// Returns an error if nothing is found with the declared delimiter, and another one works.
    fn check_delimiter(&self, csv: &Csv) -> Result<(), String> {
        let (Some(declared), false) = (self.dialect.delimiter, self.names.is_empty()) else { return Ok(()) };
        let first = self.first(csv);
        let found = if self.dialect.header == Some(false) {
            let width = self.names.len();
            self.by_width(csv.quote).filter(|_| first.fields.len() != width)
        } else {
            self.by_names(csv.quote).filter(|_| self.known(&first) == 0)
        };
        match found {
            Some(found) if found != declared => {
                let (found, declared) = (shown(found), shown(declared));
                Err(format!(
                    "the delimiter is {found}, not {declared} as declared: correct `delimiter`, or leave it out"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether the first record is a header.
    ///
    /// # Errors
    /// If the declaration contradicts it.
    fn header(&self, csv: &Csv) -> Result<bool, String> {
        let first = self.first(csv);
        if self.names.is_empty() {
            return Ok(self.dialect.header.unwrap_or_else(|| is_heading(&self.records(csv, RECORDS))));
        }
        let known = self.known(&first);
        let is_data = known == 0 && self.is_data(&first);
        match self.dialect.header {
            Some(true) if is_data => {
                Err("the first record is data, not a header: set `header: false`, or leave it out".to_owned())
            }
            Some(false) if known == self.names.len() && first.fields.len() == known => {
                Err("the first record is a header: set `header: true`, or leave it out".to_owned())
            }
            Some(declared) => Ok(declared),
            None => Ok(!is_data),
        }
    }

    /// Returns whether a record is a row of the declared columns that can't be a header, because it has a
    /// valid value of a type other than text.
    fn is_data(&self, record: &CsvRecord) -> bool {
        if record.fields.len() != self.names.len() {
            return false;
        }
        let mut telling = false;
        let fits = self.dialect.kinds.iter().enumerate().all(|(at, kind)| {
            if record.null[at] || kind.keeps_empty() {
                return true;
            }
            telling = true;
            CellToken::Text(&record.fields[at]).fit(*kind, DateUnit::default()).is_some()
        });
        fits && telling
    }

    /// Returns whether an apostrophe appears at a possible start of a field, and no quotation mark does.
    fn may_be_quoted_by_apostrophes(&self) -> bool {
        let bytes = &self.text.as_bytes()[..self.text.len().min(4096)];
        let opens =
            |at: usize| at == 0 || DELIMITERS.contains(&bytes[at - 1]) || bytes[at - 1] == self.newline;
        !bytes.contains(&b'"') && (0..bytes.len()).any(|at| bytes[at] == b'\'' && opens(at))
    }

    /// Returns whether apostrophes are quotes, as in `csv`: without them, names or records would be torn.
    /// Otherwise they are part of the values.
    fn is_quoted_by(&self, csv: &Csv, plain: &Csv) -> bool {
        let is_even = |records: &[CsvRecord]| {
            let width = records.first().map_or(0, |record| record.fields.len());
            width > 0 && records.iter().all(|record| !record.torn && record.fields.len() == width)
        };
        let quoted = self.records(csv, RECORDS);
        if !is_even(&quoted) || quoted.iter().all(|record| record.quoted == 0) {
            return false;
        }
        let delimiter = self.delimiter(plain.quote).unwrap_or(plain.delimiter);
        let plain = self.records(&Csv { delimiter, ..plain.clone() }, RECORDS);
        let known = |records: &[CsvRecord]| records.first().map_or(0, |first| self.known(first));
        known(&quoted) > known(&plain) || !is_even(&plain)
    }
}

/// Returns whether the first record is a header, when nothing is declared. It is if its types differ from
/// those of the records below it, or, if all are text, if it has no number, date or boolean.
fn is_heading(records: &[CsvRecord]) -> bool {
    let Some((first, rest)) = records.split_first() else { return true };
    let mut is_typed = false;
    for (at, field) in first.fields.iter().enumerate().filter(|(at, _)| !first.null[*at]) {
        let mut guess = Guess::new(CandidateTypes::ALL);
        for record in rest.iter().filter(|record| record.null.get(at) == Some(&false)) {
            guess.see(&record.fields[at]);
        }
        if guess.data_type() != DataType::Utf8View {
            is_typed = true;
            guess.see(field);
            if guess.data_type() == DataType::Utf8View {
                return true;
            }
        }
    }
    let is_name = |field: &String| {
        let mut guess = Guess::new(CandidateTypes::ALL);
        guess.see(field);
        guess.data_type() == DataType::Utf8View
    };
    !is_typed && first.fields.iter().all(is_name) && !first.null.iter().all(|null| *null)
}

/// Formats a delimiter for a message.
fn shown(byte: u8) -> String {
    match byte {
        b'\t' => "a tab".to_owned(),
        other => format!("`{}`", char::from(other)),
    }
}
