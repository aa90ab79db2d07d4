//! `agentapi fingerprint`.

use agentapi_host::json::ToJson;
use agentapi_host::{Authority, Error, PresentedLeaf, presented_leaf};
use serde_json::{Value, json};

use super::escape::visible;
use super::host::{Session, block_on, single_threaded};
use super::output::Output;

/// Prints the leaf certificate that an agent presents.
pub(super) fn run(session: &Session, endpoint: &str) -> anyhow::Result<()> {
    let authority = endpoint.parse::<Authority>();
    let authority = authority.map_err(|why| Error::InvalidArgument(format!("endpoint: {why}")))?;
    let limit = session.host.deadline();
    let leaf = block_on(single_threaded()?, presented_leaf(&authority, limit))?;
    Ok(Output { json: session.json }.print(&Presented { authority, leaf }, describe)?)
}

struct Presented {
    authority: Authority,
    leaf: PresentedLeaf,
}

impl ToJson for Presented {
    fn to_json(&self) -> Value {
        let (not_before, not_after) = self.leaf.validity.clone().unzip();
        json!({
            "endpoint": self.authority.to_string(),
            "fingerprint": self.leaf.fingerprint.to_string(),
            "subject": self.leaf.subject,
            "not_before": not_before,
            "not_after": not_after,
        })
    }
}

fn describe(presented: &Presented) -> String {
    let Presented { authority, leaf } = presented;
    let subject = if leaf.subject.is_empty() { "cannot be read".into() } else { visible(&leaf.subject) };
    let validity = match &leaf.validity {
        Some((not_before, not_after)) => format!("{} to {}", visible(not_before), visible(not_after)),
        None => "cannot be read".into(),
    };
    format!(
        "{authority} presents a leaf certificate with\n\n  \
         SHA-256  {}\n  subject  {subject}\n  valid    {validity}\n\n{ADVICE}",
        leaf.fingerprint
    )
}

const ADVICE: &str = "\
No request and no token were sent, and nothing is trusted: anybody could have answered there.
Compare the SHA-256 with the one that the host's operator reads on the host itself. Only if both are the same, give it
as --fingerprint or in AGENTAPI_FINGERPRINT.
";

#[cfg(test)]
mod tests {
    use agentapi_host::json::ToJson;
    use agentapi_host::{Fingerprint, PresentedLeaf};

    use super::{Presented, describe};

    fn presented(validity: Option<(String, String)>, subject: &str) -> Presented {
        let leaf = PresentedLeaf { fingerprint: Fingerprint::from_bytes([1; 32]), subject: subject.into(), validity };
        Presented { authority: "agent:1".parse().unwrap(), leaf }
    }

    #[test]
    fn a_subject_cannot_move_the_cursor() {
        let text = describe(&presented(Some(("a".into(), "b".into())), "CN=\u{1b}[2J"));
        assert!(text.contains("subject  CN=\\u{1b}[2J\n  valid    a to b\n"), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_said_and_null() {
        let unreadable = presented(None, "");
        assert!(describe(&unreadable).contains("valid    cannot be read"));
        assert_eq!(unreadable.to_json()["not_after"], serde_json::Value::Null);
    }
}
