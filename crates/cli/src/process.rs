//! What belongs to the process as a whole.

pub(crate) mod log;
pub(crate) mod signals;
