//! Joins: the algorithm that a query joins by.

/// The join algorithm, for joins that may not fit in memory: a hash join can't spill, a merge join can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joins {
    /// Fast; fails when the build side exceeds the memory pool.
    Hash,
    /// Slower; spills.
    Merge,
}
