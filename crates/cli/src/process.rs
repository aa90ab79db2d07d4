//! What belongs to the process as a whole and not to one command.

pub(crate) mod confirmation;
pub(crate) mod directories;
pub(crate) mod leave;
pub(crate) mod log;
pub(crate) mod runtime;
pub(crate) mod signals;
pub(crate) mod stderr;
