//! Memory pressure: an allocator may keep freed memory for reuse, which is fast, but counts as memory of the
//! process. Once queries reach their memory limit, freed memory must go back to the system at once.

use std::sync::{Once, OnceLock};

/// Tells the allocator to return freed memory at once.
static RETURN_FREED: OnceLock<fn()> = OnceLock::new();

/// Sets the function that is called once when queries first reach their memory limit: it should make the
/// allocator return freed memory to the system at once. Only the program's main function knows its allocator.
/// Later calls have no effect.
pub fn on_pressure(return_freed: fn()) {
    let _ = RETURN_FREED.set(return_freed);
}

/// Reports that queries have reached their memory limit.
pub(super) fn report() {
    static REPORTED: Once = Once::new();
    if let Some(return_freed) = RETURN_FREED.get() {
        REPORTED.call_once(return_freed);
    }
}
