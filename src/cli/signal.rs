//! Signals that stop a command: SIGINT (Ctrl-C), SIGTERM (sent by schedulers) and SIGHUP (a closed terminal).

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The maximum time from the first signal to the end of the process. Kubernetes kills after 30 seconds.
const DEADLINE: Duration = Duration::from_secs(25);

/// Cancels a run at the first signal and waits for its steps to clean up. A second signal or the deadline
/// ends the process at once; then the next run cleans up.
pub(super) async fn cancel_on_signal(cancel: CancellationToken) {
    let Some(number) = requested().await else { return };
    cancel.cancel();
    let number = match tokio::time::timeout(DEADLINE, requested()).await {
        Ok(again) => again.unwrap_or(number),
        Err(_) => number,
    };
    // Shells report a process ended by a signal this way.
    std::process::exit(128 + number);
}

/// Waits for a signal and returns its number, or `None` at once if no handler can be installed.
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

/// Waits for Ctrl-C and returns its Unix signal number, or `None` at once if no handler can be installed.
#[cfg(not(unix))]
pub(super) async fn requested() -> Option<i32> {
    tokio::signal::ctrl_c().await.ok().map(|()| 2)
}
