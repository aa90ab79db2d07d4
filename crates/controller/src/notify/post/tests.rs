use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::Post;
use crate::event::Severity;
use crate::finding::{Finding, FindingKind};
use crate::notify::ntfy::Ntfy;
use crate::notify::webhook::Webhook;
use crate::notify::{Delivery, Notice, NoticeState, Notifier};

/// Answers each connection with this text, and keeps what was asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: &'static str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match &tls {
                    None => serve(stream, answer, &keep).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => serve(stream, answer, &keep).await,
                        Err(_) => continue,
                    },
                }
            }
        });
        Self { port, asked }
    }

    fn post(&self, scheme: &str) -> Post {
        Post::new(format!("{scheme}://localhost:{}/hook?key=secret", self.port).parse().unwrap())
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str, keep: &Mutex<Vec<String>>) {
    let mut text = String::new();
    loop {
        let mut piece = [0; 4096];
        let bytes = stream.read(&mut piece).await.unwrap();
        text.push_str(&String::from_utf8_lossy(&piece[..bytes]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    keep.lock().unwrap().push(text);
    stream.write_all(answer.as_bytes()).await.unwrap();
    let _ = stream.shutdown().await;
}

fn notice() -> Notice {
    let at = "2026-11-26T10:00:00Z".parse().unwrap();
    let (kind, severity) = (FindingKind::NoSuccess, Severity::Critical);
    let finding = Finding { kind, subject: "backup".into(), severity, since: at, text: "no success".into() };
    Notice::of("guest", NoticeState::Raised, &finding, at)
}

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn a_webhook_gets_json_signed_with_the_secret_of_the_file() {
    let server = Server::start(OK, None).await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "s3cr3t\n").unwrap();
    let webhook = Webhook { post: server.post("http"), secret_file: Some(secret.path().into()) };
    assert_eq!(webhook.deliver(&notice()).await, Delivery::Delivered);
    let asked = server.asked();
    let (head, body) = asked[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook?key=secret HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: localhost:{}\r\n", server.port)), "{head}");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"s3cr3t");
    let signature = head.lines().find_map(|line| line.strip_prefix("x-agentapi-signature: sha256=")).unwrap();
    ring::hmac::verify(&key, body.as_bytes(), &hex::decode(signature).unwrap()).unwrap();
    let notice: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&notice["state"], &notice["kind"]), (&"raised".into(), &"no-success".into()));
}

#[tokio::test]
async fn ntfy_gets_a_sentence_with_title_priority_and_token() {
    let server = Server::start(OK, None).await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "tk_1\n").unwrap();
    let ntfy = Ntfy { post: server.post("http"), token_file: Some(token.path().into()) };
    assert_eq!(ntfy.deliver(&notice()).await, Delivery::Delivered);
    let asked = server.asked();
    let (head, body) = asked[0].split_once("\r\n\r\n").unwrap();
    for line in ["title: guest: no-success of backup", "priority: urgent", "authorization: Bearer tk_1"] {
        assert!(head.lines().any(|found| found == line), "{line}: {head}");
    }
    assert_eq!(body, "no success");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_refused() {
    for (answer, after) in [
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", None),
        ("HTTP/1.1 429 Too Many Requests\r\nretry-after: 120\r\n\r\n", Some(Duration::from_secs(120))),
        ("nonsense\r\n\r\n", None),
    ] {
        let server = Server::start(answer, None).await;
        let delivery = server.post("http").send(Vec::new(), String::new()).await;
        assert!(
            matches!(&delivery, Delivery::TryAgain { after: found, .. } if *found == after),
            "{answer}: {delivery:?}"
        );
    }
    for status in ["302 Found\r\nlocation: http://127.0.0.1:1/", "404 Not Found", "410 Gone"] {
        let answer: &'static str = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").leak();
        let server = Server::start(answer, None).await;
        let delivery = server.post("http").send(Vec::new(), String::new()).await;
        let expected = format!("answered with status {}, expected 2xx", &status[..3]);
        assert_eq!(delivery, Delivery::Refused { why: expected });
    }
    let nobody = Post::new("http://127.0.0.1:1/secret-path".parse().unwrap());
    let Delivery::TryAgain { why, .. } = nobody.send(Vec::new(), String::new()).await else { panic!() };
    assert!(why.starts_with("it cannot be reached") && !why.contains("secret"), "{why}");
    let line_break = vec![("title", "a\nb".to_owned())];
    assert!(matches!(nobody.send(line_break, String::new()).await, Delivery::Refused { .. }));
}

#[tokio::test]
async fn over_https_only_a_certificate_of_a_trusted_issuer_for_this_name_will_do() {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let roots = |is_trusting: bool| {
        let mut roots = RootCertStore::empty();
        if is_trusting {
            roots.add(issuer.der().clone()).unwrap();
        }
        roots
    };
    for (name, is_trusting, is_delivered) in
        [("localhost", true, true), ("localhost", false, false), ("other.example", true, false)]
    {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
        let server = Server::start(OK, Some(TlsAcceptor::from(Arc::new(config)))).await;
        let post = server.post("https").trusting(roots(is_trusting));
        let delivery = post.send(Vec::new(), "text".into()).await;
        assert_eq!(delivery == Delivery::Delivered, is_delivered, "{name} {is_trusting}: {delivery:?}");
        assert_eq!(server.asked().len(), usize::from(is_delivered));
    }
}
