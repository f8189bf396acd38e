//! Signals that ask a command to stop: Ctrl-C (SIGINT), SIGTERM as schedulers send it, SIGHUP as a closed
//! terminal does.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The time between a signal and the process's end, at most. Kubernetes kills after 30 seconds.
const DEADLINE: Duration = Duration::from_secs(25);

/// Cancels a run at the first signal and waits for its steps to clean up. The second signal and the deadline
/// end the process: the next run removes what is left then.
pub(super) async fn cancel_on_signal(cancel: CancellationToken) {
    let Some(number) = requested().await else { return };
    cancel.cancel();
    let number = match tokio::time::timeout(DEADLINE, requested()).await {
        Ok(again) => again.unwrap_or(number),
        Err(_) => number,
    };
    // As shells report a process that a signal has ended.
    std::process::exit(128 + number);
}

/// Waits for a signal and returns its number; `None` at once if there is no handler for signals.
#[cfg(unix)]
pub(super) async fn requested() -> Option<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let mut hangup = signal(SignalKind::hangup()).ok()?;
    let kind = tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = hangup.recv() => SignalKind::hangup(),
    };
    Some(kind.as_raw_value())
}

/// Waits for Ctrl-C and returns the number that it has elsewhere; `None` at once if there is no handler for
/// it.
#[cfg(not(unix))]
pub(super) async fn requested() -> Option<i32> {
    tokio::signal::ctrl_c().await.ok().map(|()| 2)
}
