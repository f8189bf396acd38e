//! The kinds of dirt and their assignment to meter points.

use std::collections::{BTreeMap, BTreeSet};

use super::Options;
use super::random::Random;

/// A kind of dirt in a meter point's data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dirt {
    /// A duplicate of a reading, with the same value.
    Repeat,
    /// A duplicate of a reading with a different value; the last row is right.
    Conflict,
    /// A duplicate of a reading with a null at the end, so that the first row is right.
    NullRepeat,
    /// A second file, `<meterpoint>_late.json`, repeats the last day: some readings equal, some corrected,
    /// some null.
    LateFile,
    /// Readings without a value.
    Null,
    /// The columns are in a different order.
    ColumnOrder,
    /// Additional columns, and the `index` that pandas writes.
    ExtraColumns,
    /// `2021-01-01T00:00:00Z` in all rows.
    Zulu,
    /// `2021-01-01T02:00:00+02:00` and other offsets.
    Offset,
    /// Milliseconds since 1970 in all rows.
    Epoch,
    /// Each row uses one of all the time formats.
    MixedClocks,
    /// Numbers in quotes.
    NumberAsText,
    /// Values that aren't numbers and times that aren't times. Some are duplicates of a valid reading, which
    /// must win.
    Misfit,
    /// Rows with fewer values than there are columns.
    ShortRow,
    /// The file is cut off in the middle of a row.
    Truncated,
    /// An empty file of 0 bytes.
    Empty,
    /// A complete file without rows.
    NoRows,
    /// The meter point has no agreement.
    NoAgreement,
    /// The agreement ends within the sample (one of them on its first day, which is then not covered).
    AgreementEnds,
    /// Another agreement follows within the sample.
    AgreementFollows,
}

impl Dirt {
    const ALL: [Self; 20] = [
        Self::Repeat,
        Self::Conflict,
        Self::NullRepeat,
        Self::LateFile,
        Self::Null,
        Self::ColumnOrder,
        Self::ExtraColumns,
        Self::Zulu,
        Self::Offset,
        Self::Epoch,
        Self::MixedClocks,
        Self::NumberAsText,
        Self::Misfit,
        Self::ShortRow,
        Self::Truncated,
        Self::Empty,
        Self::NoRows,
        Self::NoAgreement,
        Self::AgreementEnds,
        Self::AgreementFollows,
    ];
}

/// Assigns dirt to meter points. The first one of each kind has only that kind; later ones may have two.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count, clamped to it"
)]
pub(super) fn scatter(options: &Options) -> BTreeMap<usize, BTreeSet<Dirt>> {
    if options.dirt <= 0.0 {
        return BTreeMap::new();
    }
    let random = &mut Random::of(options.seed, u64::MAX);
    let kinds = Dirt::ALL.len();
    let wanted = (options.meters as f64 * options.dirt).ceil() as usize;
    let mut meters: Vec<usize> = (0..options.meters).collect();
    for at in (1..meters.len()).rev() {
        meters.swap(at, random.below(at + 1));
    }
    let dirty = meters.into_iter().take(wanted.max(kinds)).enumerate();
    dirty
        .map(|(nth, meter)| {
            let second = (nth >= kinds && random.below(2) == 0).then(|| Dirt::ALL[random.below(kinds)]);
            (meter, [Dirt::ALL[nth % kinds]].into_iter().chain(second).collect())
        })
        .collect()
}
