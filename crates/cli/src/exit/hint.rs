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
        204 => "the agent said nothing at all, which it never does: is a proxy in between, or is it another program?",
        304 => "that is the answer of a cache, and no agent has one: is a proxy in between?",
        300..=399 => "the agent sends elsewhere, and redirects are not followed; is the endpoint right?",
        401 => "check the token: is it this guest's, and still valid?",
        // On these routes such a status is about the disk or path in the body, not about token or route.
        400 | 403 | 404 | 409 if changes_a_disk => {
            "the agent does not do that with this disk and path: see `agentapi disks list`"
        }
        400 => "the agent does not understand the request: is it of a version that fits?",
        403 => "check the token: may this guest do that?",
        404 | 405 => "is this the agent, and new enough to know this route?",
        409 => "the agent is busy with something that excludes this: see `agentapi backup status`, then try again",
        413 => "the request is small, so it is not the agent that refuses it: is a proxy in between?",
        423 => "the guest is locked, as a rule by a backup or a migration: wait until that is over, then try again",
        429 => "the agent wants fewer requests: wait, then try again",
        502 if route.method() == Method::Get => {
            "a proxy answers for an agent that it cannot reach: is the agent running?"
        }
        502 => {
            let look = look_before_repeating(route);
            return Some(format!("a proxy answers for an agent that it lost: {look}"));
        }
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

    /// Each status that has a hint, on a route that reads, on the one that starts a backup, and on one that changes a disk.
    #[test]
    fn each_status_has_its_hint() {
        let disk = "the agent does not do that with this disk and path: see `agentapi disks list`";
        let look_at_backup = "the agent may have acted: see `agentapi backup status` before you repeat it";
        let look_at_disks = "the agent may have acted: see `agentapi disks list` before you repeat it";
        let lost = "a proxy answers for an agent that it lost: ";
        let busy = "the agent is busy with something that excludes this: see `agentapi backup status`, then try again";
        let not_understood = "the agent does not understand the request: is it of a version that fits?";
        let again = "try again; if it stays, see the agent's log";
        let empty =
            "the agent said nothing at all, which it never does: is a proxy in between, or is it another program?";
        let cached = "that is the answer of a cache, and no agent has one: is a proxy in between?";
        let elsewhere = "the agent sends elsewhere, and redirects are not followed; is the endpoint right?";
        let large = "the request is small, so it is not the agent that refuses it: is a proxy in between?";
        let locked =
            "the guest is locked, as a rule by a backup or a migration: wait until that is over, then try again";
        let cases = [
            (204, [empty; 3].map(String::from)),
            (302, [elsewhere; 3].map(String::from)),
            (304, [cached; 3].map(String::from)),
            (400, [not_understood, not_understood, disk].map(String::from)),
            (409, [busy, busy, disk].map(String::from)),
            (413, [large; 3].map(String::from)),
            (423, [locked; 3].map(String::from)),
            (500, [again, look_at_backup, look_at_disks].map(String::from)),
            (
                502,
                [
                    "a proxy answers for an agent that it cannot reach: is the agent running?".into(),
                    format!("{lost}{look_at_backup}"),
                    format!("{lost}{look_at_disks}"),
                ],
            ),
        ];
        for (status, hints) in cases {
            for (route, expected) in [Route::Disks, Route::StartBackup, Route::EjectDisk].into_iter().zip(hints) {
                let error = Error::HttpStatus { route, status, text: String::new() };
                assert_eq!(hint(&error), Some(expected), "{status} {route}");
            }
        }
    }

    #[test]
    fn a_copied_certificate_is_not_a_renewed_one() {
        let authority = "agent:1".parse().unwrap();
        let text = hint(&Error::PinMismatch { authority, source: PinMismatch::KeyNotProven }).unwrap();
        assert!(text.contains("do not connect") && !text.contains("--fingerprint"), "{text}");
    }
}
