//! Freezes and thaws with real programs, and through the end of a real process.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on is to stop"
)]

mod databases;
mod deaths;
mod file_system;
mod held;
mod holders;
mod programs;
mod races;
mod recovery;
mod signals;
mod support;
