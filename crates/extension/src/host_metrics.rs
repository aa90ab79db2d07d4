//! How the host and its storage are doing.

use crate::CallError;
use crate::bindings::felhom::agentapi::host_metrics as host;

pub use crate::types::{HostStatus, MetricsView, Smart, SmartHealth, StorageTarget, ThinPool};

/// The host's metrics now. Needs the grant `host-metrics.collect`.
///
/// # Errors
///
/// Any case of [`Error`](crate::types::Error) but `InvalidArgument`.
pub fn collect() -> Result<MetricsView, CallError> {
    host::collect().map_err(CallError::of("host-metrics.collect"))
}
