//! What the user can do about a failed call. Printed after the error, on the same line.

use agentapi_host::{Error, Method, Phase, PinMismatch, Route};

/// The hint for an error. None if there is nothing to do beyond what the error says.
pub(super) fn hint(error: &Error) -> Option<String> {
    let text = match error {
        Error::NotConnected | Error::Component(_) => {
            "check the file that --component names; without one, this is a bug".into()
        }
        Error::InvalidArgument(_) => "nothing was sent".into(),
        Error::Denied(_) => "nothing was sent: the host allows the agent's nine routes only".into(),
        // Not a renewed certificate: adding its fingerprint as a pin would not help, and must not be suggested.
        Error::PinMismatch { authority, source: PinMismatch::KeyNotProven } => {
            format!("somebody presents a copy of it at {authority}: do not connect, tell the host's operator")
        }
        Error::PinMismatch { authority, .. } => format!(
            "nothing was sent: compare out of band with `agentapi fingerprint {authority}`; if the certificate was \
             renewed, give the new fingerprint as a second --fingerprint"
        ),
        Error::Unreachable { .. } => "is the agent running, and is the endpoint right?".into(),
        Error::Tls { .. } => "is this the agent's port? It speaks TLS 1.2 or 1.3".into(),
        Error::Interrupted { route, .. } if route.method() == Method::Get => "try again".into(),
        Error::Interrupted { route, .. } => look_before_repeating(*route),
        Error::Deadline { phase, .. } => deadline_hint(*phase),
        Error::HttpStatus { route, status, .. } => status_hint(*route, *status)?,
        Error::ResponseTooLarge { .. } | Error::BadEnvelope(_) | Error::Decode(_) => {
            "is this the agent, and of a version that fits?".into()
        }
        Error::Agent(_) => "that is the agent's own answer".into(),
        _ => return None,
    };
    Some(text)
}

fn status_hint(route: Route, status: u16) -> Option<String> {
    let changes_a_disk = matches!(route, Route::AssignDisk | Route::EjectDisk | Route::FormatDisk);
    let text = match status {
        300..=399 => "the agent sends elsewhere, and redirects are not followed; is the endpoint right?",
        401 => "check the token: is it this guest's, and still valid?",
        // On these routes such a status is about the disk or path in the body, not about token or route.
        400 | 403 | 404 | 409 if changes_a_disk => {
            "the agent does not do that with this disk and path: see `agentapi disks list`"
        }
        403 => "check the token: may this guest do that?",
        404 | 405 => "is this the agent, and new enough to know this route?",
        429 => "the agent wants fewer requests: wait, then try again",
        500.. if route.method() == Method::Get => "try again; if it stays, see the agent's log",
        // A failing server may have done the work before it failed, or may still be doing it behind a proxy.
        500.. => return Some(look_before_repeating(route)),
        _ => return None,
    };
    Some(text.into())
}

fn deadline_hint(phase: Phase) -> String {
    match phase {
        Phase::Waiting | Phase::Receiving => {
            "the agent may have acted: look before you repeat; --deadline-ms gives more time".into()
        }
        Phase::Queued | Phase::Connecting | Phase::Handshake => {
            "nothing was sent: is the host busy? --deadline-ms gives more time".into()
        }
    }
}

fn look_before_repeating(route: Route) -> String {
    let look = if route == Route::StartBackup { "agentapi backup status" } else { "agentapi disks list" };
    format!("the agent may have acted: see `{look}` before you repeat it")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use agentapi_host::{Error, Phase, PinMismatch, Route};

    use super::hint;

    #[test]
    fn a_lost_answer_to_a_post_says_to_look_first() {
        let interrupted = |route| {
            let authority = "agent:1".parse().unwrap();
            hint(&Error::Interrupted { route, authority, source: "reset".into() }).unwrap()
        };
        assert_eq!(interrupted(Route::Storage), "try again");
        assert!(interrupted(Route::StartBackup).contains("`agentapi backup status` before you repeat"));
        assert!(interrupted(Route::FormatDisk).contains("`agentapi disks list` before you repeat"));
        let deadline = |phase| hint(&Error::Deadline { route: None, limit: Duration::ZERO, phase }).unwrap();
        assert!(deadline(Phase::Waiting).starts_with("the agent may have acted"));
        assert!(deadline(Phase::Handshake).starts_with("nothing was sent"));
    }

    #[test]
    fn a_status_says_where_to_look() {
        let status_hint = |route, status| hint(&Error::HttpStatus { route, status, text: String::new() });
        assert!(status_hint(Route::Disks, 401).unwrap().starts_with("check the token"));
        assert!(status_hint(Route::Disks, 302).unwrap().contains("redirects are not followed"));
        assert!(status_hint(Route::Disks, 503).unwrap().starts_with("try again"));
        assert!(status_hint(Route::EjectDisk, 404).unwrap().contains("see `agentapi disks list`"));
        assert!(status_hint(Route::Storage, 404).unwrap().starts_with("is this the agent"));
        assert!(status_hint(Route::EjectDisk, 503).unwrap().contains("may have acted"));
        assert_eq!(status_hint(Route::Disks, 418), None);
    }

    #[test]
    fn a_copied_certificate_is_not_a_renewed_one() {
        let authority = "agent:1".parse().unwrap();
        let text = hint(&Error::PinMismatch { authority, source: PinMismatch::KeyNotProven }).unwrap();
        assert!(text.contains("do not connect") && !text.contains("--fingerprint"), "{text}");
    }
}
