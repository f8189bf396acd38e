//! The `headwater` binary: a thin wrapper around the library.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// mimalloc's `mi_option_purge_delay`: how many milliseconds freed memory is kept for reuse. libmimalloc-sys
/// doesn't name it; it precedes `mi_option_use_numa_nodes`.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = libmimalloc_sys::mi_option_use_numa_nodes - 1;

fn main() -> ExitCode {
    headwater::on_pressure(return_freed_memory);
    headwater::main()
}

/// Makes the allocator return freed memory to the system at once instead of after a second.
#[expect(unsafe_code, reason = "mimalloc's options have no safe interface")]
fn return_freed_memory() {
    // SAFETY: sets a number that mimalloc reads when memory is freed; any value is valid at any time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) }
}
