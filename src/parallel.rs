//! Parallel work on many items, on threads with the same large stacks as the main ones: user input is
//! processed recursively, however deeply it is nested.

use std::{
    panic::resume_unwind,
    thread::{self, ScopedJoinHandle},
};

/// The stack size of a thread in bytes. Only pages in use take memory.
pub const STACK: usize = 256 << 20;

/// Calls `work` on every item and returns the results in order. Uses at most `threads` threads; each gets at
/// least `fewest` items, since a thread has a cost too.
pub fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    fewest: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let size = items.len().div_ceil(threads.max(1)).max(fewest).max(1);
    let work = &work;
    let all = move |items: &[T]| items.iter().map(work).collect::<Vec<R>>();
    thread::scope(|scope| {
        // If a thread can't be started, do its work here.
        let start =
            |chunk| match thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || all(chunk)) {
                Ok(thread) => Started::Elsewhere(thread),
                Err(_) => Started::Here(all(chunk)),
            };
        let started: Vec<_> = items.chunks(size).map(start).collect();
        started.into_iter().flat_map(Started::ended).collect()
    })
}

enum Started<'scope, R> {
    Elsewhere(ScopedJoinHandle<'scope, Vec<R>>),
    Here(Vec<R>),
}

impl<R> Started<'_, R> {
    fn ended(self) -> Vec<R> {
        match self {
            Self::Elsewhere(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Self::Here(results) => results,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1_000).collect();
        for (threads, fewest) in [(1, 1), (4, 1), (3, 400), (0, 0)] {
            assert_eq!(
                in_parallel(&items, threads, fewest, |item| item * 2),
                items.iter().map(|item| item * 2).collect::<Vec<_>>()
            );
        }
        assert!(in_parallel(&[0; 0], 2, 1, |item: &i32| *item).is_empty());
    }
}
