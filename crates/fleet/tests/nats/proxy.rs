//! A network that can be cut: what is sent is held back in both directions, and connections stay open.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) struct Proxy {
    port: u16,
    is_cut: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// To this port on loopback.
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_cut = watch::Sender::new(false);
        let cut = is_cut.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, to, cut.subscribe()));
            }
        });
        Self { port, is_cut, accepting }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connection(client: TcpStream, to: u16, cut: watch::Receiver<bool>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    let ((client_reads, client_writes), (server_reads, server_writes)) = (client.into_split(), server.into_split());
    tokio::join!(pass(client_reads, server_writes, cut.clone()), pass(server_reads, client_writes, cut));
}

async fn pass(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, mut cut: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if cut.wait_for(|is_cut| !is_cut).await.is_err() || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    // The end does not come through either.
    let _ = cut.wait_for(|is_cut| !is_cut).await;
    let _ = to.shutdown().await;
}
