//! The size limit of arrays: 2³¹ bytes of text, or 2³¹ items of lists. Arrow panics or gives an error without
//! the aggregate's name if there are more.

use datafusion::{common::exec_err, error::Result};

/// The maximum number of bytes or items in one array.
pub(in crate::engine::function::aggregate) const MOST: usize = i32::MAX as usize;

/// Fails if an aggregate's array would take more bytes, or have more items, than one can.
pub(in crate::engine::function::aggregate) fn check(name: &str, size: usize) -> Result<()> {
    if size <= MOST {
        return Ok(());
    }
    exec_err!(
        "`{name}` collects more than 2 GB or 2^31 values at once, which don't fit into one column; group by more columns, or \
         aggregate shorter values"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_the_aggregate() {
        assert!(check("list(x)", MOST).is_ok());
        let error = check("list(x)", MOST + 1).unwrap_err().strip_backtrace();
        assert!(error.contains("`list(x)` collects more than 2 GB"), "{error}");
    }
}
