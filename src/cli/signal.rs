//! Signals that stop a command: SIGINT (Ctrl-C), SIGTERM (sent by schedulers) and SIGHUP (a closed terminal).

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

/// The maximum time from the first signal to the end of the process. Kubernetes kills after 30 seconds.
const DEADLINE: Duration = Duration::from_secs(25);
/// The same, but while nothing is being written, so that nothing has to be cleaned up.
const PATIENCE: Duration = Duration::from_secs(2);

/// The handlers of these signals. From their installation on, none of the signals ends the process by itself.
pub(super) struct StopSignals {
    #[cfg(unix)]
    kinds: [tokio::signal::unix::Signal; 3],
}

#[cfg(unix)]
impl StopSignals {
    /// Installs the handlers. Returns `None` if that fails; then a signal ends the process by itself.
    pub(super) fn install() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let on = |kind: SignalKind| signal(kind).ok();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(on);
        Some(Self { kinds: [interrupt?, terminate?, hangup?] })
    }

    /// Waits for a signal and returns its number. A signal since the installation counts, too.
    pub(super) async fn next(&mut self) -> i32 {
        use tokio::signal::unix::SignalKind;
        let [interrupt, terminate, hangup] = &mut self.kinds;
        let kind = tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
            _ = hangup.recv() => SignalKind::hangup(),
        };
        kind.as_raw_value()
    }
}

#[cfg(not(unix))]
impl StopSignals {
    /// Does nothing: the handler of Ctrl-C is installed when it is waited for.
    pub(super) fn install() -> Option<Self> {
        Some(Self {})
    }

    /// Waits for Ctrl-C and returns its Unix signal number.
    pub(super) async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        2
    }
}

/// A command that a signal cancels. A second signal, or the deadline, ends the process at once; then the next
/// run cleans up.
pub(super) struct Cancellable {
    /// The token that a signal cancels.
    pub(super) cancel: CancellationToken,
    state: Arc<CancelState>,
    /// Ends the thread that listens.
    listening: CancellationToken,
}

#[derive(Default)]
struct CancelState {
    /// True while steps run, which have something to clean up.
    is_running: AtomicBool,
    /// The number of the signal, or 0.
    signal: AtomicI32,
}

impl Cancellable {
    /// Installs the handlers and begins to listen, on a thread of its own: a query can keep all others busy
    /// for as long as it likes.
    pub(super) fn begin() -> Self {
        let (cancel, state) = (CancellationToken::new(), Arc::new(CancelState::default()));
        let listening = CancellationToken::new();
        let (installed, is_installed) = mpsc::channel();
        let listen = listen(installed, listening.clone(), cancel.clone(), Arc::clone(&state));
        if thread::Builder::new().name("signals".into()).spawn(listen).is_ok() {
            // It fails if the thread ended early; then a signal ends the process by itself.
            let _ = is_installed.recv();
        }
        Self { cancel, state, listening }
    }

    /// Marks the beginning or the end of the steps.
    pub(super) fn set_running(&self, is_running: bool) {
        self.state.is_running.store(is_running, Ordering::Relaxed);
    }

    /// Reports that the command was cancelled before its first step. Returns its exit code, as shells do.
    pub(super) fn cancelled(&self) -> ExitCode {
        self.cancelled_as("cancelled: nothing was run\n")
    }

    /// Reports that the command was cancelled, by this message. Returns its exit code, as shells do.
    pub(super) fn cancelled_as(&self, message: &str) -> ExitCode {
        super::failure::say(message);
        let code = 128 + self.state.signal.load(Ordering::Relaxed);
        ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
    }
}

impl Drop for Cancellable {
    fn drop(&mut self) {
        self.listening.cancel();
    }
}

/// Returns the work of the thread that listens: says when the handlers are installed, and ends with `done`.
fn listen(
    installed: mpsc::Sender<()>,
    done: CancellationToken,
    cancel: CancellationToken,
    state: Arc<CancelState>,
) -> impl FnOnce() + Send {
    move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let Some(signals) = StopSignals::install() else { return };
            // The command waits for it.
            let _ = installed.send(());
            tokio::select! {
                () = done.cancelled() => {}
                () = cancel_on_signal(signals, cancel, state) => {}
            }
        });
    }
}

async fn cancel_on_signal(mut signals: StopSignals, cancel: CancellationToken, state: Arc<CancelState>) {
    let number = signals.next().await;
    state.signal.store(number, Ordering::Relaxed);
    cancel.cancel();
    let deadline = if state.is_running.load(Ordering::Relaxed) { DEADLINE } else { PATIENCE };
    let number = tokio::time::timeout(deadline, signals.next()).await.unwrap_or(number);
    // Shells report a process ended by a signal this way.
    std::process::exit(128 + number);
}
