//! What the connections of one agent share: the answers still to come, and the requests that came.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::behaviour::Opening;
use crate::certificates::Certificates;
use crate::listener::Listener;
use crate::request::Request;
use crate::script::Answer;

/// A request as the agent received it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Received {
    /// The connection that it came on: from 1, in the order in which connections sent their first request.
    pub connection: usize,
    /// The listener that it came to.
    pub listener: Listener,
    /// The method, such as `GET`.
    pub method: String,
    /// The request target as sent: path and query.
    pub path: String,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Vec<u8>,
}

impl Received {
    /// The value of the first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The shared state.
pub(crate) struct Stage {
    pub(crate) certificates: Certificates,
    /// Never empty.
    answers: Vec<Answer>,
    next: AtomicUsize,
    received: watch::Sender<Vec<Received>>,
    accepted: AtomicUsize,
    talking: AtomicUsize,
}

impl Stage {
    pub(crate) fn new(answers: Vec<Answer>, certificates: Certificates) -> Self {
        Self {
            certificates,
            answers,
            next: AtomicUsize::new(0),
            received: watch::Sender::new(Vec::new()),
            accepted: AtomicUsize::new(0),
            talking: AtomicUsize::new(0),
        }
    }

    /// Counts a connection, and says how it is to begin.
    pub(crate) fn accept(&self, listener: Listener) -> Opening {
        self.accepted.fetch_add(1, Ordering::SeqCst);
        match listener {
            Listener::Plain => return Opening::Plain,
            Listener::WrongCertificate => return Opening::WrongCertificate,
            Listener::Main | Listener::Second | Listener::Ipv6 => {}
        }
        let opening = self.answer(self.next.load(Ordering::SeqCst)).opening.clone();
        if opening.is_dead_end() {
            self.next.fetch_add(1, Ordering::SeqCst);
        }
        opening
    }

    /// Connections accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The number of a connection that now sends its first request.
    pub(crate) fn number_connection(&self) -> usize {
        self.talking.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Records a request and gives it the next answer, in one step, so that the two keep the same order.
    pub(crate) fn receive(&self, received: Received) -> &Answer {
        let mut index = 0;
        self.received.send_modify(|all| {
            all.push(received);
            index = self.next.fetch_add(1, Ordering::SeqCst);
        });
        self.answer(index)
    }

    /// Records a request that gets no answer.
    pub(crate) fn receive_in_silence(&self, received: Received) {
        self.received.send_modify(|all| all.push(received));
    }

    /// The requests so far, and those to come.
    pub(crate) fn received(&self) -> watch::Receiver<Vec<Received>> {
        self.received.subscribe()
    }

    fn answer(&self, index: usize) -> &Answer {
        &self.answers[index.min(self.answers.len() - 1)]
    }
}

impl Request {
    pub(crate) fn into_received(self, connection: usize, listener: Listener) -> Received {
        Received { connection, listener, method: self.method, path: self.path, headers: self.headers, body: self.body }
    }
}
