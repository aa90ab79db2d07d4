//! What the options of a command stand for: the agent to talk to, and the host that runs the client.

pub(crate) mod daemon;
pub(crate) mod host;
pub(crate) mod load;
pub(crate) mod target;
mod token;

use std::env;

use agentapi_host::{Agent, Target};

use crate::print::Output;
use crate::process::runtime::{block_on, single_threaded};
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

    /// The target that a command's own options name, together with the global ones and the environment.
    pub(crate) fn target(&self, own: &TargetOptions) -> anyhow::Result<Target> {
        Ok(own.or(&self.global_target).complete(|name| env::var_os(name))?.parse_pasted()?)
    }
}
