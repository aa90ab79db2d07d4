//! The listeners of one agent. They share its answers, and differ in how they open a connection.

use std::collections::HashMap;
use std::io::Result;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::behaviour::Opening;

/// A port of the agent, and how connections to it are opened.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Listener {
    /// The agent itself: connections are opened as the answers say.
    Main,
    /// The same, on a second port.
    Second,
    /// TLS with the other certificate, whatever the answers say.
    WrongCertificate,
    /// HTTP without TLS, whatever the answers say.
    Plain,
    /// The same as the main listener, on `[::1]`.
    Ipv6,
}

impl Listener {
    /// All listeners.
    pub const ALL: &[Self] = &[Self::Main, Self::Second, Self::WrongCertificate, Self::Plain, Self::Ipv6];

    /// The placeholder for its port in the texts of recorded cases.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Main => "{PORT}",
            Self::Second => "{PORT2}",
            Self::WrongCertificate => "{PORT_WRONG}",
            Self::Plain => "{PORT_PLAIN}",
            Self::Ipv6 => "{PORT6}",
        }
    }

    /// A loopback address with port 0, for which the system chooses one.
    fn address(self) -> SocketAddr {
        let host = match self {
            Self::Ipv6 => IpAddr::from(Ipv6Addr::LOCALHOST),
            Self::Main | Self::Second | Self::WrongCertificate | Self::Plain => Ipv4Addr::LOCALHOST.into(),
        };
        SocketAddr::new(host, 0)
    }
}

/// The bound sockets of an agent, before it accepts connections.
pub(crate) struct Sockets {
    pub(crate) ports: HashMap<Listener, u16>,
    pub(crate) listening: Vec<(Listener, TcpListener)>,
    /// The main port where connections are to be refused: bound, so that nobody else gets it, and not listening.
    pub(crate) refusing: Option<TcpSocket>,
}

impl Sockets {
    /// Binds the main listener, as the first opening demands, and the others.
    pub(crate) async fn bind(first: &Opening, others: &[Listener]) -> Result<Self> {
        let mut sockets = Self { ports: HashMap::new(), listening: Vec::new(), refusing: None };
        if *first == Opening::Refused {
            let socket = TcpSocket::new_v4()?;
            socket.bind(Listener::Main.address())?;
            sockets.ports.insert(Listener::Main, socket.local_addr()?.port());
            sockets.refusing = Some(socket);
        } else {
            sockets.listen(Listener::Main).await?;
        }
        for listener in others {
            sockets.listen(*listener).await?;
        }
        Ok(sockets)
    }

    async fn listen(&mut self, listener: Listener) -> Result<()> {
        let socket = TcpListener::bind(listener.address()).await?;
        self.ports.insert(listener, socket.local_addr()?.port());
        self.listening.push((listener, socket));
        Ok(())
    }
}
