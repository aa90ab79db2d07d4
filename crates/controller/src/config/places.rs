//! `[api]`, `[metrics]`, `[audit]` and `[state]`: sockets, files and folders. All need a restart to change, save how long
//! the history is kept.
//!
//! | key | default |
//! | --- | --- |
//! | `api.socket`, `api.socket_ro` | `agentapi.sock` and `agentapi-ro.sock` in `/run/agentapi` |
//! | `api.group` | `"agentapi"` |
//! | `api.approvers` | root alone |
//! | `api.console_hosts` | none: loopback alone |
//! | `metrics.listen` | not on loopback |
//! | `audit.file` | `audit.jsonl` in the state's folder |
//! | `state.folder` | `/var/lib/agentapi` |
//! | `state.keep_for`, `state.keep_runs` | `"90d"`, `10000` |

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::section::Section;
use super::{check_name, optional_key};

/// The local sockets, and who may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// The socket that reads and operates.
    pub socket: PathBuf,
    /// The socket that reads.
    pub socket_ro: PathBuf,
    /// The group that may use the first.
    pub group: String,
    /// Who may decide, beside root.
    pub approvers: Vec<User>,
    /// The names under which a reverse proxy brings the console to people.
    pub console_hosts: Vec<String>,
}

/// Where metrics are served beside the socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// An address of loopback.
    pub listen: Option<Loopback>,
}

/// How long the history is kept: what is older than the one or more than the other goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Age of a run.
    pub keep_for: Duration,
    /// Number of runs.
    pub keep_runs: u64,
}

/// A user of this machine, by number or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// By number.
    Uid(u32),
    /// By name.
    Name(String),
}

/// An address of loopback: nobody else reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loopback(SocketAddr);

impl Loopback {
    /// The address.
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for Loopback {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = text.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
        address.map(Self).ok_or_else(|| {
            format!("expected an address of loopback such as \"127.0.0.1:9300\" or \"[::1]:9300\", found {text:?}")
        })
    }
}

impl fmt::Display for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(uid) => uid.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => {
                text.parse().map(Self::Uid).map_err(|_| format!("expected a user's name or number, found {text:?}"))
            }
            false => check_name(text).map(Self::Name),
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            socket: "/run/agentapi/agentapi.sock".into(),
            socket_ro: "/run/agentapi/agentapi-ro.sock".into(),
            group: "agentapi".to_owned(),
            approvers: Vec::new(),
            console_hosts: Vec::new(),
        }
    }
}

pub(super) fn check_api(section: Option<Section<'_>>) -> Option<Api> {
    let defaults = Api::default();
    let Some(section) = section else { return Some(defaults) };
    let socket = optional_key(&section, "socket", |section| section.path_of("socket"));
    let socket_ro = optional_key(&section, "socket_ro", |section| section.path_of("socket_ro"));
    let group = optional_key(&section, "group", |section| section.checked("group", check_name(section.text("group")?)));
    let approvers = optional_key(&section, "approvers", |section| section.list("approvers", str::parse));
    let console_hosts = optional_key(&section, "console_hosts", |section| section.list("console_hosts", check_name));
    let (socket, socket_ro) = (socket?.unwrap_or(defaults.socket), socket_ro?.unwrap_or(defaults.socket_ro));
    if socket == socket_ro {
        section.mistake("socket_ro", "expected another path than that of socket, found the same");
    }
    section.finish();
    let (approvers, console_hosts) = (approvers?.unwrap_or_default(), console_hosts?.unwrap_or_default());
    Some(Api { socket, socket_ro, group: group?.unwrap_or(defaults.group), approvers, console_hosts })
}

pub(super) fn check_metrics(section: Option<Section<'_>>) -> Option<Metrics> {
    let Some(section) = section else { return Some(Metrics::default()) };
    let listen = optional_key(&section, "listen", |section| section.parsed("listen"));
    section.finish();
    Some(Metrics { listen: listen? })
}

/// `Some(None)` for the default, which is in the state's folder.
pub(super) fn check_audit(section: Option<Section<'_>>) -> Option<Option<PathBuf>> {
    let Some(section) = section else { return Some(None) };
    let file = optional_key(&section, "file", |section| section.path_of("file"));
    section.finish();
    file
}

pub(super) fn check_state(section: Option<Section<'_>>) -> Option<(PathBuf, Retention)> {
    let Some(section) = section else { return Some((DEFAULT_STATE.into(), Retention::default())) };
    let folder = optional_key(&section, "folder", |section| section.path_of("folder"));
    let keep_for = optional_key(&section, "keep_for", |section| section.period("keep_for"));
    let keep_runs = optional_key(&section, "keep_runs", |section| section.number("keep_runs"));
    section.finish();
    let defaults = Retention::default();
    let (keep_for, keep_runs) = (keep_for?.unwrap_or(defaults.keep_for), keep_runs?.unwrap_or(defaults.keep_runs));
    Some((folder?.unwrap_or_else(|| DEFAULT_STATE.into()), Retention { keep_for, keep_runs }))
}

impl Default for Retention {
    fn default() -> Self {
        Self { keep_for: Duration::from_secs(90 * 24 * 60 * 60), keep_runs: 10_000 }
    }
}

/// The folder of the state, as systemd's `StateDirectory=agentapi` makes it.
pub(super) const DEFAULT_STATE: &str = "/var/lib/agentapi";
