//! Freezes and thaws with real programs, and through the end of a real process.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on is to stop"
)]

mod programs;
mod recovery;
mod support;
