//! Chaos, from seeds: slots, wishes and roll-outs on a bus in memory that each of its users reaches badly, by a clock that the
//! test moves.
//!
//! `AGENTAPI_SEEDS=2000` tries more of each; `AGENTAPI_SEED=7` does one again.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands; clippy allows this in test functions only, not in helpers"
)]

mod flaky;
mod rollouts;

mod seeds;
mod slots;
mod wishes;
