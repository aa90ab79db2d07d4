//! The name under which a request has found us. A page in somebody's browser may name any address by a name of its own
//! (DNS rebinding); what comes by such a name is not for us.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::uri::Authority;

/// Whether it is an address of loopback or `localhost`, on whatever port, or one of these names.
pub(crate) fn is_ours(headers: &HeaderMap, names: &[String]) -> bool {
    let Ok(authority) = text(headers).parse::<Authority>() else { return false };
    let name = authority.host().trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// As the client has written it; empty where it has not.
pub(crate) fn text(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_loopback_and_the_given_names_are_ours() {
        let is_found = |host: &'static str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            is_ours(&headers, &["backup.example".into()])
        };
        for host in ["127.0.0.1:9000", "localhost", "LOCALHOST:1", "[::1]:9000", "backup.example", "Backup.Example:443"]
        {
            assert!(is_found(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "agentapi"] {
            assert!(!is_found(host), "{host}");
        }
        assert!(!is_ours(&HeaderMap::new(), &[]));
    }
}
