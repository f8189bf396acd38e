//! The faults in a seed's file, each with its position and fix. Only the first few are kept.

use std::ops::Range;

use crate::source::json::{Cursor, JsonStop};

/// The number of a file's faults that are reported individually.
const TOLD: usize = 5;

/// A fault at a position in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedFault {
    /// The diagnostic code.
    pub code: &'static str,
    pub message: String,
    /// The byte range in the text.
    pub at: Range<usize>,
    /// The suggested fix.
    pub cure: String,
}

/// The faults of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeedFaults {
    /// The first few faults.
    pub told: Vec<SeedFault>,
    /// The number of further faults.
    pub more: usize,
}

impl SeedFaults {
    pub(super) fn push(&mut self, fault: SeedFault) {
        if self.told.len() < TOLD {
            self.told.push(fault);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn add(&mut self, code: &'static str, message: String, at: Range<usize>, cure: String) {
        self.push(SeedFault { code, message, at, cure });
    }

    /// Adds the fault of a text that ends within the value at the cursor. Earlier faults may be consequences
    /// of it.
    pub(super) fn unended(&mut self, cursor: &Cursor<'_>, stop: &JsonStop) {
        let message = match stop {
            JsonStop::End => "a quote that is opened here is never closed".to_owned(),
            JsonStop::Broken(_, reason) => reason.clone(),
        };
        let cure = "close it, or write it twice if it belongs to a value that is quoted";
        self.add("seed-quote", message, cursor.at..cursor.at + 1, cure.to_owned());
    }

    pub(super) fn or<T>(self, well: T) -> Result<T, Self> {
        if self.told.is_empty() { Ok(well) } else { Err(self) }
    }
}
