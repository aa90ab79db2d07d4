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

    /// Waits for the next one, and returns its number.
    pub(crate) async fn recv(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => SIGINT,
            _ = self.terminate.recv() => SIGTERM,
        }
    }
}

#[cfg(not(unix))]
impl Termination {
    /// Does nothing: the handler is installed by the first [`recv`](Self::recv).
    pub(crate) fn handle() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one, and returns the number that it has on Unix.
    pub(crate) async fn recv(&mut self) -> u8 {
        // Where the handler cannot be installed, end at once: otherwise nothing could end the command.
        let _ = tokio::signal::ctrl_c().await;
        SIGINT
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

    /// Waits for the next one, and returns its number.
    pub(crate) async fn recv(&mut self) -> u8 {
        self.hangup.recv().await;
        SIGHUP
    }
}

#[cfg(not(unix))]
impl Hangup {
    /// Does nothing: there is no such signal.
    pub(crate) fn handle() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Never returns.
    pub(crate) async fn recv(&mut self) -> u8 {
        std::future::pending().await
    }
}

// The same on every Unix.
#[cfg(unix)]
const SIGHUP: u8 = 1;
const SIGINT: u8 = 2;
#[cfg(unix)]
const SIGTERM: u8 = 15;
