//! The subcommands, one module for each.

pub(crate) mod backup;
pub(crate) mod call;
pub(crate) mod demo;
pub(crate) mod disks;
pub(crate) mod fingerprint;
pub(crate) mod metrics;
pub(crate) mod mock;
pub(crate) mod policy;
pub(crate) mod storage;
