use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::Smtp;
use crate::config::notify::{Mail, MailTls};
use crate::event::Severity;
use crate::finding::{Finding, FindingKind};
use crate::notify::{Delivery, Notice, NoticeState, Notifier};

/// A mail server that gives one answer to `MAIL FROM`, and keeps what it is told.
struct Server {
    port: u16,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(mode: MailTls, answer: &'static str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&lines);
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            match (mode, tls) {
                (MailTls::Implicit, Some(tls)) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        talk(stream, "250 mail", answer, &keep, true).await;
                    }
                }
                (MailTls::StartTls, Some(tls)) => {
                    if talk(&mut stream, "250 STARTTLS", answer, &keep, true).await
                        && let Ok(stream) = tls.accept(stream).await
                    {
                        talk(stream, "250 AUTH PLAIN", answer, &keep, false).await;
                    }
                }
                _ => drop(talk(stream, "250 mail", answer, &keep, true).await),
            }
        });
        Self { port, lines }
    }

    fn smtp(&self, tls: MailTls, roots: Option<Vec<u8>>) -> Smtp {
        let server = format!("localhost:{}", self.port).parse().unwrap();
        let (sender, recipients) = ("guest@example.org".to_owned(), vec!["ops@example.org".to_owned()]);
        let mail = Mail { server, tls, sender, recipients, login: None };
        Smtp { mail, roots: Some(roots.into_iter().collect()) }
    }

    fn heard(&self, line: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|heard| heard == line)
    }
}

/// Whether the client asked for TLS, which ends what is said in the clear.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    hello: &str,
    answer: &str,
    keep: &Mutex<Vec<String>>,
    greets: bool,
) -> bool {
    let mut stream = BufReader::new(stream);
    if greets {
        stream.write_all(b"220 mail\r\n").await.unwrap();
    }
    let mut in_message = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        let line = line.trim_end().to_owned();
        keep.lock().unwrap().push(line.clone());
        let reply = match line.split([' ', ':']).next().unwrap_or("") {
            "." => "250 taken",
            _ if in_message => continue,
            "EHLO" => hello,
            "STARTTLS" => "220 go",
            "MAIL" => answer,
            "DATA" => "354 go",
            _ => "250 ok",
        };
        in_message = line == "DATA";
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if line == "STARTTLS" {
            return true;
        }
    }
}

/// What the server presents, and the root that vouches for it.
fn certificate() -> (TlsAcceptor, Vec<u8>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), root.der().to_vec())
}

fn notice() -> Notice {
    let at = "2026-11-26T10:00:00Z".parse().unwrap();
    let (kind, severity) = (FindingKind::NoSuccess, Severity::Critical);
    let finding = Finding { kind, subject: "backup".into(), severity, since: at, text: "no success".into() };
    Notice::of("guest", NoticeState::Raised, &finding, at)
}

#[tokio::test]
async fn mail_is_sent_in_each_mode_of_tls() {
    for mode in [MailTls::Off, MailTls::StartTls, MailTls::Implicit] {
        let (tls, root) = certificate();
        let server = Server::start(mode, "250 ok", Some(tls)).await;
        assert_eq!(server.smtp(mode, Some(root)).deliver(&notice()).await, Delivery::Delivered, "{mode:?}");
        assert_eq!(server.heard("STARTTLS"), mode == MailTls::StartTls);
        for line in ["Subject: [critical] guest: no-success of backup", "no success", "RCPT TO:<ops@example.org>"] {
            assert!(server.heard(line), "{mode:?}: {line}: {:?}", server.lines.lock().unwrap());
        }
    }
}

#[tokio::test]
async fn a_server_without_a_trusted_certificate_gets_no_mail() {
    for mode in [MailTls::StartTls, MailTls::Implicit] {
        let server = Server::start(mode, "250 ok", Some(certificate().0)).await;
        let delivery = server.smtp(mode, Some(certificate().1)).deliver(&notice()).await;
        assert!(matches!(delivery, Delivery::TryAgain { .. }), "{mode:?}: {delivery:?}");
        assert!(!server.heard("DATA"));
    }
    // One that does not offer TLS where it is required.
    let server = Server::start(MailTls::Off, "250 ok", None).await;
    let delivery = server.smtp(MailTls::StartTls, Some(certificate().1)).deliver(&notice()).await;
    assert!(delivery != Delivery::Delivered && !server.heard("DATA"), "{delivery:?}");
}

#[tokio::test]
async fn a_temporary_answer_is_tried_again_and_a_permanent_one_is_not() {
    let server = Server::start(MailTls::Off, "451 busy", None).await;
    let delivery = server.smtp(MailTls::Off, None).deliver(&notice()).await;
    assert!(matches!(delivery, Delivery::TryAgain { .. }), "{delivery:?}");
    let server = Server::start(MailTls::Off, "550 no such sender", None).await;
    let delivery = server.smtp(MailTls::Off, None).deliver(&notice()).await;
    assert!(matches!(&delivery, Delivery::Refused { why } if why.contains("550")), "{delivery:?}");
}
