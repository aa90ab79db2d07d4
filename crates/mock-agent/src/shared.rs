//! What the accept loop, the connections and the [`MockAgent`](crate::MockAgent) share.
//!
//! Each part has a lock of its own, and this crate takes none while it holds another, so there is no order of locks to
//! keep.

use std::io;
use std::sync::{Arc, Mutex};

use agentapi_contract::Token;
use bytes::Bytes;
use http::Request;
use rustls::crypto::CryptoProvider;

use crate::certificate::Certificates;
use crate::clock::BackupClock;
use crate::connection_count::ConnectionCount;
use crate::fault_queue::FaultQueue;
use crate::lock::lock;
use crate::outgoing::Outgoing;
use crate::request_log::RequestLog;
use crate::routes;
use crate::scenario::Scenario;
use crate::state::State;
use crate::upstream::Upstream;

pub(crate) struct Shared {
    pub(crate) token: Token,
    pub(crate) state: Mutex<State>,
    pub(crate) certificates: Mutex<Certificates>,
    pub(crate) faults: FaultQueue,
    pub(crate) connections: Arc<ConnectionCount>,
    pub(crate) requests: RequestLog,
    /// Answers in place of the state.
    upstream: Option<Arc<dyn Upstream>>,
}

impl Shared {
    /// What an agent with this scenario begins with: a certificate of its own, and a token of its own unless the
    /// scenario has one.
    pub(crate) fn new(
        mut scenario: Scenario,
        clock: BackupClock,
        upstream: Option<Arc<dyn Upstream>>,
    ) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let token = match scenario.token.take() {
            Some(token) => token,
            None => random_token(&provider)?,
        };
        let faults = FaultQueue::default();
        for rule in std::mem::take(&mut scenario.faults) {
            faults.push(rule);
        }
        Ok(Self {
            token,
            state: Mutex::new(State::new(scenario, clock)),
            certificates: Mutex::new(Certificates::fresh(provider)?),
            faults,
            connections: Arc::default(),
            requests: RequestLog::default(),
            upstream,
        })
    }

    /// The agent's own answer to a request, before any fault.
    pub(crate) async fn answer(&self, request: &Request<Bytes>) -> Outgoing {
        let Some(upstream) = &self.upstream else {
            return Outgoing::new(routes::answer(request, &self.token, &self.state));
        };
        match routes::admit(request, &self.token) {
            Ok(route) => Outgoing::from_outcome(upstream.exchange(route, request.body().clone()).await),
            Err(refusal) => Outgoing::new(refusal),
        }
    }

    /// Serves the next certificate to new connections.
    pub(crate) fn rotate_certificate(&self) -> io::Result<()> {
        lock(&self.certificates).rotate()
    }
}

fn random_token(provider: &CryptoProvider) -> io::Result<Token> {
    let mut bytes = [0; Token::RANDOM_BYTES];
    let filled = provider.secure_random.fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(Token::from_random_bytes(bytes))
}
