//! What every request for a page passes: its host, its origin, its rights. And what every page carries: the headers by which
//! a browser keeps others out.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, ORIGIN};
use axum::http::uri::Uri;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use crate::api::access::{Access, Rights};
use crate::api::host;
use crate::api::problem::{Problem, ProblemKind};
use crate::config::Config;
use crate::console::trouble::Trouble;

/// Lets a request through that its sender meant for this console.
pub(super) async fn check(config: watch::Receiver<Arc<Config>>, request: Request, next: Next) -> Response {
    let hosts = config.borrow().fixed.api.console_hosts.clone();
    let response = match refuse(&hosts, request.method(), request.headers()) {
        Some(why) => Trouble::from(Problem::new(ProblemKind::Denied, why)).into_response(),
        None => next.run(request).await,
    };
    with_headers(response)
}

/// What every page carries.
pub(super) fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refuse(hosts: &[String], method: &Method, headers: &HeaderMap) -> Option<String> {
    let host = host::text(headers);
    if !host::is_ours(headers, hosts) {
        return Some(format!("the console is not to be found under the name {host:?}: see api.console_hosts"));
    }
    if method.is_safe() {
        return None;
    }
    // Browsers send it with every form. What has none is no browser, and has no token either.
    let origin = headers.get(ORIGIN)?.to_str().unwrap_or_default();
    let authority = origin.parse::<Uri>().ok().and_then(|origin| Some(origin.authority()?.to_string()));
    let is_same = authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host));
    (!is_same).then(|| "the form was sent by a page of another site".to_owned())
}

/// Lets a request through whose connection may do what it asks for.
pub(super) async fn check_access(needed: Access, request: Request, next: Next) -> Response {
    if request.extensions().get::<Rights>().is_some_and(|rights| rights.allow(needed)) {
        return next.run(request).await;
    }
    let why = match needed {
        Access::Decide => "only root, the controller's user and those in `approvers` may decide",
        Access::Operate => "this console may only look: its controller was reached by the read-only socket",
        Access::Open | Access::Read => "this connection may ask for nothing",
    };
    Trouble::from(Problem::new(ProblemKind::Denied, why)).into_response()
}

/// `same-origin` and not `no-referrer`, with which browsers would send `Origin: null` with the forms.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        HeaderName::from_static("content-security-policy"),
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
    (HeaderName::from_static("referrer-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

#[cfg(test)]
mod tests {
    use axum::http::header::HOST;

    use super::*;

    fn refused(method: Method, host: &'static str, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
        refuse(&["backup.example".into()], &method, &headers).is_some()
    }

    #[test]
    fn a_form_comes_from_a_page_of_the_same_host_and_port() {
        let host = "127.0.0.1:9000";
        for origin in [None, Some("http://127.0.0.1:9000")] {
            assert!(!refused(Method::POST, host, origin), "{origin:?}");
        }
        for origin in ["http://evil.example", "http://127.0.0.1:9001", "http://127.0.0.1", "null", "", "://"] {
            assert!(refused(Method::POST, host, Some(origin)), "{origin}");
        }
        assert!(!refused(Method::GET, host, Some("http://evil.example")), "a link may stand anywhere");
    }
}
