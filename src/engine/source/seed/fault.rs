//! What is wrong in a seed's file: each fault with its place and its cure, the first few of many.

use std::ops::Range;

use crate::engine::source::text::{Cursor, Stop};

/// Faults of a file that are told one by one.
const TOLD: usize = 5;

/// What is wrong at a place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind of fault.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub at: Range<usize>,
    /// What to do about it.
    pub cure: String,
}

/// All that is wrong with a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The first few.
    pub told: Vec<Fault>,
    /// How many there are besides.
    pub more: usize,
}

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        if self.told.len() < TOLD {
            self.told.push(fault);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn add(&mut self, code: &'static str, message: String, at: Range<usize>, cure: String) {
        self.push(Fault { code, message, at, cure });
    }

    /// The text ended in the middle of a value, which begins where the cursor stands. What was wrong before it may be
    /// so because of it.
    pub(super) fn unended(&mut self, cursor: &Cursor<'_>, stop: &Stop) {
        let message = match stop {
            Stop::End => "a quote that is opened here is never closed".to_owned(),
            Stop::Broken(_, reason) => reason.clone(),
        };
        let cure = "close it, or write it twice if it belongs to a value that is quoted";
        self.add("seed-quote", message, cursor.at..cursor.at + 1, cure.to_owned());
    }

    pub(super) fn or<T>(self, well: T) -> Result<T, Self> {
        if self.told.is_empty() { Ok(well) } else { Err(self) }
    }
}
