//! Panics of decoders and of Arrow's kernels, which damaged files and huge values cause: they are results,
//! not faults of the program.

use std::{
    any::Any,
    cell::Cell,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

thread_local! {
    static IS_EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether a panic of this thread is caught and handled, so that it needn't be reported.
#[must_use]
pub fn is_expected() -> bool {
    IS_EXPECTED.get()
}

/// Runs work that may panic. Returns the text of the panic if it did; what the work borrowed must not be used
/// again then.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = IS_EXPECTED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_EXPECTED.set(before);
    done.map_err(|panic| text(panic.as_ref()))
}

/// Runs asynchronous work that may panic. Returns the text of the panic if it did.
pub async fn caught<F: Future>(work: F) -> Result<F::Output, String> {
    let mut work = pin!(work);
    poll_fn(move |context| match catch(|| work.as_mut().poll(context)) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_expected_only_within() {
        assert_eq!(caught(async { is_expected() }).await, Ok(true));
        let panicked = caught(async {
            tokio::task::yield_now().await;
            assert!(!is_expected(), "on purpose");
        });
        assert_eq!(panicked.await, Err("on purpose".to_owned()));
        assert!(!is_expected());
    }
}
