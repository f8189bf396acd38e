//! The operators' memory pool. As in DataFusion's fair pool, operators that can spill share what the others
//! leave. Three things differ:
//! - A quarter is reserved for operators that can't spill. They include merges of spilled runs, which would
//!   otherwise fail just when the sorts before them have done their part.
//! - An operator that can spill always gets a little, because it needs one batch before it has anything to
//!   spill.
//! - An error names the operator and the setting to change.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use datafusion::{
    error::{DataFusionError, Result},
    execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation},
};

/// The operators' memory pool; see the module docs.
#[derive(Debug)]
pub(in crate::engine) struct Pool {
    /// The memory limit in bytes, for messages.
    limit: usize,
    size: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// The number of operators that can spill.
    spillers: usize,
    spillable: usize,
    fixed: usize,
}

impl Pool {
    /// Creates a pool of `size` bytes, the operators' share of a `memory_limit` of `limit` bytes.
    pub(in crate::engine) fn new(limit: usize, size: usize) -> Self {
        Self { limit, size, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the bytes that an operator that can spill always gets.
    fn little(&self) -> usize {
        (self.size / 64).min(1 << 20)
    }

    fn exhausted(&self, reservation: &MemoryReservation, additional: usize) -> DataFusionError {
        let operator = operator(reservation.consumer());
        let megabytes = |bytes: usize| bytes.div_ceil(100_000) as f64 / 10.0;
        let held = match reservation.size() {
            0 => String::new(),
            size => format!("holds {:.1} MB and ", megabytes(size)),
        };
        DataFusionError::ResourcesExhausted(format!(
            "{operator} {held}needs {:.1} MB more than memory_limit ({:.1} MB) has left for it; raise \
             `memory_limit` of the target{}",
            megabytes(additional),
            megabytes(self.limit),
            advice(reservation.consumer().name()),
        ))
    }
}

/// Describes an operator in SQL terms, with DataFusion's name for it.
fn operator(consumer: &MemoryConsumer) -> String {
    let name = consumer.name();
    let words = [
        ("ExternalSorter", "a sort"),
        ("SortPreservingMerge", "a merge of sorted rows"),
        ("TopK", "ORDER BY with LIMIT"),
        ("PartitionedTopK", "a window with a limit"),
        ("HashJoin", "a hash join"),
        ("CrossJoin", "a cross join"),
        ("NestedLoopJoin", "a join without an equality between columns"),
        ("SMJStream", "a merge join"),
        ("SymmetricHashJoin", "a join of streams"),
        ("WindowParts", "a window over a whole partition"),
        ("RecursiveQuery", "a recursive CTE"),
        ("Repartition", "the exchange between partitions"),
        ("FinalGrouped", "an aggregate"),
        ("Grouped", "an aggregate"),
        ("Aggregate", "an aggregate"),
        ("Partial", "an aggregate"),
    ];
    let known = words
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix) || name.contains("Aggregat") && *prefix == "Aggregate");
    known.map_or_else(|| format!("the operator {name}"), |(_, words)| format!("{words} ({name})"))
}

/// Returns further advice for an operator that is out of memory.
fn advice(name: &str) -> &'static str {
    if name.starts_with("CrossJoin") {
        ", or write the smaller side of the cross join first: it is held in memory"
    } else if name.starts_with("WindowParts") {
        ", or partition the window by more columns: the rows of a partition are held together"
    } else if name.contains("Aggregat") {
        ", or group by more columns: `list`, `string_agg`, `median` and their like hold the rows of a group together"
    } else {
        ", or lower `threads`"
    }
}

impl MemoryPool for Pool {
    fn name(&self) -> &'static str {
        "headwater"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.held().spillers += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            let mut held = self.held();
            held.spillers = held.spillers.saturating_sub(1);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut held = self.held();
        if reservation.consumer().can_spill() {
            held.spillable += additional;
        } else {
            held.fixed += additional;
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut held = self.held();
        if reservation.consumer().can_spill() {
            held.spillable = held.spillable.saturating_sub(shrink);
        } else {
            held.fixed = held.fixed.saturating_sub(shrink);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut held = self.held();
        if reservation.consumer().can_spill() {
            let shared = self.size.saturating_sub(held.fixed.max(self.size / 4));
            let share = shared / held.spillers.max(1);
            if reservation.size() + additional > share.max(self.little()) {
                drop(held);
                super::pressure::report();
                return Err(self.exhausted(reservation, additional));
            }
            held.spillable += additional;
        } else {
            // Spilling operators may hold more than their share by now: they started when there were fewer of
            // them.
            let spillable = held.spillable.min(self.size - self.size / 4);
            if held.fixed + additional > self.size - spillable {
                drop(held);
                return Err(self.exhausted(reservation, additional));
            }
            held.fixed += additional;
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        let held = self.held();
        held.spillable + held.fixed
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.size)
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}({} bytes)", self.name(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn register(pool: &Arc<dyn MemoryPool>, name: &str, spills: bool) -> MemoryReservation {
        MemoryConsumer::new(name).with_can_spill(spills).register(pool)
    }

    #[test]
    fn those_that_spill_leave_a_quarter_to_the_others() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Pool::new(1000, 800));
        let sorts = [register(&pool, "ExternalSorter[0]", true), register(&pool, "ExternalSorter[1]", true)];
        for sort in &sorts {
            sort.try_grow(300).unwrap();
            sort.try_grow(1).unwrap_err();
        }
        let merge = register(&pool, "ExternalSorterMerge[0]", false);
        merge.try_grow(200).unwrap();
        merge.try_grow(1).unwrap_err();
        // Released memory is available to the others.
        drop(sorts);
        merge.try_grow(600).unwrap();
        drop(merge);
        assert_eq!(pool.reserved(), 0);
    }

    #[test]
    fn those_that_spill_always_get_a_first_batch() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Pool::new(1000, 640));
        let build = register(&pool, "HashJoinInput", false);
        build.try_grow(640).unwrap();
        let sort = register(&pool, "ExternalSorter[0]", true);
        sort.try_grow(10).unwrap();
        sort.try_grow(1).unwrap_err();
    }

    #[test]
    fn an_error_names_the_operator_and_the_setting() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Pool::new(100_000_000, 75_000_000));
        let join = register(&pool, "CrossJoinExec", false);
        join.try_grow(70_000_000).unwrap();
        let error = join.try_grow(6_000_000).unwrap_err().strip_backtrace();
        assert_eq!(
            error,
            "Resources exhausted: a cross join (CrossJoinExec) holds 70.0 MB and needs 6.0 MB more than memory_limit \
             (100.0 MB) has left for it; raise `memory_limit` of the target, or write the smaller side of the cross join \
             first: it is held in memory"
        );
    }
}
