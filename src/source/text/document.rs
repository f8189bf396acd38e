//! Document walk: a frame finds the parts, and a sink processes them.

use super::{
    csv::CsvFrame,
    format::{RowLayout, TextFormat},
    header::TextHeader,
    json_frame::{Lines, Records, SplitDocument},
    json_row::Objects,
    row::RowReader,
    sink::DocumentSink,
};
use crate::source::{
    drift::OnMissingColumn,
    hive::Folders,
    json::{Cursor, JsonStop},
};

/// The state of a walk over a document of some layout.
pub(super) enum Frame {
    Split(SplitDocument),
    Records(Records),
    Lines(Lines),
    Csv(CsvFrame),
}

impl Frame {
    /// Starts a walk. Without a header a CSV record has `width` fields.
    pub(super) fn new(format: &TextFormat, width: usize) -> Self {
        match &format.layout {
            RowLayout::Split => Self::Split(SplitDocument::default()),
            RowLayout::Records => Self::Records(Records::default()),
            RowLayout::Lines | RowLayout::AnyJson => Self::Lines(Lines::default()),
            RowLayout::Csv(csv) => Self::Csv(CsvFrame::new(csv.clone(), width)),
            RowLayout::AnyCsv(dialect) => Self::Csv(CsvFrame::new(dialect.plain(), width)),
        }
    }

    /// Walks to the end of the document, or until the text ends too early. Then the cursor is where the walk
    /// can resume with more text, and the sink has received no part twice or incompletely.
    pub(super) fn walk<S: DocumentSink>(
        &mut self,
        cursor: &mut Cursor<'_>,
        sink: &mut S,
    ) -> Result<(), JsonStop> {
        loop {
            let before = cursor.at;
            let step = match self {
                Self::Split(frame) => frame.step(cursor, sink),
                Self::Records(frame) => frame.step(cursor, sink),
                Self::Lines(frame) => frame.step(cursor, sink),
                Self::Csv(frame) => frame.step(cursor, sink),
            };
            match step {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(why) => {
                    cursor.at = before;
                    return Err(why);
                }
            }
        }
    }
}

impl TextFormat {
    pub(super) fn is_csv(&self) -> bool {
        matches!(self.layout, RowLayout::Csv(_) | RowLayout::AnyCsv(_))
    }

    /// Returns whether all rows may be on one line.
    pub(super) fn is_document(&self) -> bool {
        matches!(self.layout, RowLayout::Split | RowLayout::Records)
    }

    /// Creates the reader of rows whose values are in the order of `header`. Returns an error if such a file
    /// can't be read.
    pub(super) fn reader(&self, header: Option<&[String]>, folders: &Folders) -> Result<RowReader, String> {
        let supplied = folders.supplied(self.names.len());
        match (&self.layout, header) {
            (RowLayout::Records | RowLayout::Lines | RowLayout::AnyJson, _) => {
                Ok(RowReader::Objects(Objects::new(self, supplied)))
            }
            (RowLayout::Split, header) => {
                Ok(RowReader::Arrays(TextHeader::new(header.unwrap_or_default(), self, &supplied)?))
            }
            (RowLayout::Csv(csv), Some(header)) => {
                Ok(RowReader::Records(csv.clone(), TextHeader::new(header, self, &supplied)?))
            }
            (RowLayout::Csv(csv), None) => {
                Ok(RowReader::Records(csv.clone(), TextHeader::new(&self.own(folders), self, &supplied)?))
            }
            (RowLayout::AnyCsv(dialect), header) => {
                let layout = RowLayout::Csv(dialect.plain());
                Self { layout, ..self.clone() }.reader(header, folders)
            }
        }
    }

    /// Returns the columns of a file without a header: the declared ones that its path doesn't supply.
    pub(super) fn own(&self, folders: &Folders) -> Vec<String> {
        let supplied = folders.supplied(self.names.len());
        let own = self.names.iter().zip(&supplied).filter(|(_, supplied)| !**supplied);
        own.map(|(name, _)| name.clone()).collect()
    }

    /// Returns how many of the declared columns, from the first on, a file must have.
    pub(super) fn required(&self) -> usize {
        self.names.len() - self.drift.added.len()
    }

    /// Returns why a file with these columns is rejected as a whole, if it is.
    pub(super) fn refuse(&self, reader: &RowReader, rows: u64) -> Option<String> {
        let (own, deviation) = reader.columns();
        if self.drift.on_missing_column == OnMissingColumn::RejectFile
            && let Some(missing) = deviation.missing.first()
            && (rows > 0 || !own.is_empty())
        {
            return Some(format!("it lacks the declared column `{missing}`"));
        }
        // If undeclared columns in the place of declared ones are an error, that message covers this case.
        let is_told = self.drift.on_missing_column != OnMissingColumn::Null && !deviation.new.is_empty();
        (rows > 0 && !is_told && !reader.knows()).then(|| {
            let found = if own.is_empty() {
                "none".to_owned()
            } else {
                crate::source::excerpt::excerpt(own.join(", ").as_bytes(), 200)
            };
            format!("none of the declared columns ({}) is among its own ({found})", self.names.join(", "))
        })
    }
}
