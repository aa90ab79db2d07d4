//! End to end: the built component in the host, over real TLS, against the mock agent and scripted agents.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod approvals;
mod audit;
mod broken_answers;
mod built;
mod burst;
mod call_order;
mod component;
mod composition;
mod deadline;
mod descriptors;
mod egress;
mod errors;
mod fault_matrix;
mod load_bombs;
mod minimal_host;
mod operations;
mod pin;
mod policy;
mod policy_audit;
mod policy_audit_cut;
mod policy_command;
mod policy_given;
mod policy_kept;
mod policy_quiesce;
mod policy_shown;
mod pool;
mod presented;
mod reuse;
mod secrets;
mod session;
mod size;
mod support;
mod twice;
mod unasked;
