//! The built command, run as people and programs run it, against a mock agent in this process.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands; clippy allows this in test functions only, not in helpers"
)]

#[cfg(unix)]
mod asking;
#[cfg(unix)]
mod audit;
#[cfg(unix)]
mod backup_run;
mod call;
mod call_input;
mod check;
mod demo;
mod failures;
mod fingerprint;
mod format;
#[cfg(unix)]
mod frozen_files;
#[cfg(target_os = "linux")]
mod host_conformance;
mod layout;
mod mock;
mod operations;
#[cfg(target_os = "linux")]
mod record;
mod recovery_first;
#[cfg(feature = "registry")]
mod registry;
#[cfg(unix)]
mod screens;
mod secrets;
#[cfg(target_os = "linux")]
mod serve;
#[cfg(unix)]
mod signals;
mod slips;
#[cfg(target_os = "linux")]
mod standstill;
#[cfg(target_os = "linux")]
mod streams;
mod support;
#[cfg(unix)]
mod thaw;
#[cfg(unix)]
mod thaw_fails;
mod trust;
#[cfg(target_os = "linux")]
mod tutorial;
mod usage;
