//! The nine routes of the agent's API, as one table that component, host, command and mock agent read.

use core::fmt;

use crate::wit::Function;

/// A method and path of the agent's API, known by the name that `agentapi call` gives it.
///
/// Not `non_exhaustive`: whoever adds a route wants every `match` on it to fail to compile, in the host and in the mock
/// agent, until somebody has decided what the route means there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// GET /storage
    Storage,
    /// GET /backup/due
    BackupDue,
    /// POST /backup
    StartBackup,
    /// GET /backup/status
    BackupStatus,
    /// GET /disks
    Disks,
    /// POST /disks/assign
    AssignDisk,
    /// POST /disks/eject
    EjectDisk,
    /// POST /disks/format
    FormatDisk,
    /// GET /host/metrics
    HostMetrics,
}

/// The method of a request. A GET changes nothing and may be sent again; a POST acts and is sent at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

/// One line of the table.
struct Row {
    name: &'static str,
    method: Method,
    path: &'static str,
    accepted: &'static [u16],
    function: Function,
}

/// What an operation that only reads is answered with.
const OK: &[u16] = &[200];
/// What an operation is answered with that the agent may still be doing.
const OK_OR_ACCEPTED: &[u16] = &[200, 202];
/// A format is answered with any status: the data in the answer says what it means.
const ANY: &[u16] = &[];

impl Route {
    /// All routes, in the order of the agent's documentation.
    pub const ALL: [Self; 9] = [
        Self::Storage,
        Self::BackupDue,
        Self::StartBackup,
        Self::BackupStatus,
        Self::Disks,
        Self::AssignDisk,
        Self::EjectDisk,
        Self::FormatDisk,
        Self::HostMetrics,
    ];

    /// The table.
    const fn row(self) -> Row {
        use Method::{Get, Post};
        match self {
            Self::Storage => Row::new("storage", Get, "/storage", OK, ("storage", "mounts")),
            Self::BackupDue => Row::new("backup-due", Get, "/backup/due", OK, ("backup", "due")),
            Self::StartBackup => Row::new("start-backup", Post, "/backup", OK_OR_ACCEPTED, ("backup", "start")),
            Self::BackupStatus => Row::new("backup-status", Get, "/backup/status", OK, ("backup", "status")),
            Self::Disks => Row::new("disks", Get, "/disks", OK, ("disks", "list")),
            Self::AssignDisk => Row::new("assign-disk", Post, "/disks/assign", OK_OR_ACCEPTED, ("disks", "assign")),
            Self::EjectDisk => Row::new("eject-disk", Post, "/disks/eject", OK_OR_ACCEPTED, ("disks", "eject")),
            Self::FormatDisk => Row::new("format-disk", Post, "/disks/format", ANY, ("disks", "format")),
            Self::HostMetrics => Row::new("host-metrics", Get, "/host/metrics", OK, ("host-metrics", "collect")),
        }
    }

    /// The operation's name in `agentapi call`, such as `backup-due`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The request's method.
    pub const fn method(self) -> Method {
        self.row().method
    }

    /// The request's path, such as `/backup/due`.
    pub const fn path(self) -> &'static str {
        self.row().path
    }

    /// The function of the WIT package that makes this request.
    pub const fn function(self) -> Function {
        self.row().function
    }

    /// Whether an answer with this status is read, rather than reported as an HTTP error.
    pub fn accepts(self, status: u16) -> bool {
        let accepted = self.row().accepted;
        accepted.is_empty() || accepted.contains(&status)
    }

    /// The route of a request; none where the agent has none such.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.path() == path && route.method().as_str() == method)
    }

    /// The route with this name; none where there is none such.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.name() == name)
    }
}

impl Row {
    const fn new(
        name: &'static str,
        method: Method,
        path: &'static str,
        accepted: &'static [u16],
        (interface, function): (&'static str, &'static str),
    ) -> Self {
        Self { name, method, path, accepted, function: Function::new(interface, function) }
    }
}

impl Method {
    /// The method as it stands in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The request line, such as `GET /backup/due`.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method(), self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::{Method, Route};

    #[test]
    fn every_route_is_found_by_its_own_method_and_path_only() {
        for route in Route::ALL {
            assert_eq!(Route::of(route.method().as_str(), route.path()), Some(route));
            assert_eq!(Route::of("PUT", route.path()), None);
            assert_eq!(Route::named(route.name()), Some(route));
            assert_eq!(route.to_string(), format!("{} {}", route.method(), route.path()));
        }
        assert_eq!(Route::of("GET", "/storage/"), None);
        assert_eq!(Route::named("any"), None);
    }

    #[test]
    fn what_only_reads_accepts_200_alone_and_what_acts_202_too() {
        for route in Route::ALL {
            let acts = route.method() == Method::Post;
            assert!(route.accepts(200), "{route}");
            assert_eq!(route.accepts(202), acts, "{route}");
            assert_eq!(route.accepts(403), route == Route::FormatDisk, "{route}");
        }
    }
}
