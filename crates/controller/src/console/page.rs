//! What all pages have: the guest, the way to the others, who looks, and what they may do.

use askama::Template;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;

use crate::api::ApiState;
use crate::api::access::{Access, Rights};
use crate::api::problem::Problem;
use crate::console::form::Secret;
use crate::console::time::Time;
use crate::console::trouble::Trouble;

/// What surrounds a page. An extractor: made of the request.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) guest: String,
    pub(super) path: String,
    pub(super) uid: u32,
    pub(super) may_operate: bool,
    pub(super) may_decide: bool,
    /// Goes into each form.
    pub(super) token: String,
    pub(super) now: Timestamp,
    /// Approvals that wait.
    pub(super) waiting: usize,
    /// Whether there are pages of a fleet.
    pub(super) has_fleet: bool,
    /// What the act that led here has done.
    pub(super) notice: Option<&'static str>,
}

#[derive(Deserialize)]
struct Done {
    done: Option<String>,
}

impl FromRequestParts<ApiState> for Page {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Trouble> {
        let missing = || Problem::internal("a page was asked for without rights", "no socket, or no secret");
        let rights = parts.extensions.get::<Rights>().cloned().ok_or_else(missing)?;
        let token = parts.extensions.get::<Secret>().ok_or_else(missing)?.token(rights.peer.uid);
        let Query(Done { done }) = Query::from_request_parts(parts, state).await.map_err(Problem::from)?;
        let notice = done.and_then(|done| NOTICES.iter().find(|(name, _)| *name == done)).map(|(_, text)| *text);
        Ok(Self {
            guest: state.guest.clone(),
            path: parts.uri.path().to_owned(),
            uid: rights.peer.uid,
            may_operate: rights.allow(Access::Operate),
            may_decide: rights.allow(Access::Decide),
            token,
            now: state.clock.now(),
            waiting: state.desk.waiting().borrow().len(),
            has_fleet: state.board.borrow().is_some(),
            notice,
        })
    }
}

impl Page {
    /// The pages, with whether each is this one or stands above it.
    pub(super) fn tabs(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let fleet = self.has_fleet.then_some(("/fleet", "Fleet"));
        TABS.into_iter().chain(fleet).map(|(path, name)| {
            let below = self.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            (path, name, if path == "/" { self.path == "/" } else { below })
        })
    }

    pub(super) fn time(&self, at: Timestamp) -> Time {
        Time::new(at, self.now)
    }

    pub(super) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// A page that is shown.
pub(super) struct Shown<T>(pub(super) T);

impl<T: Template> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(page) => Html(page).into_response(),
            Err(why) => Trouble::from(Problem::internal("the page cannot be made", &why.to_string())).into_response(),
        }
    }
}

const TABS: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/disks", "Disks"),
    ("/backups", "Backups"),
    ("/health", "Health"),
    ("/extensions", "Extensions"),
    ("/runs", "Runs"),
    ("/approvals", "Approvals"),
    ("/events", "Events"),
];

/// What an act that was done is called in the address of the page that it leads to, and what is said there.
const NOTICES: &[(&str, &str)] = &[
    ("paused", "Paused: no run begins until it is resumed."),
    ("resumed", "Resumed: it goes on with its next due time."),
    ("stopping", "It was told to stop, and ends in a moment."),
    ("ejected", "Ejected: the disk can be taken out."),
    ("assigned", "Assigned: the disk is mounted."),
    ("asked", "Asked for. Nothing is wiped before a person has approved it."),
    ("approved", "Approved: the disk is looked at once more, and wiped if it is still the same."),
    ("refused", "Refused: nothing is wiped."),
];
