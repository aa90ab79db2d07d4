//! What is sent to a process: to end, or to open its files anew.

use std::io;

/// Ctrl-C, or a request to end.
pub(super) struct Interruption {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interruption {
    /// From now on such a signal is waited for, and ends nothing by itself.
    pub(super) fn expect() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(super) async fn come(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Interruption {
    /// From now on such a signal is waited for.
    pub(super) fn expect() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(super) async fn come(&mut self) {
        // The only error is that the signal cannot be waited for: then it ends at once.
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Does something at each SIGHUP, without end. From the first poll on, that signal ends nothing by itself.
#[cfg(unix)]
pub(super) async fn at_each_hangup(mut act: impl FnMut()) -> io::Result<std::convert::Infallible> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        hangup.recv().await;
        act();
    }
}

/// There is no such signal.
#[cfg(not(unix))]
pub(super) async fn at_each_hangup(_: impl FnMut()) -> io::Result<std::convert::Infallible> {
    std::future::pending().await
}
