//! The proof that this process writes nothing while something is frozen.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Says that nothing in this process writes to a disk until the thaw: no log file, audit, journal or database, not even
/// from another thread.
///
/// A write to a frozen file system waits in the kernel, whatever time-outs say, and holds back even SIGKILL: a process
/// that is killed with such a thread is not gone before the thaw. The keeper of a freeze needs no such thread, but whoever
/// is to see to the rest of the process should not stand in one.
///
/// The coordinator keeps a clone until all is thawed and journalled, so a value that resumes the writing when it is
/// dropped ([`Parked::until_dropped`]) resumes then.
#[derive(Clone)]
pub struct Parked {
    _guard: Option<Arc<dyn Any + Send + Sync>>,
}

impl Parked {
    /// This process has nothing that writes: it keeps no file, and what it prints goes to a terminal, a pipe or a socket.
    pub fn nothing_to_park() -> Self {
        Self { _guard: None }
    }

    /// What writes is parked as long as this lives. It is dropped on a thread of the coordinator, after the thaw.
    pub fn until_dropped(guard: impl Any + Send + Sync) -> Self {
        Self { _guard: Some(Arc::new(guard)) }
    }
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parked").finish_non_exhaustive()
    }
}
