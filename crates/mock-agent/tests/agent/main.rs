//! A whole mock agent over real TLS, as a client sees it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod bounds;
mod change;
mod client;
mod faults;
mod members;
mod routes;
