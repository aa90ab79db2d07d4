//! Accepting connections, and opening each as the answer that is next for it says.

use std::io::Result;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::behaviour::Opening;
use crate::legacy::choose_old_version;
use crate::listener::Listener;
use crate::play::{close_tcp, drain, play};
use crate::stage::Stage;

/// Serves a listener until the sender of `stopped` is gone; then its connections are gone too.
pub(crate) async fn accept_all(
    socket: TcpListener,
    listener: Listener,
    stage: Arc<Stage>,
    mut stopped: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = socket.accept() => {
                let Ok((tcp, _)) = accepted else {
                    sleep(ACCEPT_AGAIN).await;
                    continue;
                };
                let opening = stage.accept(listener);
                let stage = Arc::clone(&stage);
                // How a connection fails is the client's to tell; there is nothing to do about it here.
                connections.spawn(async move { open(tcp, opening, listener, &stage).await.ok() });
            }
        }
    }
    connections.shutdown().await;
}

async fn open(mut tcp: TcpStream, opening: Opening, listener: Listener, stage: &Stage) -> Result<()> {
    tcp.set_nodelay(true)?;
    match opening {
        Opening::CloseAtAccept => Ok(()),
        Opening::Plain => play(tcp, listener, stage).await,
        Opening::HandshakeHang => tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await.map(drop),
        Opening::Garbage => {
            tcp.write_all(GARBAGE).await?;
            close_tcp(&mut tcp).await
        }
        Opening::Legacy(version) => {
            choose_old_version(&mut tcp, version).await?;
            drain(&mut tcp).await
        }
        opening => handshake(tcp, &opening, listener, stage).await,
    }
}

async fn handshake(tcp: TcpStream, opening: &Opening, listener: Listener, stage: &Stage) -> Result<()> {
    let acceptor = TlsAcceptor::from(stage.certificates.config(opening)?);
    match acceptor.accept(tcp).into_fallible().await {
        Ok(stream) => play(stream, listener, stage).await,
        Err((_, mut tcp)) => close_tcp(&mut tcp).await,
    }
}

/// Sent to whoever expects a `ServerHello`. The first byte is no TLS record type (RFC 8446, section 5.1).
const GARBAGE: &[u8] = b"\xde\xad\xbe\xef, and no TLS\r\n";
/// Accepting fails when the process has no file descriptor left; another connection's end gives one back.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);
