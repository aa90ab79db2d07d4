//! `--deadline-ms` and `--component`: how the host runs the client.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use agentapi_host::{DEFAULT_DEADLINE, Error, Host, HostBuilder};
use clap::Args;

use crate::process::directories::{BaseDirectory, base_directory};
use crate::session::load::LoadOptions;

/// How the host runs the component.
#[derive(Args, Clone)]
pub(crate) struct HostOptions {
    /// Give each call N milliseconds in all [default: 15000] [env: AGENTAPI_DEADLINE_MS]
    ///
    /// From looking the name up to the last byte of the answer.
    #[arg(long, value_name = "N", global = true, help_heading = "Host")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_DEADLINE_MS))]
    deadline_ms: Option<u64>,
    /// Run the component in FILE instead of the one built in
    #[arg(long, value_name = "FILE", global = true, help_heading = "Host")]
    component: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: LoadOptions,
}

impl HostOptions {
    /// The deadline by the option, else by the environment. That is looked at by whoever makes a call only: a thaw must not
    /// fail because of a wrong number there.
    pub(crate) fn deadline(&self) -> Result<Duration, Error> {
        let given = self.deadline_ms.map(Ok).or_else(|| env::var_os(DEADLINE_VARIABLE).map(|text| deadline_ms(&text)));
        given.transpose().map(|limit| limit.map_or(DEFAULT_DEADLINE, Duration::from_millis))
    }

    /// The name of one of these options that was given, for commands that call nobody.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        let given = [("deadline-ms", self.deadline_ms.is_some()), ("component", self.component.is_some())];
        given.into_iter().find_map(|(name, is_given)| is_given.then_some(name))
    }

    /// Compiles the component, or takes it from the cache. A component that cannot be loaded is reported as
    /// [`Error::Component`], so that programs see the kind `internal` as they do when it traps.
    pub(crate) fn build(&self) -> Result<Host, Error> {
        self.builder()?.build().map_err(|error| Error::Component(error.into()))
    }

    /// The host that these options describe, before anything is compiled.
    pub(crate) fn builder(&self) -> Result<HostBuilder, Error> {
        let mut builder = Host::builder().deadline(self.deadline()?);
        builder = builder.loading(LoadOptions::child()).load_limits(self.load.limits());
        if let Some(dir) = cache_dir(|name| env::var_os(name)) {
            builder = builder.cache_dir(dir);
        }
        if let Some(file) = &self.component {
            builder = builder.component_file(file);
        }
        Ok(builder)
    }
}

fn deadline_ms(text: &OsStr) -> Result<u64, Error> {
    let limit = text.to_str().and_then(|digits| digits.parse().ok());
    limit.filter(|limit| (1..=MAX_DEADLINE_MS).contains(limit)).ok_or_else(|| {
        let found = text.to_string_lossy();
        let expected = format!("{DEADLINE_VARIABLE}: expected a number of 1 to {MAX_DEADLINE_MS}, found {found:?}");
        Error::InvalidArgument(expected)
    })
}

/// Where compiled code is cached. None if the environment names no directory, or an empty one on purpose.
pub(crate) fn cache_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    match variable("AGENTAPI_CACHE_DIR") {
        Some(named) => Some(PathBuf::from(named)).filter(|dir| !dir.as_os_str().is_empty()),
        None => base_directory(BaseDirectory::Cache, variable).map(|caches| caches.join("agentapi")),
    }
}

const DEADLINE_VARIABLE: &str = "AGENTAPI_DEADLINE_MS";
/// The longest deadline, in milliseconds: a day. Anything longer is a mistake in the unit.
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
