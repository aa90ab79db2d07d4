//! The bus that the options name.

use std::fs;

use agentapi_controller::config::fleet::with_port;
use agentapi_fleet::nats::{Access, COORDINATOR, NatsBus};
use agentapi_host::{Authority, Fingerprint, Pins};
use anyhow::Context;

use super::BusOptions;
use crate::error::UsageError;

impl BusOptions {
    /// Connects as the coordinator.
    pub(super) async fn connect(&self) -> anyhow::Result<NatsBus> {
        let access = self.access()?;
        NatsBus::connect(&access).await.with_context(|| format!("the bus at {}", access.server))
    }

    fn access(&self) -> anyhow::Result<Access> {
        let missing = |what: &str| UsageError(format!("{what} is needed"));
        let server = self.server.as_deref().ok_or_else(|| missing("--server HOST:PORT or AGENTAPI_FLEET_SERVER"))?;
        let file = self.key_file.as_deref().ok_or_else(|| missing("--key-file FILE or AGENTAPI_FLEET_KEY_FILE"))?;
        let usage = |why: &dyn std::fmt::Display| UsageError(why.to_string());
        let server = with_port(server).parse::<Authority>().map_err(|why| usage(&why))?;
        let pins: Vec<_> = self
            .server_fingerprint
            .iter()
            .map(|text| Fingerprint::from_pasted(text))
            .collect::<Result<_, _>>()
            .map_err(|why| usage(&why))?;
        if pins.is_empty() {
            return Err(missing("--server-fingerprint SHA256 or AGENTAPI_FLEET_FINGERPRINT").into());
        }
        let pins = Pins::try_from(pins).map_err(|why| usage(&why))?;
        let seed = fs::read_to_string(file).with_context(|| format!("the key in {}", file.display()))?;
        Ok(Access { server, pins, seed: seed.trim().to_owned(), user: COORDINATOR.to_owned() })
    }
}
