//! Panics of decoders, which some damaged files cause: they are results, not faults of the program.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::pin,
};

use futures::FutureExt;

thread_local! {
    static IS_EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether a panic of this thread is caught and handled, so that it needn't be reported.
#[must_use]
pub fn is_expected() -> bool {
    IS_EXPECTED.get()
}

/// Runs a decoder that may panic on damaged input. Returns `None` if it did.
pub async fn caught<F: Future>(decoder: F) -> Option<F::Output> {
    let mut decoder = pin!(AssertUnwindSafe(decoder).catch_unwind());
    poll_fn(move |context| {
        let before = IS_EXPECTED.replace(true);
        let polled = decoder.as_mut().poll(context);
        IS_EXPECTED.set(before);
        polled
    })
    .await
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_expected_only_within() {
        assert_eq!(caught(async { is_expected() }).await, Some(true));
        let panicked = caught(async {
            tokio::task::yield_now().await;
            assert!(!is_expected(), "on purpose");
        });
        assert_eq!(panicked.await, None);
        assert!(!is_expected());
    }
}
