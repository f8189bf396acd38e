//! Plans: rules that DataFusion's optimizer runs besides its own, and limits on what is planned.
//!
//! - [`checked_scan`]: tables whose filters are always applied by the query
//! - `pushdown_guard`, `comparisons`, `constant_not_in`, `hidden_constants`, `null_keys`, `nan`: workarounds
//!   for optimizer bugs that lose or add rows; `replay`: for a join that loses rows when it spills
//! - [`joins`], `merge_keys`, `null_aware_joins`, `distinct_aggregates`, `window_partitions`, `full_joins`:
//!   plans that can spill or need less memory
//! - `read_cost`: the size of a plan
//! - [`exact_cast`]: casts that keep every value

pub mod checked_scan;
pub(super) mod comparisons;
pub(super) mod constant_not_in;
pub(super) mod distinct_aggregates;
pub mod exact_cast;
mod full_joins;
mod hidden_constants;
pub mod joins;
pub(super) mod merge_keys;
mod nan;
pub(super) mod null_aware_joins;
pub(super) mod null_keys;
pub(super) mod pushdown_guard;
pub(super) mod read_cost;
mod replay;
mod window_partitions;
