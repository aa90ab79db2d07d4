//! Which requests a fault happens to.

use std::fmt;
use std::str::FromStr;

use agentapi_contract::Route;

/// Which requests a fault happens to: `any`, or the name of an operation such as `backup-due`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RouteSelector {
    /// Every request, also one for a path that the agent does not have.
    Any,
    /// Requests on this route.
    Only(Route),
}

impl RouteSelector {
    /// Whether a request on this route is among them; `None` stands for a request on no route.
    pub(crate) fn covers(self, route: Option<Route>) -> bool {
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
            Self::Any => ANY,
            Self::Only(route) => route.name(),
        })
    }
}

impl FromStr for RouteSelector {
    type Err = UnknownRoute;

    fn from_str(text: &str) -> Result<Self, UnknownRoute> {
        match text {
            ANY => Ok(Self::Any),
            _ => Route::named(text).map(Self::Only).ok_or(UnknownRoute),
        }
    }
}

/// The text names no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `any` or an operation such as `backup-due` or `format-disk`")]
#[non_exhaustive]
pub struct UnknownRoute;

/// The text that stands for every request; no route has this name.
const ANY: &str = "any";

#[cfg(test)]
mod tests {
    use super::{Route, RouteSelector, UnknownRoute};

    #[test]
    fn the_name_of_every_selector_is_read_back() {
        let all = Route::ALL.map(RouteSelector::Only);
        for selector in all.into_iter().chain([RouteSelector::Any]) {
            assert_eq!(selector.to_string().parse(), Ok(selector));
        }
        assert_eq!("backups".parse::<RouteSelector>(), Err(UnknownRoute));
    }
}
