//! What a host of the component must withstand, and what of it a host has kept.
//!
//! Any program can be tested that answers JSON Lines as `agentapi call` does. It is started once for each check, with
//! the agent that it is to talk to in its environment, and a [scripted agent](agentapi_scripted_agent) or a mock agent
//! plays what the check is about: another certificate, an impostor, an answer that never ends. Then outcome, time,
//! memory and what arrived at the agent are looked at.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`program`] | the program under test, one process of it |
//! | [`scene`] | a check: what is played, what is called, what must come of it |
//! | [`promise`] | the nine promises, and the scenes of each |
//! | [`case`] | the recorded exchanges |
//! | [`report`] | what was kept, as a table |
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a check that cannot be played must end the run"
)]

pub mod case;
mod compare;
mod faults;
mod machine;
mod memory;
pub mod program;
pub mod promise;
mod recorded;
pub mod report;
mod run;
pub mod scene;
mod served;
mod wire;

pub use crate::machine::has_ipv6;
pub use crate::run::{Options, run};
