//! The host behind a command: its settings, its cache, its runtime.

pub(crate) mod target;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use agentapi_host::{Agent, DEFAULT_DEADLINE, Error, Host, Target};
use anyhow::Context;
use clap::Args;
use tokio::runtime::{Builder, Runtime};

use crate::print::Output;
use crate::session::target::ConnectionOptions;

/// How the host runs the component.
#[derive(Args, Clone)]
pub(crate) struct HostOptions {
    /// Give each call N milliseconds in all [default: 15000]
    ///
    /// From looking the name up to the last byte of the answer.
    #[arg(long, value_name = "N", global = true, help_heading = "Host")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_DEADLINE_MS))]
    deadline_ms: Option<u64>,
    /// Run the component in FILE instead of the one built in
    #[arg(long, value_name = "FILE", global = true, help_heading = "Host")]
    component: Option<PathBuf>,
}

impl HostOptions {
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline_ms.map_or(DEFAULT_DEADLINE, Duration::from_millis)
    }

    /// Loads the component. A file that is no component is a failure of the component, which programs know as `internal`.
    pub(crate) fn build(&self) -> Result<Host, Error> {
        let mut builder = Host::builder().deadline(self.deadline());
        if let Some(dir) = cache_dir(|name| env::var_os(name)) {
            builder = builder.cache_dir(dir);
        }
        if let Some(file) = &self.component {
            builder = builder.component_file(file);
        }
        builder.build().map_err(|why| Error::Component(why.into()))
    }
}

/// What every command is given: the options before it, and those that all share.
pub(crate) struct Session {
    pub(crate) outer: ConnectionOptions,
    pub(crate) host: HostOptions,
    pub(crate) json: bool,
}

impl Session {
    /// Connects, and runs one command with the agent.
    pub(crate) fn with_agent(
        &self,
        connection: ConnectionOptions,
        command: impl AsyncFnOnce(&Agent, Output) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let target = connection.or(&self.outer).complete(|name| env::var_os(name))?.parse()?;
        let output = Output { json: self.json };
        block_on(single_threaded()?, async {
            let agent = self.agent(target)?;
            command(&agent, output).await
        })
    }

    /// Makes a client. Sends nothing.
    pub(crate) fn agent(&self, target: Target) -> Result<Agent, Error> {
        self.host.build()?.agent(target)
    }
}

/// A runtime for commands that do one thing at a time.
pub(crate) fn single_threaded() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("the runtime cannot be started")
}

/// Runs to the end, and does not wait for what may still hang, such as a name that is being looked up.
pub(crate) fn block_on<T>(runtime: Runtime, future: impl Future<Output = T>) -> T {
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    output
}

/// Where compiled code is kept; none where there is no place for it, or an empty one is named.
fn cache_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(named) = variable("AGENTAPI_CACHE_DIR") {
        return Some(PathBuf::from(named)).filter(|dir| !dir.as_os_str().is_empty());
    }
    // The XDG base directory specification: a relative path is ignored.
    let absolute = |name| variable(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("agentapi"))
}

/// The longest deadline, in milliseconds: a day. Who types more has mistaken the unit.
const MAX_DEADLINE_MS: u64 = 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::cache_dir;

    fn found(variables: &[(&str, &str)]) -> Option<PathBuf> {
        cache_dir(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn the_cache_is_where_it_is_named_else_where_the_platform_keeps_caches() {
        let home = ("HOME", "/home/me");
        let xdg = ("XDG_CACHE_HOME", "/caches");
        assert_eq!(found(&[("AGENTAPI_CACHE_DIR", "here"), xdg, home]), Some("here".into()));
        assert_eq!(found(&[xdg, home]), Some("/caches/agentapi".into()));
        assert_eq!(found(&[("XDG_CACHE_HOME", "relative"), home]), Some("/home/me/.cache/agentapi".into()));
    }

    #[test]
    fn without_a_home_or_with_an_empty_name_there_is_no_cache() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("HOME", "")]), None);
        assert_eq!(found(&[("AGENTAPI_CACHE_DIR", ""), ("HOME", "/home/me")]), None);
    }
}
