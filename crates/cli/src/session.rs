//! What the options of a command stand for: the agent to talk to, and the host that runs the client.

pub(crate) mod daemon;
pub(crate) mod host;
pub(crate) mod load;
pub(crate) mod target;
mod token;

use std::env;

use agentapi_host::{Agent, Error, Route, Target};
use serde::de::DeserializeOwned;

use crate::print::Output;
use crate::process::runtime::{block_on, single_threaded};
use crate::session::daemon::DaemonOptions;
use crate::session::host::HostOptions;
use crate::session::target::TargetOptions;

/// The options that every command shares.
pub(crate) struct Session {
    /// The target options that stand before the command's name. Those after it override them one by one.
    pub(crate) global_target: TargetOptions,
    pub(crate) host: HostOptions,
    pub(crate) output: Output,
}

impl Session {
    /// Runs a command that talks to one agent.
    pub(crate) fn with_agent(
        &self,
        target: &TargetOptions,
        command: impl AsyncFnOnce(&Agent, Output) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        // Before the component is loaded: a missing option is told at once.
        let target = self.target(target)?;
        block_on(single_threaded()?, async {
            let agent = self.host.build()?.agent(target)?;
            command(&agent, self.output).await
        })
    }

    /// Runs a command that looks one record up: at the agent that is named, or through the controller where none is, so that
    /// people on its machine need no token.
    pub(crate) fn with_record<T: DeserializeOwned>(
        &self,
        target: &TargetOptions,
        route: Route,
        call: impl AsyncFnOnce(&Agent) -> Result<T, Error>,
        show: impl FnOnce(&T, Output) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let is_named = target.or(&self.global_target).names_an_agent(|name| env::var_os(name));
        // How a call is made is the controller's business: whoever says something about it makes the call.
        let controller = if is_named || self.host.first_given().is_some() { None } else { DaemonOptions::answering() };
        match controller {
            Some(controller) => {
                let path = format!("/v1/agent/{}", route.name());
                let record = block_on(single_threaded()?, async { controller.get(&path).await })?;
                show(&record, self.output)
            }
            None => self.with_agent(target, async |agent, output| show(&call(agent).await?, output)),
        }
    }

    /// The target that a command's own options name, together with the global ones and the environment.
    pub(crate) fn target(&self, own: &TargetOptions) -> anyhow::Result<Target> {
        Ok(own.or(&self.global_target).complete(|name| env::var_os(name))?.parse_pasted()?)
    }
}
