//! Accepts connections, and opens each as the next answer demands.

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
use crate::play::{close_tcp, close_unasked, drain, play};
use crate::state::State;
use crate::wire::Wire;

/// Serves a listener until the sender of `stopped` is dropped, and then ends its connections.
pub(crate) async fn accept_all(
    socket: TcpListener,
    listener: Listener,
    state: Arc<State>,
    mut stopped: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = socket.accept() => {
                let Ok((tcp, _)) = accepted else {
                    sleep(ACCEPT_RETRY_PAUSE).await;
                    continue;
                };
                let opening = state.accept(listener);
                let state = Arc::clone(&state);
                // A connection that fails is what many scripts are for. The test looks at the client's side of it.
                connections.spawn(async move { open(tcp, opening, listener, &state).await.ok() });
            }
        }
    }
    connections.shutdown().await;
}

async fn open(mut tcp: TcpStream, opening: Opening, listener: Listener, state: &State) -> Result<()> {
    // Single bytes are sent one by one: without this the kernel would put them together.
    tcp.set_nodelay(true)?;
    match opening {
        Opening::CloseAtAccept => Ok(()),
        Opening::Plain => play(tcp, listener, state).await,
        Opening::HandshakeHang => tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await.map(drop),
        Opening::Garbage => {
            tcp.write_all(GARBAGE).await?;
            close_tcp(&mut tcp).await
        }
        Opening::Legacy(version) => {
            choose_old_version(&mut tcp, version).await?;
            drain(&mut tcp).await
        }
        opening => handshake(tcp, &opening, listener, state).await,
    }
}

async fn handshake(tcp: TcpStream, opening: &Opening, listener: Listener, state: &State) -> Result<()> {
    let acceptor = TlsAcceptor::from(state.certificates.config(opening)?);
    match acceptor.accept(tcp).into_fallible().await {
        Ok(mut stream) => {
            if *opening == Opening::SpeaksFirst {
                stream.write_all(&Wire::encode(state.first_answer()).bytes).await?;
                stream.flush().await?;
                state.count_unasked();
            }
            if *opening == Opening::CloseAfterHandshake {
                return close_unasked(stream, state).await;
            }
            play(stream, listener, state).await
        }
        // Closed in order, so that the client reads the alert before the end.
        Err((_, mut tcp)) => close_tcp(&mut tcp).await,
    }
}

/// Sent to whoever expects a `ServerHello`. The first byte is no TLS record type (RFC 8446, section 5.1).
const GARBAGE: &[u8] = b"\xde\xad\xbe\xef, and no TLS\r\n";
/// The pause after a failed accept. The process has no file descriptor left, until another connection ends.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(10);
