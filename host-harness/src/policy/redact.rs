//! What an extension learns of an error: the kind and what it carries, without address and cause.
//!
//! An extension must not learn where the agent is, and a cause may hold what the controller's own programs printed. The
//! operator finds the cause in the log.

use agentapi_contract::visible;
use agentapi_quiesce::QuiesceError;

use crate::error::{Error, Phase};
use crate::policy::bindings::felhom::agentapi::quiesce;
use crate::policy::observed::ObservedError;
use crate::sandbox::types::{Error as ComponentError, HttpAnswer, Progress};

/// The error of a call to the agent, for the extension that made it.
pub(super) fn redact(error: &Error) -> ComponentError {
    match error {
        Error::NotConnected => ComponentError::NotConnected,
        Error::InvalidArgument(why) => ComponentError::InvalidArgument(why.clone()),
        Error::Denied(rule) => ComponentError::Denied(rule.clone()),
        Error::PinMismatch { .. } => ComponentError::PinMismatch,
        Error::Unreachable { .. } => ComponentError::Unreachable("the agent cannot be reached".into()),
        Error::Tls { .. } => ComponentError::Tls("TLS with the agent failed".into()),
        Error::Interrupted { .. } => {
            ComponentError::Interrupted("the connection broke before the whole answer was there".into())
        }
        Error::Deadline { phase, .. } => ComponentError::Deadline(redact_phase(*phase)),
        Error::ResponseTooLarge { limit } => ComponentError::ResponseTooLarge(*limit),
        // The agent's own texts, in which the token is masked already. An extension needs them to act on a refusal.
        Error::BadEnvelope(why) => ComponentError::BadEnvelope(why.clone()),
        Error::HttpStatus { status, text, .. } => {
            ComponentError::HttpStatus(HttpAnswer { status: *status, text: text.clone() })
        }
        Error::Agent(text) => ComponentError::Agent(text.clone()),
        Error::Decode(why) => ComponentError::Decode(why.clone()),
        // The answers to a format have cases of their own in WIT, which `disks.format` returns; the other two are bugs.
        Error::NeedsConfirmation(_) | Error::FormatRefused(_) | Error::NoPolicy | Error::Component(_) => {
            ComponentError::Interrupted("the client failed".into())
        }
    }
}

/// The same for whoever looks on: they see what the extension sees.
pub(super) fn observed_error(error: &Error) -> ObservedError {
    let message = match redact(error) {
        ComponentError::NotConnected | ComponentError::PinMismatch => String::new(),
        ComponentError::InvalidArgument(text)
        | ComponentError::Denied(text)
        | ComponentError::Unreachable(text)
        | ComponentError::Tls(text)
        | ComponentError::Interrupted(text)
        | ComponentError::BadEnvelope(text)
        | ComponentError::Agent(text)
        | ComponentError::Decode(text) => text,
        ComponentError::Deadline(progress) => format!("{progress:?}").to_lowercase(),
        ComponentError::HttpStatus(HttpAnswer { status, text }) => format!("{status} {text}").trim_end().to_owned(),
        ComponentError::ResponseTooLarge(limit) => format!("more than {limit} bytes"),
    };
    ObservedError::new(error.kind(), message)
}

fn redact_phase(phase: Phase) -> Progress {
    match phase {
        Phase::Queued | Phase::Connecting | Phase::Handshake => Progress::Sending,
        Phase::Waiting => Progress::Waiting,
        Phase::Receiving => Progress::Receiving,
    }
}

/// The error of a freeze or thaw, for the extension that asked for it. Logs what is left out.
pub(super) fn redact_quiesce(error: &QuiesceError) -> quiesce::QuiesceError {
    match error {
        QuiesceError::Denied(rule) => quiesce::QuiesceError::Denied(rule.clone()),
        QuiesceError::Busy { holder, .. } => quiesce::QuiesceError::Busy(holder.clone()),
        QuiesceError::AlreadyFrozen => quiesce::QuiesceError::AlreadyFrozen,
        QuiesceError::NotFrozen(_) => quiesce::QuiesceError::NotFrozen,
        QuiesceError::Failed { step, source } => {
            tracing::warn!(%step, cause = %visible(&source.chain()), "an extension's freeze or thaw failed");
            quiesce::QuiesceError::Failed(step.to_string())
        }
    }
}
