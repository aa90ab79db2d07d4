//! The subcommands, a module for each. Where a subcommand has subcommands of its own, their modules are in its folder.

pub(crate) mod approvals;
pub(crate) mod backup;
pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod console;
pub(crate) mod demo;
pub(crate) mod disks;
pub(crate) mod events;
pub(crate) mod fingerprint;
pub(crate) mod fleet;
pub(crate) mod listing;
pub(crate) mod metrics;
pub(crate) mod mock;
pub(crate) mod notify;
pub(crate) mod policy;
pub(crate) mod record;
pub(crate) mod runs;
pub(crate) mod schedule;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod storage;
pub(crate) mod thaw;
