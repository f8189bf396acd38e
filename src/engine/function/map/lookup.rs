//! Lookup of keys.

use datafusion::{
    arrow::array::{Array, ArrayRef, MapArray},
    error::Result,
};

use super::entries::{entries, map_of, rows};
use crate::engine::function::call::Call;

/// The result of a key lookup.
pub(super) enum KeyPosition {
    At(u32),
    Nothing,
    Null,
}

/// Checks whether maps contain a key.
pub(in crate::engine::function) fn contains(call: &Call) -> Result<ArrayRef> {
    let (_, found) = looked_up(call)?;
    let keys = call.array(1)?;
    call.each(|row| {
        Ok(match found[row] {
            _ if keys.is_null(row) => None,
            KeyPosition::At(_) => Some(true),
            KeyPosition::Nothing => Some(false),
            KeyPosition::Null => None,
        })
    })
}

/// Returns the map, and the result of looking up each row's key from the second argument.
pub(super) fn looked_up(call: &Call) -> Result<(MapArray, Vec<KeyPosition>)> {
    let map = map_of(call, 0)?;
    let wanted = call.array(1)?;
    let rows = rows(&[map.keys(), &wanted])?;
    let found = (0..call.rows()).map(|row| {
        if map.is_null(row) {
            return KeyPosition::Null;
        }
        if wanted.is_null(row) {
            return KeyPosition::Nothing;
        }
        let at = entries(&map, row).find(|at| rows[0].row(*at) == rows[1].row(row));
        at.and_then(|at| u32::try_from(at).ok()).map_or(KeyPosition::Nothing, KeyPosition::At)
    });
    let found = found.collect();
    Ok((map, found))
}
