//! Signals that would end the process: thawed first.
//!
//! Threads of their own wait for them, so neither a runtime that is held up by the frozen disk nor a handler that nobody
//! wrote keeps the thaw from happening. SIGKILL and SIGSTOP cannot be handled; after the former the next start thaws.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use signal_hook::consts::signal;
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, exit};

use crate::coordinator::Coordinator;
use crate::process::pending_signals;
use crate::shared::Shared;
use crate::sync::{now, thread};
use crate::worker::SMALL_STACK;

/// What happens to a signal when all is thawed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterThaw {
    /// Nothing: the caller handles it, and ends in order.
    Continue,
    /// It ends the process, as if it had not been waited for.
    Default,
}

impl Coordinator {
    /// Thaws when one of these comes, and then lets it have its effect. Starts two threads, which stay.
    ///
    /// ```no_run
    /// # fn f(coordinator: &agentapi_quiesce::Coordinator) -> std::io::Result<()> {
    /// use agentapi_quiesce::{AfterThaw, ending_signals};
    ///
    /// let (int, term) = (2, 15); // Handled elsewhere, which prints the report.
    /// let after = |signal| if [int, term].contains(&signal) { AfterThaw::Continue } else { AfterThaw::Default };
    /// coordinator.thaw_on_signals(ending_signals().map(|signal| (signal, after(signal))))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What the operating system says, for a signal that cannot be handled or a thread that cannot be started.
    pub fn thaw_on_signals(&self, signals: impl IntoIterator<Item = (i32, AfterThaw)>) -> io::Result<()> {
        let effects: Vec<_> = signals.into_iter().collect();
        let mut signals = Signals::new(effects.iter().map(|(signal, _)| *signal))?;
        let (shared, pending) = (Arc::clone(self.shared()), Arc::clone(self.shared()));
        let ending: Vec<_> = effects.iter().map(|(signal, _)| *signal).collect();
        let builder = SMALL_STACK
            .into_iter()
            .fold(thread::Builder::new().name("signals".into()), |builder, size| builder.stack_size(size));
        let wait = move || {
            for signal in signals.forever() {
                shared.thaw_for(signal);
                if effects.contains(&(signal, AfterThaw::Default)) {
                    let _ = emulate_default_handler(signal);
                    // It knows no real-time signal, and takes SIGIO for one that is ignored. As a shell says it.
                    exit(128 + signal);
                }
            }
        };
        builder.spawn(wait)?;
        let builder = SMALL_STACK
            .into_iter()
            .fold(thread::Builder::new().name("pending".into()), |builder, size| builder.stack_size(size));
        builder.spawn(move || pending.thaw_for_pending(&ending)).map(drop)
    }
}

impl Shared {
    /// Returns when nothing is frozen that this process has frozen, or it has been tried for long enough. What another one
    /// left frozen is in the journal already, and this process may end.
    pub(crate) fn thaw_for(&self, signal: i32) {
        self.interrupt(Some(signal));
        let until = self.settings.give_up.map(|limit| now() + limit);
        // The ring of the interrupt wakes the keeper; this waits for its answer, and not for the runtime of any caller.
        self.bell.wait_beside(until, || (!self.holds_a_freeze()).then_some(()));
        self.interrupt(None);
    }

    /// The kernel gives a signal of the process to its first thread if that does not block it, also where that thread waits
    /// for the frozen disk: its handler then runs after the thaw. So the signals that wait are looked for while something
    /// is frozen.
    fn thaw_for_pending(&self, signals: &[i32]) {
        loop {
            self.bell.wait_beside(None, || self.holds_a_freeze().then_some(()));
            thread::sleep(BETWEEN_LOOKS);
            // From /proc, which no freeze of a disk stops.
            let mask = pending_signals();
            let is_pending = |signal: &&i32| mask & (1 << (**signal - 1)) != 0;
            if let Some(signal) = signals.iter().find(is_pending) {
                self.thaw_for(*signal);
            }
        }
    }

    /// Whether this process has frozen something, or is about to.
    fn holds_a_freeze(&self) -> bool {
        self.state.borrow().held.as_ref().is_some_and(|held| held.number > 0)
    }
}

/// Every signal whose default is to end the process, but those that tell of a fault in it: signal(7).
pub fn ending_signals() -> impl Iterator<Item = i32> {
    NAMED.into_iter().chain(REAL_TIME)
}

const NAMED: [i32; 14] = [
    signal::SIGHUP,
    signal::SIGINT,
    signal::SIGQUIT,
    signal::SIGUSR1,
    signal::SIGUSR2,
    signal::SIGALRM,
    signal::SIGTERM,
    STKFLT,
    signal::SIGXCPU,
    signal::SIGXFSZ,
    signal::SIGVTALRM,
    signal::SIGPROF,
    signal::SIGIO,
    PWR,
];
/// At signals that wait: how much later than at once a thaw may be.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// Of x86 and ARM, nameless in `signal_hook`.
const STKFLT: i32 = 16;
const PWR: i32 = 30;
/// The C library keeps the first two.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;
