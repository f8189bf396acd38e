//! The strategy `insert_overwrite`: the new rows replace all rows of the partitions they are in.

use super::{NewRows, Strategy};

/// Returns the strategy. The partitions follow from the rows themselves, as the table's `partition_by` is
/// set.
pub(super) fn strategy(rows: NewRows) -> Strategy {
    Strategy::ReplacePartitions(rows)
}
