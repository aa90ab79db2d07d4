//! The scripted agent: a peer that plays given bytes over real TLS, and records the requests that arrive.
//!
//! The recorded cases and the end-to-end tests use it for everything that a well-behaved agent never does: answers that
//! break off, connections that hang or are reset, wrong certificates, old protocols. It knows nothing of the API.
//!
//! A [`Script`] says what to play, and [`Certificates`] are what it presents. Certificates are generated once and
//! shared, so that an agent costs little more than a socket. Everything listens on the loopback interface, on ports
//! that the system chooses, and ends with the [`ScriptedAgent`].

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "support for tests: a broken agent should fail the test at the place where it broke"
)]

mod behaviour;
mod certificates;
mod connection;
mod der;
mod identity;
mod key_exchange;
mod legacy;
mod listener;
mod placeholders;
mod play;
mod request;
mod script;
mod state;
mod unasked;
mod weak_rsa;
mod wire;

use std::io::Result;
use std::sync::Arc;

use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::connection::accept_all;
use crate::listener::Sockets;
use crate::placeholders::Placeholders;
use crate::state::State;

pub use crate::behaviour::{
    Behaviour, Delivery, ForeignKeyExchange, LegacyVersion, Opening, TlsVersion, UnknownBehaviour,
};
pub use crate::certificates::Certificates;
pub use crate::listener::Listener;
pub use crate::script::{Answer, Framing, Script};
pub use crate::state::ReceivedRequest;
pub use crate::unasked::Place;

/// A running agent. It ends soon after it is dropped; [`stop`](Self::stop) waits for that.
pub struct ScriptedAgent {
    placeholders: Placeholders,
    state: Arc<State>,
    tasks: Vec<JoinHandle<()>>,
    /// The tasks end when this is dropped.
    stop: watch::Sender<()>,
    _refusing: Option<TcpSocket>,
}

impl ScriptedAgent {
    /// Starts an agent in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// `cert:KIND` without a folder, or without a usable `KIND.pem` in it. A listener that cannot be bound, such as
    /// [`Listener::Ipv6`] on a machine without IPv6.
    pub async fn start(script: Script, certificates: &Certificates) -> Result<Self> {
        let Script { answers, listeners } = script;
        for answer in &answers {
            certificates.config(&answer.opening)?;
        }
        let first = &answers[0].opening;
        let sockets = Sockets::bind(first, &listeners).await?;
        let placeholders =
            Placeholders { ports: sockets.ports, pinned: certificates.pinned(first)?, other: certificates.other() };
        let answers = answers.into_iter().map(|answer| placeholders.fill_headers(answer)).collect();
        let state = Arc::new(State::new(answers, certificates.clone()));
        let (stop, stopped) = watch::channel(());
        let serve =
            |(listener, socket)| tokio::spawn(accept_all(socket, listener, Arc::clone(&state), stopped.clone()));
        let tasks = sockets.listening.into_iter().map(serve).collect();
        Ok(Self { placeholders, state, tasks, stop, _refusing: sockets.refusing })
    }

    /// Ends all connections and listeners, and returns when they have ended.
    pub async fn stop(self) {
        drop(self.stop);
        for task in self.tasks {
            task.await.expect("a listener's task does not panic");
        }
    }

    /// The main port, on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port_of(Listener::Main)
    }

    /// The port of a listener.
    ///
    /// # Panics
    ///
    /// If the script did not ask for that listener.
    pub fn port_of(&self, listener: Listener) -> u16 {
        let port = self.placeholders.ports.get(&listener);
        *port.unwrap_or_else(|| panic!("the script did not ask for the listener {listener:?}"))
    }

    /// The fingerprint to pin, in lower-case hex: that of the leaf certificate which the opening of the first answer
    /// presents. For a peer with the wrong certificate, that of the right one.
    pub fn fingerprint(&self) -> String {
        self.placeholders.pinned.fingerprint()
    }

    /// The SPKI fingerprint of that leaf certificate, in lower-case hex.
    pub fn spki_fingerprint(&self) -> String {
        self.placeholders.pinned.spki_fingerprint()
    }

    /// The fingerprint of the last certificate of that chain, in lower-case hex; the leaf's own if it is alone.
    pub fn last_fingerprint(&self) -> String {
        self.placeholders.pinned.last_fingerprint()
    }

    /// The fingerprint of the certificate that is presented where it is the wrong one, in lower-case hex.
    pub fn other_fingerprint(&self) -> String {
        self.placeholders.other.fingerprint()
    }

    /// The text with the placeholders of recorded cases replaced: those for ports, such as `{PORT}`, if the script
    /// asked for the listener, and those for fingerprints, such as `{PIN}`. [`Script::listeners_named_in`] asks for the
    /// listeners whose placeholders a text holds.
    pub fn fill(&self, text: &str) -> String {
        self.placeholders.fill(text)
    }

    /// The requests so far, each read to the end of its body, in the order in which they ended.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.received().borrow().clone()
    }

    /// Waits until this many requests have arrived, and returns all so far.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<ReceivedRequest> {
        let mut received = self.state.received();
        let all = received.wait_for(|all| all.len() >= count).await;
        all.expect("the agent holds the sender").clone()
    }

    /// Waits until this many times something was done that no request had asked for: bytes that
    /// [`Answer::unasked`] sends were handed to the system, or a delivery has ended the connection.
    pub async fn wait_for_unasked(&self, count: usize) {
        let mut unasked = self.state.unasked();
        let counted = unasked.wait_for(|counted| *counted >= count).await;
        counted.expect("the agent holds the sender");
    }

    /// How many bytes came through opened connections so far, of whole requests and of others. A connection's bytes are
    /// counted when a request is whole, or when the connection ends.
    pub fn application_bytes(&self) -> usize {
        self.state.application_bytes()
    }

    /// How many TCP connections all listeners have accepted so far, whatever became of them.
    pub fn connections(&self) -> usize {
        self.state.accepted()
    }
}
