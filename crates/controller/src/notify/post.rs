//! One POST over HTTP/1.1, with TLS where the URL says `https`: the certificates that the machine trusts are trusted. Of the
//! answer only the status counts, and a redirect is not followed, because it could lead anywhere.

use std::sync::Arc;
use std::time::Duration;

use agentapi_host::error_chain;
use axum::body::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, RETRY_AFTER};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config::notify::Url;
use crate::notify::Delivery;

/// Posts to one URL.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    url: Url,
    /// The trusted certificates; none: those of the machine, read for each delivery, because they change.
    roots: Option<RootCertStore>,
}

/// An answer, whose body nobody reads.
pub(crate) type Answer = Response<Incoming>;

/// Why there was no answer. Without the URL, which may be secret.
#[derive(Debug, thiserror::Error)]
enum PostError {
    #[error("the URL or a header cannot be sent")]
    Invalid(#[from] hyper::http::Error),
    #[error("it cannot be reached")]
    Unreachable(#[from] std::io::Error),
    #[error("TLS cannot be used")]
    Tls(#[from] rustls::Error),
    #[error("no answer")]
    Http(#[from] hyper::Error),
}

impl Post {
    pub(crate) fn new(url: Url) -> Self {
        Self { url, roots: None }
    }

    #[cfg(test)]
    pub(super) fn trusting(self, roots: RootCertStore) -> Self {
        Self { roots: Some(roots), ..self }
    }

    /// Posts, and reads of the answer whether it was taken.
    pub(super) async fn send(&self, headers: Vec<(&'static str, String)>, body: String) -> Delivery {
        match self.ask(headers, body.into()).await {
            Ok(answer) => read(&answer),
            Err(delivery) => delivery,
        }
    }

    /// Posts, and returns the answer.
    ///
    /// # Errors
    ///
    /// What became of it where there is no answer.
    pub(crate) async fn ask(&self, headers: Vec<(&'static str, String)>, body: Bytes) -> Result<Answer, Delivery> {
        match timeout(LIMIT, self.exchange(headers, body)).await {
            Ok(Ok(answer)) => Ok(answer),
            // What cannot be sent now will not be the next time either.
            Ok(Err(why @ PostError::Invalid(_))) => Err(Delivery::Refused { why: error_chain(&why) }),
            Ok(Err(why)) => Err(Delivery::again(error_chain(&why))),
            Err(_) => Err(Delivery::again(format!("no answer in {} s", LIMIT.as_secs()))),
        }
    }

    async fn exchange(&self, headers: Vec<(&'static str, String)>, body: Bytes) -> Result<Answer, PostError> {
        let uri: Uri = self.url.reveal().parse().map_err(hyper::http::Error::from)?;
        let (authority, host) = (uri.authority().map_or("", |authority| authority.as_str()), uri.host().unwrap_or(""));
        let is_tls = uri.scheme_str() == Some("https");
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(path).header(HOST, authority);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(body))?;
        // An IPv6 address stands in brackets in a URL, and nowhere else.
        let host = host.trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        if !is_tls {
            return send_over(stream, request).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        send_over(TlsConnector::from(self.tls()?).connect(name, stream).await?, request).await
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, PostError> {
        let roots = self.roots.clone().unwrap_or_else(roots_of_the_machine);
        // Passed in: nothing in this process installs a default.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }
}

/// Those that cannot be read are left out: then what they have signed is not trusted.
fn roots_of_the_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

async fn send_over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, PostError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

/// Whether it was taken, by the status.
pub(crate) fn read(answer: &Answer) -> Delivery {
    let status = answer.status();
    let why = format!("answered with status {}, expected 2xx", status.as_u16());
    match status {
        _ if status.is_success() => Delivery::Delivered,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Delivery::TryAgain { why, after: after.map(Duration::from_secs) }
        }
        _ if status.is_server_error() => Delivery::again(why),
        _ => Delivery::Refused { why },
    }
}

/// For a whole delivery: longer than a loaded server takes, and short beside the pause before the next attempt.
const LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
