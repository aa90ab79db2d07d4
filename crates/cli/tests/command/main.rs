//! The built command, run as people and programs run it, against a mock agent in this process.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on says where; clippy knows this of test functions only, not of their helpers"
)]

#[cfg(unix)]
mod backup_run;
mod call;
mod call_lines;
mod demo;
mod failures;
mod fingerprint;
mod format;
#[cfg(unix)]
mod looped;
mod mock;
mod operations;
mod secrets;
mod support;
mod usage;
