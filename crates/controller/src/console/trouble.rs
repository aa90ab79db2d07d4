//! What a person is shown where something is wrong: what, and what to do.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::api::problem::{Problem, ProblemKind};
use crate::console::words::shown;

/// A problem as a page.
#[derive(Debug, Template)]
#[template(path = "trouble.html")]
pub(super) struct Trouble {
    status: StatusCode,
    what: String,
    advice: &'static str,
}

impl<P: Into<Problem>> From<P> for Trouble {
    fn from(why: P) -> Self {
        let problem = why.into();
        Self { status: problem.kind().status(), what: shown(problem.detail()), advice: advice(problem.kind()) }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        // A text in memory can be written.
        let page = self.render().unwrap_or_default();
        (self.status, Html(page)).into_response()
    }
}

pub(super) fn advice(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Denied => "Nothing was done.",
        ProblemKind::NotFound => "It may be gone, or too old to be kept. The overview leads to everything that is.",
        ProblemKind::Conflict => "It has changed since you saw it. Nothing was done: look again.",
        ProblemKind::Frozen => "A backup is being captured. The page is there again after the thaw, in moments.",
        ProblemKind::Busy | ProblemKind::State => {
            "Load the page again. If that does not help, the log of the controller says why."
        }
        ProblemKind::Deadline | ProblemKind::Interrupted => {
            "What was asked of the host agent may have been done all the same: look before you ask again."
        }
        ProblemKind::Unreachable => "The host agent does not answer. Ask the operator of the host whether it runs.",
        ProblemKind::PinMismatch | ProblemKind::Tls => {
            "Whoever answers is not the pinned host agent. Do not trust what it says: ask the operator of the host."
        }
        ProblemKind::InvalidArgument => "Nothing was done. Go back, look, and try again.",
        ProblemKind::FormatRefused => {
            "This disk is locked: only the operator of the host can have it wiped, with a signature. Nothing was done."
        }
        ProblemKind::TooManyTries => {
            "Nothing was done. Wait a minute, and compare the durable id with the disk before you type it again."
        }
        _ => "Nothing else was changed. Go back and look.",
    }
}
