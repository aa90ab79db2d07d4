//! A call that failed, as it stands in the report.
//!
//! Every extension in Rust has this file. It cannot be shared as it is, because wit-bindgen generates the type `Error`
//! into each extension anew, and a folder that is copied to begin another extension should be complete.

use alloc::format;
use alloc::string::{String, ToString};

use serde::Serialize;

use crate::bindings::felhom::agentapi::types::{Error, Progress};

/// Which call failed, and how.
#[derive(Serialize)]
pub(crate) struct Failure {
    /// The function, such as `disks.list`.
    pub(crate) call: &'static str,
    /// The error's name in `wit/types.wit`.
    pub(crate) kind: &'static str,
    /// What the error carries; empty if it carries nothing.
    pub(crate) message: String,
}

impl Failure {
    /// The failure of a call. Exhaustive, so that a new kind of error gets a name here before it compiles.
    pub(crate) fn new(call: &'static str, error: &Error) -> Self {
        let (kind, message) = match error {
            Error::NotConnected => ("not-connected", String::new()),
            Error::InvalidArgument(why) => ("invalid-argument", why.clone()),
            Error::Denied(rule) => ("denied", rule.clone()),
            Error::PinMismatch => ("pin-mismatch", String::new()),
            Error::Unreachable(why) => ("unreachable", why.clone()),
            Error::Tls(why) => ("tls", why.clone()),
            Error::Interrupted(why) => ("interrupted", why.clone()),
            Error::Deadline(progress) => ("deadline", progress_text(*progress).into()),
            Error::HttpStatus(answer) => {
                ("http-status", format!("{} {}", answer.status, answer.text).trim_end().into())
            }
            Error::ResponseTooLarge(limit) => ("response-too-large", limit.to_string()),
            Error::BadEnvelope(why) => ("bad-envelope", why.clone()),
            Error::Agent(text) => ("agent", text.clone()),
            Error::Decode(why) => ("decode", why.clone()),
        };
        Self { call, kind, message }
    }
}

fn progress_text(progress: Progress) -> &'static str {
    match progress {
        Progress::Sending => "sending",
        Progress::Waiting => "waiting",
        Progress::Receiving => "receiving",
    }
}
