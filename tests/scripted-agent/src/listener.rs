//! The listeners of one agent. They share its answers and differ in what stands behind the port.

use std::collections::HashMap;
use std::io::Result;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::behaviour::Opening;

/// A port of the agent, and what stands behind it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Listener {
    /// The agent itself; opens connections as the answers say.
    Main,
    /// The same on a second port.
    Second,
    /// TLS with the other certificate, whatever the answers say.
    WrongCertificate,
    /// HTTP without TLS, whatever the answers say.
    Plain,
    /// The same as the main one, on `[::1]`.
    Ipv6,
}

impl Listener {
    /// Every listener there is.
    pub const ALL: [Self; 5] = [Self::Main, Self::Second, Self::WrongCertificate, Self::Plain, Self::Ipv6];

    /// What stands for its port in the texts of recorded cases.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Main => "{PORT}",
            Self::Second => "{PORT2}",
            Self::WrongCertificate => "{PORT_WRONG}",
            Self::Plain => "{PORT_PLAIN}",
            Self::Ipv6 => "{PORT6}",
        }
    }

    /// A loopback address, with a port that the system is to choose.
    fn address(self) -> SocketAddr {
        let host = match self {
            Self::Ipv6 => IpAddr::from(Ipv6Addr::LOCALHOST),
            Self::Main | Self::Second | Self::WrongCertificate | Self::Plain => Ipv4Addr::LOCALHOST.into(),
        };
        SocketAddr::new(host, 0)
    }
}

/// The bound sockets of an agent that has not started to accept.
pub(crate) struct Doors {
    pub(crate) ports: HashMap<Listener, u16>,
    pub(crate) open: Vec<(Listener, TcpListener)>,
    /// The main port where nobody is to listen. It stays bound, so that no one else gets it and connecting is refused.
    pub(crate) shut: Option<TcpSocket>,
}

impl Doors {
    /// Binds the main listener, as the first opening wants it, and the others.
    pub(crate) async fn bind(first: &Opening, others: &[Listener]) -> Result<Self> {
        let mut doors = Self { ports: HashMap::new(), open: Vec::new(), shut: None };
        if *first == Opening::Refused {
            let socket = TcpSocket::new_v4()?;
            socket.bind(Listener::Main.address())?;
            doors.ports.insert(Listener::Main, socket.local_addr()?.port());
            doors.shut = Some(socket);
        } else {
            doors.open(Listener::Main).await?;
        }
        for listener in others {
            doors.open(*listener).await?;
        }
        Ok(doors)
    }

    async fn open(&mut self, listener: Listener) -> Result<()> {
        let socket = TcpListener::bind(listener.address()).await?;
        self.ports.insert(listener, socket.local_addr()?.port());
        self.open.push((listener, socket));
        Ok(())
    }
}
