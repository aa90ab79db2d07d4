//! The nine routes of the agent, by the names that the command's operations have.

use std::fmt;
use std::str::FromStr;

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

    /// The route of a request, or `None` where the agent has none such.
    pub(super) fn of(method: &Method, path: &str) -> Option<Self> {
        let matching = |route: &Self| route.path() == path && route.method() == *method;
        Self::ALL.into_iter().find(matching)
    }
}

/// Which requests a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteSelector {
    /// Every request, also one to a path that the agent does not have.
    Any,
    /// Requests on this route.
    Only(Route),
}

impl RouteSelector {
    /// Whether a request on this route, `None` for an unknown one, is meant.
    pub(super) fn covers(self, route: Option<Route>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(only) => route == Some(only),
        }
    }
}

impl From<Route> for RouteSelector {
    fn from(route: Route) -> Self {
        Self::Only(route)
    }
}

impl fmt::Display for RouteSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any => "any",
            Self::Only(route) => route.name(),
        })
    }
}

impl FromStr for RouteSelector {
    type Err = UnknownRoute;

    fn from_str(text: &str) -> Result<Self, UnknownRoute> {
        if text == "any" {
            return Ok(Self::Any);
        }
        let route = Route::ALL.into_iter().find(|route| route.name() == text);
        route.map(Self::Only).ok_or(UnknownRoute)
    }
}

/// The text names no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `any` or an operation such as `backup-due` or `format-disk`")]
pub struct UnknownRoute;

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Route, RouteSelector, UnknownRoute};

    #[test]
    fn every_route_is_found_by_its_own_method_and_path_only() {
        for route in Route::ALL {
            assert_eq!(Route::of(&route.method(), route.path()), Some(route));
            assert_eq!(Route::of(&Method::PUT, route.path()), None);
        }
        assert_eq!(Route::of(&Method::GET, "/storage/"), None);
    }

    #[test]
    fn the_name_of_every_selector_is_read_back() {
        let all = Route::ALL.map(RouteSelector::Only);
        for selector in all.into_iter().chain([RouteSelector::Any]) {
            assert_eq!(selector.to_string().parse(), Ok(selector));
        }
        assert_eq!("backups".parse::<RouteSelector>(), Err(UnknownRoute));
    }
}
