//! Makes texts from the network safe to print. The rule is the whole project's: `agentapi-contract` has it, so that command,
//! log, audit and the operator's command never differ in what they show.

pub(crate) use agentapi_host::{is_visible, visible, visible_json};
