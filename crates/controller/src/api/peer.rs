//! Who is at the other end of a Unix socket, as the kernel says it.

use std::io;

use tokio::net::UnixStream;

use crate::actor::Actor;

/// The peer's credentials when it connected. Made here and nowhere else, from the socket, and never from a text: a header
/// that says `root` is a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) uid: u32,
    pub(crate) pid: Option<i32>,
}

impl Peer {
    /// Nobody can say who. The number is that of no user, as for `chown`.
    pub(crate) const UNKNOWN: Self = Self { uid: u32::MAX, pid: None };

    pub(crate) fn of(stream: &UnixStream) -> io::Result<Self> {
        let credentials = stream.peer_cred()?;
        Ok(Self { uid: credentials.uid(), pid: credentials.pid() })
    }
}

impl From<Peer> for Actor {
    fn from(Peer { uid, pid }: Peer) -> Self {
        Self::Peer { uid, pid }
    }
}
