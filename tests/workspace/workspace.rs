//! Tests of the workspace itself: what it depends on, what it publishes, and how others build it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod build_script;
mod deny;
mod dependencies;
mod outside;
mod packages;
mod public_api;
mod support;
