//! What no client can be quicker than: as many bytes as a request and its answer have, over one TLS connection, with
//! nobody reading them as HTTP or JSON.

use std::sync::mpsc;
use std::thread;

use agentapi_host::Target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, server};

use crate::agent::identity;
use crate::native::Native;

/// About what a GET of ours has.
const REQUEST_BYTES: usize = 130;
/// About what the head of the agent's answer has.
const HEAD_BYTES: usize = 100;

/// One TLS connection, and what comes back on it.
pub(crate) struct Floor {
    stream: TlsStream<TcpStream>,
    answer: Vec<u8>,
}

impl Floor {
    /// Against a peer in a thread of its own, whose answers have a body of so many bytes.
    pub(crate) async fn connect(body_bytes: usize) -> Self {
        let answer_bytes = body_bytes + HEAD_BYTES;
        let (tls, pin) = identity();
        let endpoint = listen(tls, answer_bytes);
        let native = Native::new(&Target::parse(&endpoint, "unused", [pin.to_string()]).unwrap());
        Self { stream: native.connect_tls().await, answer: vec![0; answer_bytes] }
    }

    pub(crate) async fn ping(&mut self) {
        self.stream.write_all(&[0; REQUEST_BYTES]).await.unwrap();
        self.stream.flush().await.unwrap();
        self.stream.read_exact(&mut self.answer).await.unwrap();
    }
}

/// Answers one connection until it ends.
fn listen(tls: TlsAcceptor, answer_bytes: usize) -> String {
    let (tell, told) = mpsc::channel();
    let serve = move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(tcp.local_addr().unwrap().to_string()).unwrap();
            let (tcp, _) = tcp.accept().await.unwrap();
            tcp.set_nodelay(true).unwrap();
            answer(tls.accept(tcp).await.unwrap(), answer_bytes).await;
        });
    };
    thread::Builder::new().name("floor".into()).spawn(serve).unwrap();
    told.recv().unwrap()
}

async fn answer(mut stream: server::TlsStream<TcpStream>, answer_bytes: usize) {
    let (mut request, answer) = ([0; REQUEST_BYTES], vec![0; answer_bytes]);
    while stream.read_exact(&mut request).await.is_ok() {
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}
