//! The bus on a real nats-server, and what people sign for guests on it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands; clippy allows this in test functions only, not in helpers"
)]

mod bus;
mod chaos;
mod controller;
mod full_disk;
mod joined;
mod orders;
mod partition;
mod proxy;
mod rollout;
mod server;
mod signer;
mod users;
mod votes;
