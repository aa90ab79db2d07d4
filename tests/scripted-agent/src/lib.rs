//! The scripted agent: a peer that plays given bytes over real TLS, and takes down the requests that come.
//!
//! The recorded cases and the end-to-end tests rely on it for everything that a well-behaved agent never does: answers
//! that break off, connections that hang or are reset, wrong certificates, old protocols. It knows nothing of the API.
//!
//! A [`Script`] says what to play, [`Certificates`] what to present; the latter are made once and shared, so that an
//! agent costs little more than a socket. Everything is on the loopback interface, on ports that the system chooses,
//! and ends with the [`ScriptedAgent`].

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
mod legacy;
mod listener;
mod placeholders;
mod play;
mod request;
mod script;
mod stage;
mod weak_rsa;
mod wire;

use std::io::Result;
use std::sync::Arc;

use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::connection::accept_all;
use crate::listener::Doors;
use crate::placeholders::Placeholders;
use crate::stage::Stage;

pub use crate::behaviour::{Behaviour, Delivery, LegacyVersion, Opening, TlsVersion, UnknownBehaviour};
pub use crate::certificates::Certificates;
pub use crate::listener::Listener;
pub use crate::script::{Answer, Framing, Script};
pub use crate::stage::Received;

/// A running agent. It ends soon after it is dropped; [`stop`](Self::stop) waits until it has.
pub struct ScriptedAgent {
    names: Placeholders,
    stage: Arc<Stage>,
    tasks: Vec<JoinHandle<()>>,
    /// The tasks end when this is gone.
    running: watch::Sender<()>,
    _shut: Option<TcpSocket>,
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
        let doors = Doors::bind(first, &listeners).await?;
        let names =
            Placeholders { ports: doors.ports, pinned: certificates.pinned(first)?, other: certificates.other() };
        let answers = answers.into_iter().map(|answer| names.fill_headers(answer)).collect();
        let stage = Arc::new(Stage::new(answers, certificates.clone()));
        let (running, stopped) = watch::channel(());
        let serve =
            |(listener, socket)| tokio::spawn(accept_all(socket, listener, Arc::clone(&stage), stopped.clone()));
        Ok(Self { tasks: doors.open.into_iter().map(serve).collect(), names, stage, running, _shut: doors.shut })
    }

    /// Ends all connections and listeners, and returns when they have ended.
    pub async fn stop(self) {
        drop(self.running);
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
        let port = self.names.ports.get(&listener);
        *port.unwrap_or_else(|| panic!("the script did not ask for the listener {listener:?}"))
    }

    /// The fingerprint to pin, in lower-case hex: of the leaf certificate that the first answer is presented with, and
    /// for a peer with the wrong certificate of the one that it should have.
    pub fn fingerprint(&self) -> String {
        self.names.pinned.fingerprint()
    }

    /// The SPKI fingerprint of that leaf certificate, in lower-case hex.
    pub fn spki_fingerprint(&self) -> String {
        self.names.pinned.spki_fingerprint()
    }

    /// The fingerprint of the last certificate of that chain, in lower-case hex; the leaf's own if it is alone.
    pub fn last_fingerprint(&self) -> String {
        self.names.pinned.last_fingerprint()
    }

    /// The fingerprint of the certificate that is presented where it is the wrong one, in lower-case hex.
    pub fn other_fingerprint(&self) -> String {
        self.names.other.fingerprint()
    }

    /// The text with the placeholders of recorded cases replaced: `{PORT}` and its like for the listeners that the
    /// script asked for, `{PIN}` and its like. [`Script::listeners_named_in`] asks for the listeners of a text.
    pub fn fill(&self, text: &str) -> String {
        self.names.fill(text)
    }

    /// The requests so far, each read to the end of its body, in the order of their ends.
    pub fn requests(&self) -> Vec<Received> {
        self.stage.received().borrow().clone()
    }

    /// Waits until that many requests have come, and returns all so far.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Received> {
        let mut received = self.stage.received();
        let all = received.wait_for(|all| all.len() >= count).await;
        all.expect("the agent holds the sender").clone()
    }

    /// How many TCP connections all listeners have accepted so far, whatever became of them.
    pub fn connections(&self) -> usize {
        self.stage.accepted()
    }
}
