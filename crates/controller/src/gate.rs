//! Lets a run wait for somebody outside of this guest before it begins: for a slot of a fleet, of which only so many back up
//! at once. The controller knows nothing of how that is decided.

use std::any::Any;
use std::fmt;
use std::pin::Pin;

/// What a run holds while it counts as let in: from before it begins until its end is written down. Dropping it gives it back.
pub type Pass = Box<dyn Any + Send>;

/// A run at the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entering {
    /// What is to run.
    pub subject: String,
    /// Whether a person has asked for it, here or by a signature.
    pub by_person: bool,
}

/// Decides when a run may begin.
pub trait Gate: fmt::Debug + Send + Sync + 'static {
    /// Waits until a run may begin. Dropping the future gives up the place in the queue: the run was stopped.
    ///
    /// There is no error, and the wait must end by itself: whatever fails behind the gate, a backup is made late rather than
    /// never.
    fn enter(&self, run: Entering) -> Pin<Box<dyn Future<Output = Pass> + Send>>;

    /// Counts a run that an earlier controller has begun and that still goes on. It cannot wait any more.
    fn resume(&self, subject: &str) -> Pass;
}

/// Lets everything in at once: a guest that is in no fleet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl Gate for Open {
    fn enter(&self, _: Entering) -> Pin<Box<dyn Future<Output = Pass> + Send>> {
        Box::pin(std::future::ready(Box::new(()) as Pass))
    }

    fn resume(&self, _: &str) -> Pass {
        Box::new(())
    }
}
