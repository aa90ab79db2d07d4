//! `agentapi fingerprint`: the leaf certificate that an agent presents, for comparison before it is pinned.

use agentapi_host::{Authority, Error, Fingerprint, PresentedLeaf, presented_leaf};
use clap::Args;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::print::escape::visible;
use crate::print::fingerprints::aligned;
use crate::print::width::stdout_columns;
use crate::print::wrap::wrap;
use crate::process::runtime::{block_on, single_threaded};
use crate::session::Session;

/// What `fingerprint` takes.
#[derive(Args)]
pub(crate) struct FingerprintOptions {
    /// Where the agent listens: host, host:port, [v6] or [v6]:port
    #[arg(value_name = "ENDPOINT")]
    endpoint: String,
}

/// Prints the leaf certificate that an agent presents.
pub(crate) fn run(session: &Session, options: &FingerprintOptions) -> anyhow::Result<()> {
    let authority = options.endpoint.parse::<Authority>();
    let authority = authority.map_err(|error| Error::InvalidArgument(format!("endpoint: {error}")))?;
    let leaf = block_on(single_threaded()?, presented_leaf(&authority, session.host.deadline()?))?;
    Ok(session.output.show(&LeafCertificate::new(authority, leaf), |leaf| describe(leaf, stdout_columns()))?)
}

/// A leaf certificate, and who presented it.
struct LeafCertificate {
    authority: Authority,
    fingerprint: Fingerprint,
    subject: String,
    validity: Option<(String, String)>,
}

impl LeafCertificate {
    fn new(authority: Authority, leaf: PresentedLeaf) -> Self {
        let PresentedLeaf { fingerprint, subject, validity, .. } = leaf;
        Self { authority, fingerprint, subject, validity }
    }
}

impl Serialize for LeafCertificate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (not_before, not_after) = self.validity.clone().unzip();
        let mut fields = serializer.serialize_struct("LeafCertificate", 5)?;
        fields.serialize_field("endpoint", &self.authority)?;
        fields.serialize_field("fingerprint", &self.fingerprint)?;
        fields.serialize_field("subject", &self.subject)?;
        fields.serialize_field("not_before", &not_before)?;
        fields.serialize_field("not_after", &not_after)?;
        fields.end()
    }
}

fn describe(leaf: &LeafCertificate, columns: Option<usize>) -> String {
    let LeafCertificate { authority, fingerprint, subject, validity } = leaf;
    let subject = if subject.is_empty() { "cannot be read".into() } else { visible(subject) };
    let validity = match validity {
        Some((not_before, not_after)) => format!("{} to {}", visible(not_before), visible(not_after)),
        None => "cannot be read".into(),
    };
    let sha256 = aligned(&[("SHA-256", *fingerprint)], 2, columns);
    let lines = wrap(&format!("  subject  {subject}\n  valid    {validity}\n"), columns, 9);
    format!("{authority} presents a leaf certificate with\n\n{sha256}{lines}\n{ADVICE}")
}

const ADVICE: &str = "\
No request and no token were sent, and nothing is trusted: anybody could have
answered there. Compare the SHA-256 with the one that the host's operator reads
on the host itself. Only if both are the same, give it as --fingerprint or in
AGENTAPI_FINGERPRINT. With colons or without, it is the same.
";

#[cfg(test)]
mod tests {
    use agentapi_host::Fingerprint;

    use super::{LeafCertificate, describe};

    fn leaf(validity: Option<(String, String)>, subject: &str) -> LeafCertificate {
        let (authority, fingerprint) = ("agent:1".parse().unwrap(), Fingerprint::from_bytes([1; 32]));
        LeafCertificate { authority, fingerprint, subject: subject.into(), validity }
    }

    #[test]
    fn a_subject_cannot_move_the_cursor() {
        let text = describe(&leaf(Some(("a".into(), "b".into())), "CN=\u{1b}[2J"), None);
        assert!(text.contains("subject  CN=\\u{1b}[2J\n  valid    a to b\n"), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_said_and_null() {
        let unreadable = leaf(None, "");
        assert!(describe(&unreadable, None).contains("valid    cannot be read"));
        assert_eq!(serde_json::to_value(&unreadable).unwrap()["not_after"], serde_json::Value::Null);
    }
}
