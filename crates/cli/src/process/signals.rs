//! What is sent to a process: to end, or to open its files anew.

use std::io;

/// Ctrl-C, or a request to end.
pub(crate) struct Interruption {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interruption {
    /// From now on such a signal is waited for, and ends nothing by itself.
    pub(crate) fn expect() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(crate) async fn come(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Interruption {
    /// From now on such a signal is waited for.
    pub(crate) fn expect() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(crate) async fn come(&mut self) {
        // The only error is that the signal cannot be waited for: then it ends at once.
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// A terminal that is gone, or a request to open files anew.
pub(crate) struct Hangup {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Hangup {
    /// From now on such a signal is waited for, and ends nothing by itself.
    pub(crate) fn expect() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { hangup: signal(SignalKind::hangup())? })
    }

    /// Waits for the next one.
    pub(crate) async fn come(&mut self) {
        self.hangup.recv().await;
    }
}

#[cfg(not(unix))]
impl Hangup {
    /// There is no such signal.
    pub(crate) fn expect() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits without end.
    pub(crate) async fn come(&mut self) {
        std::future::pending().await
    }
}
