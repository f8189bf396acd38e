//! The header of a file whose rows all have their values in the same order.

use super::format::TextFormat;
use crate::source::{
    drift::Deviation,
    names::{self, ColumnPlace},
};

/// The columns of a file whose rows all have their values in the same order.
pub(crate) struct TextHeader {
    /// The names, as the file spells them.
    own: Vec<String>,
    pub(super) places: Vec<ColumnPlace>,
    /// Each name as JSON, if the values of undeclared columns are kept.
    pub(super) keys: Vec<String>,
    deviation: Deviation,
}

impl TextHeader {
    pub(super) fn new(own: &[String], format: &TextFormat, supplied: &[bool]) -> Result<Self, String> {
        let places = names::places(own, &format.names, supplied)?;
        let deviation = names::deviation(own, &places, &format.names, supplied, format.required());
        let rescues = format.drift.is_rescuing();
        let keys =
            own.iter().filter(|_| rescues).map(|name| serde_json::Value::from(name.as_str()).to_string());
        Ok(Self { own: own.to_vec(), places, keys: keys.collect(), deviation })
    }

    /// Returns the file's own columns, and how they differ from the declared ones.
    pub(super) fn columns(&self) -> (Vec<String>, Deviation) {
        (self.own.clone(), self.deviation.clone())
    }
}
