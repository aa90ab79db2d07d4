//! `HOST/NAME:TAG` and `HOST/NAME@sha256:..`, with or without `oci://` before it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Where an artifact is.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference(oci_client::Reference);

/// Why a text is no [`Reference`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST/NAME:TAG or HOST/NAME@sha256:.., found {found:?}")]
pub struct ReferenceError {
    found: String,
}

impl Reference {
    /// The registry's host, with its port.
    pub fn registry(&self) -> &str {
        self.0.registry()
    }

    /// The last part of the name, for a file.
    pub fn base_name(&self) -> &str {
        self.0.repository().rsplit('/').next().unwrap_or_default()
    }

    /// The tag; none where there is a digest, which alone counts then.
    pub fn tag(&self) -> Option<&str> {
        if self.digest().is_some() { None } else { self.0.tag() }
    }

    /// The digest.
    pub fn digest(&self) -> Option<&str> {
        self.0.digest()
    }

    /// The same name with this digest.
    #[must_use]
    pub fn with_digest(&self, digest: &str) -> Self {
        Self(self.0.clone_with_digest(digest.to_owned()))
    }

    pub(super) fn with_tag(&self, tag: &str) -> Self {
        let (registry, name) = (self.0.registry().to_owned(), self.0.repository().to_owned());
        Self(oci_client::Reference::with_tag(registry, name, tag.to_owned()))
    }

    pub(super) fn oci(&self) -> &oci_client::Reference {
        &self.0
    }

    /// Whether the registry is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let registry = self.registry();
        let host = match registry.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => registry.split(':').next().unwrap_or_default(),
        };
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let wrong = || ReferenceError { found: text.to_owned() };
        let rest = text.strip_prefix("oci://").unwrap_or(text);
        // A name without a host would be one of Docker's own registry, which is not what somebody meant who left it out.
        let (host, name) = rest.split_once('/').ok_or_else(wrong)?;
        let is_host = host == "localhost" || host.contains(['.', ':']);
        // Without either it would be the tag `latest`, which moves by its nature.
        let is_complete = name.contains([':', '@']);
        let reference = rest.parse::<oci_client::Reference>().ok().filter(|_| is_host && is_complete);
        let reference =
            reference.filter(|reference| reference.digest().is_none_or(|digest| digest.starts_with("sha256:")));
        reference.map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn a_host_and_a_tag_or_a_digest_are_asked_for() {
        let digest = format!("registry.example.org/team/watch@sha256:{}", "ab".repeat(32));
        for text in ["registry.example.org/watch:1.0", "oci://localhost/watch:1", "127.0.0.1:5000/a/b/watch:x", &digest]
        {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.to_string(), text.trim_start_matches("oci://"));
            assert_eq!(reference.base_name(), "watch");
        }
        for text in [
            "",
            "watch",
            "watch:1",
            "team/watch:1",
            "registry.example.org/watch",
            "registry.example.org/Watch:1",
            "a.b/c@md5:00",
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert_eq!(error, format!("expected HOST/NAME:TAG or HOST/NAME@sha256:.., found {text:?}"));
        }
    }

    #[test]
    fn only_this_machine_is_asked_without_tls() {
        let is_loopback = |host: &str| format!("{host}/a:1").parse::<Reference>().unwrap().is_loopback();
        for host in ["localhost:5000", "127.0.0.1:5000", "127.1.2.3:1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.org", "10.0.0.1:5000", "127.0.0.1.example.org", "registry.example.org:80"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_digest_counts_before_a_tag() {
        let text = format!("a.b/c:1@sha256:{}", "ab".repeat(32));
        let reference: Reference = text.parse().unwrap();
        assert_eq!((reference.tag(), reference.digest().is_some()), (None, true));
    }
}
