//! Walking a document: a frame finds the parts, a sink does something with them.

use std::sync::Arc;

use super::{
    csv::{Csv, CsvFrame},
    json::{Cursor, Stop},
    json_frame::{Lines, Records, Split},
    row::RowReader,
    sniff::Dialect,
};
use crate::engine::source::{decode::TextOptions, spec::DateUnit};

/// How rows lie in a file, and what is declared about them.
#[derive(Debug, Clone)]
pub(crate) struct Format {
    pub(crate) layout: Layout,
    pub(crate) unit: DateUnit,
    /// How its bytes become text.
    pub(crate) text: TextOptions,
    /// The declared columns that files supply.
    pub(crate) names: Arc<[String]>,
}

/// How rows lie in a file.
#[derive(Debug, Clone)]
pub(crate) enum Layout {
    Split,
    Records,
    Lines,
    Csv(Csv),
    /// JSON of any shape: which one is found out for each file.
    AnyJson,
    /// CSV of which something is found out for each file.
    AnyCsv(Dialect),
}

/// What is done with the parts of a document.
pub(super) trait Sink {
    /// The columns' names, in the order of the values in a row; an error sets the file aside.
    fn header(&mut self, names: Vec<String>) -> Result<(), String>;
    /// Past a row that begins here.
    fn row(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Stop>;
}

/// Where in a document of some layout the walk is.
pub(super) enum Frame {
    Split(Split),
    Records(Records),
    Lines(Lines),
    Csv(CsvFrame),
}

impl Frame {
    pub(super) fn new(format: &Format) -> Self {
        match &format.layout {
            Layout::Split => Self::Split(Split::default()),
            Layout::Records => Self::Records(Records::default()),
            Layout::Lines | Layout::AnyJson => Self::Lines(Lines::default()),
            Layout::Csv(csv) => Self::Csv(CsvFrame::new(csv.clone(), format.names.len())),
            Layout::AnyCsv(dialect) => Self::Csv(CsvFrame::new(dialect.plain(), format.names.len())),
        }
    }

    /// Walks on until the document's end, or until the text ends too early: the cursor then stands where the walk
    /// can be taken up again with more text, and no part has been given to the sink twice or by half.
    pub(super) fn walk<S: Sink>(&mut self, cursor: &mut Cursor<'_>, sink: &mut S) -> Result<(), Stop> {
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

impl Format {
    pub(super) fn is_csv(&self) -> bool {
        matches!(self.layout, Layout::Csv(_) | Layout::AnyCsv(_))
    }

    /// The reader of rows whose values stand in the order of `header`; an error if no such file can be read.
    pub(super) fn reader(&self, header: Option<&[String]>) -> Result<RowReader, String> {
        match (&self.layout, header) {
            (Layout::Records | Layout::Lines | Layout::AnyJson, _) => Ok(RowReader::objects(&self.names)),
            (Layout::Split, header) => {
                Ok(RowReader::arrays(places(header.unwrap_or_default(), &self.names)?))
            }
            (Layout::Csv(csv), Some(header)) => {
                Ok(RowReader::records(csv.clone(), places(header, &self.names)?))
            }
            (Layout::Csv(csv), None) => {
                Ok(RowReader::records(csv.clone(), (0..self.names.len()).map(Some).collect()))
            }
            (Layout::AnyCsv(dialect), header) => {
                let layout = Layout::Csv(dialect.plain());
                Self { layout, ..self.clone() }.reader(header)
            }
        }
    }

    /// Why a file with rows but none of the declared columns is set aside.
    pub(super) fn stranger(&self) -> String {
        format!("none of the declared columns ({})", self.names.join(", "))
    }
}

/// For each column of the header, the declared column it is.
fn places(header: &[String], names: &[String]) -> Result<Vec<Option<usize>>, String> {
    let mut sorted: Vec<&String> = header.iter().collect();
    sorted.sort_unstable();
    if let Some((twice, _)) = sorted.iter().zip(sorted.iter().skip(1)).find(|(one, next)| one == next) {
        return Err(format!("column `{twice}` stands twice in the header"));
    }
    let places: Vec<_> =
        header.iter().map(|name| names.iter().position(|declared| declared == name)).collect();
    if !header.is_empty() && places.iter().all(Option::is_none) {
        let found = super::excerpt(header.join(", ").as_bytes(), 200);
        return Err(format!(
            "none of the declared columns ({}) is among its own ({found})",
            names.join(", ")
        ));
    }
    Ok(places)
}
