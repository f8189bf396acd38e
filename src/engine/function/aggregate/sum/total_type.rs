//! The type of partial sums.

use datafusion::arrow::datatypes::DataType;

use crate::engine::function::aggregate::types::HUGEINT;

/// The partial-result type of an exact sum, whatever its scale.
pub(super) const TOTAL: DataType = HUGEINT;

pub(super) fn is_double(of: &DataType) -> bool {
    *of == DataType::Float64
}
