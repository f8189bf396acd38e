//! The kinds of dirt, and which meter points get which.

use std::collections::{BTreeMap, BTreeSet};

use super::Options;
use super::random::Random;

/// The ways in which a meter point can be dirty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dirt {
    /// A reading occurs twice, the same.
    Repeat,
    /// A reading occurs twice with different values; the last row is right.
    Conflict,
    /// A reading occurs twice and the last one is null, so that the first is right.
    NullRepeat,
    /// A second file, `<meterpoint>_late.json`, repeats the last day: some readings equal, some corrected, some null.
    LateFile,
    /// Readings without a value.
    Null,
    /// The columns stand in another order.
    ColumnOrder,
    /// Further columns, and the `index` that pandas writes.
    ExtraColumns,
    /// `2021-01-01T00:00:00Z` throughout.
    Zulu,
    /// `2021-01-01T02:00:00+02:00` and other offsets.
    Offset,
    /// Milliseconds since 1970 throughout.
    Epoch,
    /// Each row writes its time in one of all the forms.
    MixedClocks,
    /// Numbers in quotes.
    NumberAsText,
    /// Values that fit no number, times that are none; some are repeats of a good reading, which must win.
    Misfit,
    /// Rows with fewer values than there are columns.
    ShortRow,
    /// The file breaks off in the middle of a row.
    Truncated,
    /// A file of no bytes.
    Empty,
    /// A whole file with no rows in it.
    NoRows,
    /// No agreement for this meter point.
    NoAgreement,
    /// The agreement ends inside the sample (on its first day, for one: that day is no longer covered).
    AgreementEnds,
    /// Another agreement follows inside the sample.
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

/// Which meter points are dirty, and how. The first of each kind is dirty in that one way alone; later ones may
/// be dirty in two.
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
