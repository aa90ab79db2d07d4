//! What a TLS client sees of each behaviour, byte for byte.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests and their client")]

mod answers;
mod client;
mod endings;
mod handshakes;
mod hangs;
mod listeners;
