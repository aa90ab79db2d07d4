//! Lets a run wait for somebody outside of this guest before it begins: for a slot of a fleet, of which only so many back up
//! at once. The controller knows nothing of how that is decided.

use std::any::Any;
use std::fmt;
use std::pin::Pin;

/// Kept by a run that was let in, from before it begins until its end is written down. What is dropped is given back.
pub type Pass = Box<dyn Any + Send>;

/// A run at the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entering {
    /// What is to run.
    pub subject: String,
    /// Whether a person has asked for it, here or by a signature.
    pub by_person: bool,
}

/// Who lets runs in.
pub trait Gate: fmt::Debug + Send + Sync + 'static {
    /// Waits until a run may begin. Given up by dropping the future.
    ///
    /// It has to end: a gate that waits for ever would cost a backup.
    fn enter(&self, run: Entering) -> Pin<Box<dyn Future<Output = Pass> + Send>>;

    /// For a run that goes on already, since an earlier controller: it is counted, and waits for nothing.
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
