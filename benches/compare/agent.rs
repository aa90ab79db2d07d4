//! The agent that every contender asks, in a thread of its own with a runtime of its own.
//!
//! It plays answers that a mock agent gave before. The mock agent makes each answer anew and writes down who asked, which
//! takes it longer than a client takes to read: what is compared would drown in it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, mpsc};
use std::thread;

use agentapi_host::{Fingerprint, Target};
use agentapi_mock::{Disk, MockAgent, Mount, Scenario, StorageTarget, ThinPool};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::native::Native;

/// What is asked for in a benchmark.
const PATHS: [&str; 4] = ["/storage", "/disks", "/host/metrics", "/backup/due"];

/// Agents. They stop when this is dropped.
pub(crate) struct Agents {
    connections: Vec<Target>,
    _stop: oneshot::Sender<()>,
}

/// What an agent says, by path.
type Answers = Arc<HashMap<&'static str, Bytes>>;

impl Agents {
    /// Starts so many that answer alike.
    pub(crate) fn start(count: usize, scenario: &Scenario) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let scenario = scenario.clone();
        let thread = thread::Builder::new().name("agent".into());
        let serve = move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let answers = record(scenario).await;
                for _ in 0..count {
                    tell.send(listen(Arc::clone(&answers)).await).unwrap();
                }
                drop(tell);
                // Only the end of the sender is waited for.
                let _ = stopped.await;
            });
        };
        thread.spawn(serve).unwrap();
        Self { connections: told.into_iter().collect(), _stop: stop }
    }

    pub(crate) fn connections(&self) -> &[Target] {
        &self.connections
    }

    pub(crate) fn first(&self) -> &Target {
        self.connections.first().unwrap()
    }
}

/// What a mock agent says.
async fn record(scenario: Scenario) -> Answers {
    let mock = MockAgent::builder().scenario(scenario).start().await.unwrap();
    let pins = [mock.fingerprint().to_string()];
    let native = Native::new(&Target::parse(&mock.endpoint(), mock.token(), pins).unwrap());
    let mut answers = HashMap::new();
    for path in PATHS {
        answers.insert(path, native.body(path).await);
    }
    Arc::new(answers)
}

async fn listen(answers: Answers) -> Target {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = tcp.local_addr().unwrap().to_string();
    let (tls, pin) = identity();
    tokio::spawn(async move {
        while let Ok((stream, _)) = tcp.accept().await {
            tokio::spawn(serve(stream, tls.clone(), Arc::clone(&answers)));
        }
    });
    Target::parse(&endpoint, "a-token-of-some-length", [pin.to_string()]).unwrap()
}

/// A fresh certificate, and its fingerprint.
pub(crate) fn identity() -> (TlsAcceptor, Fingerprint) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(tls)), Fingerprint::from_bytes(Sha256::digest(cert.der()).into()))
}

/// Until the client goes, or sends what is not HTTP.
async fn serve(stream: TcpStream, tls: TlsAcceptor, answers: Answers) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let stream = TokioIo::new(tls.accept(stream).await.ok()?);
    let answer = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&request, &answers))));
    http1::Builder::new().serve_connection(stream, answer).await.ok()
}

fn answer(request: &Request<Incoming>, answers: &Answers) -> Response<Full<Bytes>> {
    let body = answers.get(request.uri().path()).cloned();
    let mut response = Response::new(Full::default());
    match body {
        Some(body) => *response.body_mut() = Full::new(body),
        None => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A guest with two mounts, eight disks and twelve storage targets.
pub(crate) fn typical() -> Scenario {
    let mut scenario = Scenario { disks: disks(8), ..Scenario::default() };
    scenario.mounts.truncate(2);
    let known = scenario.storage_targets.clone();
    scenario.storage_targets = known.into_iter().cycle().take(12).map(with_pool).collect();
    scenario
}

/// A guest with a thousand disks, the largest answer that is still plausible.
pub(crate) fn large() -> Scenario {
    let mounts = Scenario::default().mounts.into_iter().take(2).collect::<Vec<Mount>>();
    Scenario { disks: disks(1000), mounts, ..Scenario::default() }
}

fn with_pool(target: StorageTarget) -> StorageTarget {
    let thin_pool = Some(ThinPool { data_used_fraction: 0.71, metadata_used_fraction: Some(0.18) });
    StorageTarget { thin_pool, ..target }
}

fn disks(count: usize) -> Vec<Disk> {
    let known = Scenario::default().disks;
    let numbered = known.into_iter().cycle().take(count).enumerate();
    numbered.map(|(number, disk)| Disk { name: format!("{} {number}", disk.name), ..disk }).collect()
}
