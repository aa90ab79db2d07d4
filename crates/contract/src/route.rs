//! The nine routes of the agent's API, as one table that component, host, command and mock agent read.
//!
//! A route ties together what each of them needs: the component sends the method and path and checks the status, the
//! host lets nothing else out of the sandbox and maps the WIT function of a grant to it, the mock agent answers it.

use core::fmt;

use crate::wit::Function;

/// A method and path of the agent's API.
///
/// Not `#[non_exhaustive]`: a new route shall make every `match` on it fail to compile, in the host and in the mock
/// agent, until somebody has decided what it means there.
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

/// The method of a request. A GET is idempotent and may be sent again; a POST acts and is sent at most once.
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

/// Operations that only read are done when they are answered.
const OK: &[u16] = &[200];
/// Operations that act may also be accepted and still be under way.
const OK_OR_ACCEPTED: &[u16] = &[200, 202];
/// Empty stands for any status. The answer to a format is read whatever its status, because its data decides what it
/// means: a 403 carries the operation that the operator must sign.
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

    /// The table. `const`, so that a caller with a fixed route compiles to the values that it uses, without the table.
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

    /// The operation's name, in `agentapi call` and wherever people choose a route, such as `backup-due`.
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

    /// The route of a request; none if the agent has no such route. Both are compared exactly: a query, a trailing
    /// slash or a lower-case method is another request.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.path() == path && route.method().as_str() == method)
    }

    /// The route with this [`name`](Self::name); none if there is no such route.
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
    use super::*;

    /// The interfaces of the package, as extensions' authors read them.
    const WIT: [(&str, &str); 4] = [
        ("storage", include_str!("../../../wit/storage.wit")),
        ("backup", include_str!("../../../wit/backup.wit")),
        ("disks", include_str!("../../../wit/disks.wit")),
        ("host-metrics", include_str!("../../../wit/host-metrics.wit")),
    ];

    #[test]
    fn every_route_is_found_by_its_own_method_and_path_only() {
        for route in Route::ALL {
            assert_eq!(Route::of(route.method().as_str(), route.path()), Some(route));
            assert_eq!(Route::of("PUT", route.path()), None);
            assert_eq!(Route::named(route.name()), Some(route));
            assert_eq!(route.to_string(), format!("{} {}", route.method(), route.path()));
        }
        assert_eq!(Route::of("GET", "/storage/"), None);
        assert_eq!(Route::of("GET", "/storage?"), None);
        assert_eq!(Route::of("get", "/storage"), None);
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

    /// A WIT function documents the request that it makes, as `Source: GET /storage.`: here that is compared with the
    /// table, and no function that makes a request is missing from it.
    #[test]
    fn the_table_and_the_wit_package_know_the_same_requests() {
        let mut documented = Vec::new();
        for (interface, text) in WIT {
            let mut request = None;
            for line in text.lines().map(str::trim) {
                if let Some(source) = line.strip_prefix("/// Source: ") {
                    request = Some(source.trim_end_matches('.'));
                } else if let Some((name, _)) = line.split_once(": func(") {
                    let name = name.trim_start_matches('%');
                    documented.extend(request.take().map(|request| format!("{interface}.{name}: {request}")));
                }
            }
        }
        documented.sort_unstable();
        let mut table = Route::ALL.map(|route| format!("{}: {route}", route.function()));
        table.sort_unstable();
        assert_eq!(documented, table);
    }
}
