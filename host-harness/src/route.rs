//! The nine routes of the agent, by the names that the command's operations have.

use std::fmt;

use http::Method;

/// One operation of the agent: a method and a path.
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

    /// The operation's name, such as `backup-due`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::BackupDue => "backup-due",
            Self::StartBackup => "start-backup",
            Self::BackupStatus => "backup-status",
            Self::Disks => "disks",
            Self::AssignDisk => "assign-disk",
            Self::EjectDisk => "eject-disk",
            Self::FormatDisk => "format-disk",
            Self::HostMetrics => "host-metrics",
        }
    }

    /// The request's method.
    pub const fn method(self) -> Method {
        match self {
            Self::StartBackup | Self::AssignDisk | Self::EjectDisk | Self::FormatDisk => Method::POST,
            Self::Storage | Self::BackupDue | Self::BackupStatus | Self::Disks | Self::HostMetrics => Method::GET,
        }
    }

    /// The request's path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Storage => "/storage",
            Self::BackupDue => "/backup/due",
            Self::StartBackup => "/backup",
            Self::BackupStatus => "/backup/status",
            Self::Disks => "/disks",
            Self::AssignDisk => "/disks/assign",
            Self::EjectDisk => "/disks/eject",
            Self::FormatDisk => "/disks/format",
            Self::HostMetrics => "/host/metrics",
        }
    }

    /// The method and path, such as `GET /backup/due`.
    pub const fn request_line(self) -> &'static str {
        match self {
            Self::Storage => "GET /storage",
            Self::BackupDue => "GET /backup/due",
            Self::StartBackup => "POST /backup",
            Self::BackupStatus => "GET /backup/status",
            Self::Disks => "GET /disks",
            Self::AssignDisk => "POST /disks/assign",
            Self::EjectDisk => "POST /disks/eject",
            Self::FormatDisk => "POST /disks/format",
            Self::HostMetrics => "GET /host/metrics",
        }
    }

    /// The route of a request, or `None` where the agent has none such.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let matching = |route: &Self| route.path() == path && route.method() == *method;
        Self::ALL.into_iter().find(matching)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.request_line())
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::Route;

    #[test]
    fn every_route_is_found_by_its_own_method_and_path_only() {
        for route in Route::ALL {
            assert_eq!(Route::of(&route.method(), route.path()), Some(route));
            assert_eq!(Route::of(&Method::PUT, route.path()), None);
            assert_eq!(route.request_line(), format!("{} {}", route.method(), route.path()));
        }
        assert_eq!(Route::of(&Method::GET, "/storage/"), None);
    }
}
