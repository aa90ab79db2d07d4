//! Signals that a command handles itself instead of being killed by them. None of them exist outside Unix but Ctrl-C.

use std::io;

/// SIGINT (Ctrl-C) and SIGTERM: requests to end.
pub(crate) struct Termination {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Termination {
    /// Installs the handlers: from now on the process outlives these signals, and [`recv`](Self::recv) reports them.
    pub(crate) fn handle() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(crate) async fn recv(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Termination {
    /// Does nothing: the handler is installed by the first [`recv`](Self::recv).
    pub(crate) fn handle() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(crate) async fn recv(&mut self) {
        // Where the handler cannot be installed, end at once: otherwise nothing could end the command.
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// SIGHUP: the terminal is gone, or log files were rotated and should be reopened.
pub(crate) struct Hangup {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Hangup {
    /// Installs the handler: from now on the process outlives the signal, and [`recv`](Self::recv) reports it.
    pub(crate) fn handle() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { hangup: signal(SignalKind::hangup())? })
    }

    /// Waits for the next one.
    pub(crate) async fn recv(&mut self) {
        self.hangup.recv().await;
    }
}

#[cfg(not(unix))]
impl Hangup {
    /// Does nothing: there is no such signal.
    pub(crate) fn handle() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Never returns.
    pub(crate) async fn recv(&mut self) {
        std::future::pending().await
    }
}
