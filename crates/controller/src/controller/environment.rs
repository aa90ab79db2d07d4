//! What a controller takes from the process that it runs in.

use std::sync::Arc;

use agentapi_host::HostBuilder;
use agentapi_host::quiesce::Parked;
use tokio::sync::Notify;

use crate::api::{Inherited, Sockets};
use crate::clock::Clock;
use crate::config::Surroundings;
use crate::gate::Gate;

/// What a controller takes from the process.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// What runs the client and the extensions: its deadline, its cache, and how it loads. The controller observes it.
    pub host: HostBuilder,
    /// Who may connect, and decide.
    pub sockets: Sockets,
    /// Sockets that listen already, and are used instead of those paths.
    pub inherited: Inherited,
    /// What the configuration takes from the machine, when it is read again.
    pub surroundings: Surroundings,
    /// Notified, the configuration is read again whether its files have changed or not: for SIGHUP.
    pub reload: Arc<Notify>,
    /// Parks what the process writes beside the controller's own files, such as a standard error that is a file.
    pub park: fn() -> Parked,
    /// What was thawed before this start, for people; none where nothing was left frozen.
    pub recovered: Option<String>,
    /// Who lets runs in, besides the controller.
    pub gate: Arc<dyn Gate>,
}
