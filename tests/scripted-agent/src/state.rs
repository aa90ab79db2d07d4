//! What the connections of one agent share: the answers that are left, and the requests that arrived.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::behaviour::Opening;
use crate::certificates::Certificates;
use crate::listener::Listener;
use crate::request::Request;
use crate::script::Answer;

/// A request as it arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReceivedRequest {
    /// The connection that it arrived on: from 1, in the order in which connections sent their first request.
    pub connection: usize,
    /// The listener that it arrived at.
    pub listener: Listener,
    /// The method, such as `GET`.
    pub method: String,
    /// The request target as sent: path and query.
    pub path: String,
    /// The headers in their order, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Vec<u8>,
}

impl ReceivedRequest {
    /// The value of the first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The state of one agent.
pub(crate) struct State {
    pub(crate) certificates: Certificates,
    /// Never empty.
    answers: Vec<Answer>,
    next: AtomicUsize,
    received: watch::Sender<Vec<ReceivedRequest>>,
    /// How often something was done that no request had asked for.
    unasked: watch::Sender<usize>,
    accepted: AtomicUsize,
    application_bytes: AtomicUsize,
    connections_with_requests: AtomicUsize,
}

impl State {
    pub(crate) fn new(answers: Vec<Answer>, certificates: Certificates) -> Self {
        Self {
            certificates,
            answers,
            next: AtomicUsize::new(0),
            received: watch::Sender::new(Vec::new()),
            unasked: watch::Sender::new(0),
            accepted: AtomicUsize::new(0),
            application_bytes: AtomicUsize::new(0),
            connections_with_requests: AtomicUsize::new(0),
        }
    }

    /// Counts a connection, and decides how it is opened.
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

    /// Counts bytes that came through an open connection, whether or not they are a request.
    pub(crate) fn count_application_bytes(&self, length: usize) {
        self.application_bytes.fetch_add(length, Ordering::SeqCst);
    }

    pub(crate) fn application_bytes(&self) -> usize {
        self.application_bytes.load(Ordering::SeqCst)
    }

    /// The number for a connection that sends its first request.
    pub(crate) fn number_connection(&self) -> usize {
        self.connections_with_requests.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Records a request, and returns the answer to it.
    pub(crate) fn receive(&self, received: ReceivedRequest) -> &Answer {
        // Both under the lock of the channel: the n-th recorded request is the one that gets the n-th answer.
        let mut index = 0;
        self.received.send_modify(|all| {
            all.push(received);
            index = self.next.fetch_add(1, Ordering::SeqCst);
        });
        self.answer(index)
    }

    /// Records a request that gets no answer.
    pub(crate) fn receive_unanswered(&self, received: ReceivedRequest) {
        self.received.send_modify(|all| all.push(received));
    }

    /// Counts bytes that were sent, or a connection that was ended, without having been asked.
    pub(crate) fn count_unasked(&self) {
        self.unasked.send_modify(|count| *count += 1);
    }

    pub(crate) fn unasked(&self) -> watch::Receiver<usize> {
        self.unasked.subscribe()
    }

    /// The answer that is sent before the first request.
    pub(crate) fn first_answer(&self) -> &Answer {
        self.answer(0)
    }

    /// The requests so far, and those to come.
    pub(crate) fn received(&self) -> watch::Receiver<Vec<ReceivedRequest>> {
        self.received.subscribe()
    }

    fn answer(&self, index: usize) -> &Answer {
        &self.answers[index.min(self.answers.len() - 1)]
    }
}

impl Request {
    pub(crate) fn into_received_request(self, connection: usize, listener: Listener) -> ReceivedRequest {
        ReceivedRequest {
            connection,
            listener,
            method: self.method,
            path: self.path,
            headers: self.headers,
            body: self.body,
        }
    }
}
