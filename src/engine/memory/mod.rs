//! The memory budget: divides a target's `memory_limit` among the holders of rows.
//!
//! | share | holder |
//! |---|---|
//! | ¾ | the pool of the operators: sorts, joins, aggregates, windows (`Pool`) |
//! | ¼ | the writers: rows that wait for a file, and open files |
//!
//! Memory that isn't reserved in advance is kept small instead: batches, row groups, and the rows of a stream
//! that a spool keeps. Freed memory is returned to the system at once when the pool is full
//! ([`on_pressure`]). Without a limit, everything has the fastest size.
//!
//! A session carries its budget as an extension, which [`Budget::of`] returns.

mod cross_joins;
mod large_calls;
mod large_constants;
mod partitions;
mod pool;
mod pressure;
#[cfg(test)]
mod tests;
mod wide_rows;

use std::sync::Arc;

use datafusion::{
    execution::memory_pool::{MemoryPool, UnboundedMemoryPool},
    prelude::SessionConfig,
};

pub use self::pressure::on_pressure;
pub(super) use self::{
    cross_joins::CrossJoins,
    large_calls::LargeCalls,
    large_constants::{LargeConstants, smallest_split},
    partitions::with_partitions,
    pool::Pool,
    wide_rows::{WideRows, smallest_batch},
};

/// Sizes derived from a memory limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// The limit in bytes, or `None` if memory is unlimited.
    limit: Option<usize>,
    /// The number of partitions of a plan, or 0 if it doesn't matter.
    threads: usize,
}

/// The minimum memory for one partition of a plan with spilling joins, in bytes: enough to sort in reasonable
/// runs.
const PARTITION: usize = 64 << 20;
/// The maximum size of a batch as it is read, in bytes.
const BATCH: usize = 16 << 20;
/// The limit in bytes below which memory matters more than speed.
const TIGHT: usize = 256 << 20;
/// The memory of an open file beyond its row group, in bytes: dictionaries and pages of its columns.
const OPEN_FILE: usize = 2 << 20;

impl Budget {
    /// Creates the budget for a limit in bytes and plans of `threads` partitions.
    #[must_use]
    pub fn new(limit: Option<u64>, threads: usize) -> Self {
        let limit = limit.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Self { limit, threads }
    }

    /// Returns the budget of a session, without a limit if it has none.
    #[must_use]
    pub fn of(session: &SessionConfig) -> Self {
        session.get_extension::<Self>().map_or_else(Self::default, |budget| *budget)
    }

    fn threads(&self) -> usize {
        self.threads.max(1)
    }

    /// Returns whether there is a limit.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Returns the memory pool of the operators.
    pub(super) fn pool(&self) -> Arc<dyn MemoryPool> {
        match self.limit {
            Some(limit) => {
                if limit < TIGHT {
                    pressure::report();
                }
                Arc::new(Pool::new(limit, self.operators().unwrap_or(limit)))
            }
            None => Arc::new(UnboundedMemoryPool::default()),
        }
    }

    /// Returns the bytes for all operators.
    pub(in crate::engine) fn operators(&self) -> Option<usize> {
        self.limit.map(|limit| limit - limit / 4)
    }

    /// Returns the bytes for rows that wait in the writers of one table, at most `most`.
    #[must_use]
    pub fn waiting(&self, most: usize) -> usize {
        self.limit.map_or(most, |limit| (limit / 8).min(most))
    }

    /// Returns the number of files that the writers of one table may have open, at most `most`.
    #[must_use]
    pub fn open_files(&self, most: usize) -> usize {
        self.limit.map_or(most, |limit| (limit / 8 / OPEN_FILE).clamp(1, most))
    }

    /// Returns the size of a row group that is being written, in bytes, at most `most`.
    #[must_use]
    pub fn row_group(&self, most: usize) -> usize {
        self.limit.map_or(most, |limit| (limit / 8 / self.threads()).clamp((1 << 20).min(most), most))
    }

    /// Returns whether the rows of a partitioned table must be sorted by partition before they are written,
    /// because the writers have no room for rows of many partitions.
    #[must_use]
    pub fn sorts_partitions(&self) -> bool {
        self.limit.is_some_and(|limit| limit < TIGHT)
    }

    /// Returns the bytes of one stream that a spool keeps in memory, at most `most`.
    pub(super) fn spooled(&self, most: usize) -> usize {
        self.limit.map_or(most, |limit| (limit / 16 / self.threads()).min(most))
    }

    /// Returns the maximum size of a scan's batch as it is read, in bytes.
    pub(crate) fn batch_bytes(&self) -> usize {
        self.limit.map_or(BATCH, |limit| (limit / 32 / self.threads()).clamp(64 << 10, BATCH))
    }

    /// Returns the number of rows in a batch if a row has `row_bytes` bytes, at most `most`.
    pub(crate) fn batch_rows(&self, row_bytes: usize, most: usize) -> usize {
        (self.batch_bytes() / row_bytes.max(1)).clamp(1, most.max(1))
    }

    /// Returns the number of partitions of plans whose joins spill: each has sorts, which share the pool.
    pub(super) fn spilling_partitions(&self) -> usize {
        self.limit.map_or(self.threads(), |limit| (limit / PARTITION).clamp(1, self.threads()))
    }

    /// Returns the number of sorted runs to merge at once, if there is a limit.
    pub(super) fn fan_in(&self) -> Option<usize> {
        self.operators().map(|bytes| (bytes / (8 << 20)).clamp(4, 64))
    }

    /// Configures a session for this budget.
    pub(super) fn configure(self, config: SessionConfig) -> SessionConfig {
        let config = config.with_extension(Arc::new(self));
        let (Some(limit), Some(operators)) = (self.limit, self.operators()) else { return config };
        let rows = match limit {
            ..TIGHT => 2048,
            _ => config.batch_size(),
        };
        let mut config = config.with_batch_size(rows);
        let execution = &mut config.options_mut().execution;
        // Each sort reserves this for its merges, and a plan may have a dozen sorts.
        execution.sort_spill_reservation_bytes =
            (operators / 32 / self.threads()).min(execution.sort_spill_reservation_bytes);
        config
    }
}

#[cfg(test)]
mod budget_tests {
    use super::*;

    #[test]
    fn sizes_follow_the_limit() {
        let free = Budget::new(None, 2);
        assert_eq!(
            (free.waiting(128 << 20), free.open_files(64), free.row_group(64 << 20)),
            (128 << 20, 64, 64 << 20)
        );
        assert_eq!(
            (free.spilling_partitions(), free.sorts_partitions(), free.batch_bytes()),
            (2, false, 16 << 20)
        );

        let small = Budget::new(Some(100 << 20), 2);
        assert_eq!(small.spilling_partitions(), 1);
        assert!(small.sorts_partitions());
        assert_eq!(
            (small.batch_rows(100, 2048), small.batch_rows(100_000, 2048), small.batch_rows(1 << 40, 2048)),
            (2048, 16, 1)
        );
        let held = small.waiting(128 << 20) + small.open_files(64) * OPEN_FILE;
        assert!(held <= 25 << 20, "{held}");

        let large = Budget::new(Some(8 << 30), 2);
        assert_eq!(
            (large.waiting(128 << 20), large.open_files(64), large.spilling_partitions()),
            (128 << 20, 64, 2)
        );

        // No share is 0, however small the limit.
        let tiny = Budget::new(Some(1), 4);
        assert_eq!(
            (tiny.open_files(64), tiny.row_group(64 << 20), tiny.spilling_partitions()),
            (1, 1 << 20, 1)
        );
    }

    #[test]
    fn a_session_carries_its_budget() {
        let budget = Budget::new(Some(100 << 20), 2);
        let config = budget.configure(SessionConfig::new());
        assert_eq!(config.batch_size(), 2048);
        assert_eq!(*config.get_extension::<Budget>().unwrap(), budget);
        assert_eq!(Budget::new(None, 2).configure(SessionConfig::new()).batch_size(), 8192);
        assert!(!Budget::of(&SessionConfig::new()).is_limited());
    }
}
