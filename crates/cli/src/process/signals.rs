//! Signals that a command handles itself instead of being killed by them.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) const SIGHUP: u8 = 1;
pub(crate) const SIGINT: u8 = 2;
pub(crate) const SIGTERM: u8 = 15;

/// SIGINT (Ctrl-C) and SIGTERM: requests to end.
pub(crate) struct Termination {
    interrupt: Signal,
    terminate: Signal,
    received: u32,
    latest: Option<u8>,
}

impl Termination {
    /// Installs the handlers: from now on the process outlives these signals, and [`recv`](Self::recv) reports them.
    pub(crate) fn handle() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            received: 0,
            latest: None,
        })
    }

    /// Waits for the next one, and returns its number.
    pub(crate) async fn recv(&mut self) -> u8 {
        let signal = tokio::select! {
            _ = self.interrupt.recv() => SIGINT,
            _ = self.terminate.recv() => SIGTERM,
        };
        self.received += 1;
        self.latest = Some(signal);
        signal
    }

    /// The number of the latest that [`recv`](Self::recv) has reported.
    pub(crate) fn latest(&self) -> Option<u8> {
        self.latest
    }

    /// How many [`recv`](Self::recv) has reported.
    pub(crate) fn received(&self) -> u32 {
        self.received
    }
}

/// SIGHUP: the terminal is gone, or log files were rotated and should be reopened.
pub(crate) struct Hangup(Signal);

impl Hangup {
    /// Installs the handler: from now on the process outlives the signal, and [`recv`](Self::recv) reports it.
    pub(crate) fn handle() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next one, and returns its number.
    pub(crate) async fn recv(&mut self) -> u8 {
        self.0.recv().await;
        SIGHUP
    }
}
