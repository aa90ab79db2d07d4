//! What leaves the sandbox: the host's side of `wasi:http`, for one instance.
//!
//! The component's request is not forwarded. The host reads which of the nine routes it asks for, checks that it goes
//! to the pinned authority and carries the stand-in for the token, and then sends a request of its own for that route.
//! What else a component puts into a request cannot leave.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use agentapi_contract::{Fingerprint, MAX_BODY_BYTES, Route};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{Error as WasiError, RequestOptions, WasiBody, WasiHttpHooks};

use crate::error::Error;
use crate::network::{Answer, Client, Deadline};
use crate::sandbox::bindings::pinning::{Host as PinningHost, Refusal};
use crate::sandbox::error::to_wasi;

/// The rules and the client of one instance.
pub(crate) struct Egress {
    client: Arc<Client>,
    /// Whether the component has stated the pin that the host enforces.
    is_pinned: bool,
    deadline: Deadline,
    /// Shared with the exchange that is under way, which may run in a task of its own.
    summary: Arc<Mutex<ExchangeSummary>>,
    wait: TimedWait,
}

/// Whether the instance waits for an exchange, which ends at the deadline by itself. Clones share it.
#[derive(Clone, Default)]
pub(super) struct TimedWait(Arc<AtomicBool>);

/// The time in which it does.
pub(super) struct Waiting(TimedWait);

/// The outcome of a call's exchange, for the host's own report. The component learns less.
#[derive(Default)]
pub(super) struct ExchangeSummary {
    /// The error with its cause. WASI only has a code for it.
    pub(super) failure: Option<Error>,
    pub(super) attempts: u32,
    pub(super) is_reused: bool,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) received_bytes: usize,
}

impl Egress {
    pub(super) fn new(client: Arc<Client>, deadline: Deadline) -> Self {
        Self { client, is_pinned: false, deadline, summary: Arc::default(), wait: TimedWait::default() }
    }

    /// Sets the deadline of the next call, and forgets the call before.
    pub(super) fn start_call(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        self.take_summary();
    }

    /// The summary of the last exchange.
    pub(super) fn take_summary(&mut self) -> ExchangeSummary {
        mem::take(&mut *self.summary.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn wait(&self) -> &TimedWait {
        &self.wait
    }

    /// Makes the exchange that a request asks for. The future borrows nothing, so that it can run in a task.
    pub(super) fn exchange(
        &self,
        request: HostOutgoingRequest,
    ) -> impl Future<Output = Result<Answer, ErrorCode>> + Send + use<> {
        // Decided now, by the state in which the component made the request, and not when the future first runs.
        let admitted = self.admit(&request);
        let body = request.body;
        let (client, slot, deadline) = (Arc::clone(&self.client), Arc::clone(&self.summary), self.deadline);
        async move {
            let mut summary = ExchangeSummary::default();
            let answer = async {
                let route = admitted?;
                let body = collect(body).await?;
                // Boxed: it has two kilobytes, and each future that it is awaited in is moved with all that it holds.
                let exchange = Box::pin(client.exchange(route, body, deadline)).await;
                (summary.attempts, summary.is_reused) = (exchange.attempts, exchange.is_reused);
                summary.fingerprint = exchange.leaf;
                exchange.outcome
            }
            .await;
            summary.received_bytes = answer.as_ref().map_or(0, |answer| answer.body.len());
            let answer = answer.map_err(|error| {
                log(&error);
                let code = to_wasi(&error);
                summary.failure = Some(error);
                code
            });
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = summary;
            answer
        }
    }

    /// The route that a request asks for, if it may leave.
    fn admit(&self, request: &HostOutgoingRequest) -> Result<Route, Error> {
        if !self.is_pinned {
            return Err(Error::Denied("a request before the pin".into()));
        }
        if !matches!(request.scheme, Some(Scheme::Https)) {
            return Err(Error::Denied("a request without https".into()));
        }
        if !request.authority.as_deref().is_some_and(|named| self.client.matches_authority(named)) {
            return Err(Error::Denied("a request to another authority than the pinned one".into()));
        }
        let authorization = request.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        if !self.client.credentials().stand_in().admits(authorization) {
            return Err(Error::Denied("a request that does not carry the token that it was given".into()));
        }
        let method: Result<Method, _> = request.method.clone().try_into();
        let path = request.path_with_query.as_deref().unwrap_or_default();
        let route = method.ok().and_then(|method| Route::of(method.as_str(), path));
        route.ok_or_else(|| Error::Denied("a request to a route that the agent does not have".into()))
    }
}

impl TimedWait {
    /// To be called in the task that polls the instance, and kept while it polls an exchange.
    pub(super) fn begin(&self) -> Waiting {
        self.0.store(true, Ordering::Relaxed);
        Waiting(self.clone())
    }

    pub(super) fn is_timed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

impl PinningHost for Egress {
    fn pin(&mut self, authority: String, leaf_sha256: Vec<Vec<u8>>) -> Result<(), Refusal> {
        if !self.client.matches_authority(&authority) {
            return Err(Refusal::Authority("this instance is for another authority".into()));
        }
        let is_enforced = |bytes: &Vec<u8>| {
            let bytes = <[u8; Fingerprint::LEN]>::try_from(bytes.as_slice());
            bytes.is_ok_and(|bytes| self.client.pins().contains(&Fingerprint::from_bytes(bytes)))
        };
        let is_stated = |pin: &Fingerprint| leaf_sha256.iter().any(|stated| stated == pin.as_bytes());
        // Equal sets, whatever the order: a component that states fewer pins was connected with others.
        if !leaf_sha256.iter().all(is_enforced) || !self.client.pins().iter().all(is_stated) {
            return Err(Refusal::Fingerprints("the host enforces other fingerprints".into()));
        }
        self.is_pinned = true;
        Ok(())
    }
}

impl WasiHttpHooks for Egress {
    fn send_request(
        &mut self,
        _request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _on_response_error: TransmissionFuture,
    ) -> ResponseFuture {
        // The linker's `handle` is our own and does not call this. If a new version of wasmtime-wasi-http had another
        // way here, nothing must leave by it.
        Box::new(async { Err(WasiError::HttpRequestDenied) })
    }
}

type ResponseFuture = Box<dyn Future<Output = Result<(Response<WasiBody>, TransmissionFuture), WasiError>> + Send>;
type TransmissionFuture = Box<dyn Future<Output = Result<(), WasiError>> + Send>;

fn log(error: &Error) {
    match error {
        // Somebody who presents another certificate needs an operator's attention. Other errors are returned to the
        // caller, who decides how much they matter.
        Error::PinMismatch { authority, source } => {
            tracing::warn!(%authority, mismatch = %source, "the agent is not the pinned one");
        }
        _ => tracing::debug!(?error, "an exchange failed"),
    }
}

/// The component's whole request body: it is sent with its length, and a second time where the first was not sent.
async fn collect(body: Option<HyperOutgoingBody>) -> Result<Bytes, Error> {
    let Some(body) = body else { return Ok(Bytes::new()) };
    let limit = usize::try_from(MAX_BODY_BYTES).unwrap_or(usize::MAX);
    let collected = Limited::new(body, limit).collect().await;
    let collected = collected.map_err(|why| match why.is::<LengthLimitError>() {
        true => Error::Denied(format!("a request body of more than {limit} bytes")),
        false => Error::Denied("a request body that does not end".into()),
    })?;
    Ok(collected.to_bytes())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Arc, Client, Deadline, Egress, Fingerprint, PinningHost};
    use crate::network::Credentials;
    use crate::permits::Permits;

    fn egress(pins: [[u8; Fingerprint::LEN]; 2]) -> Egress {
        let pins = pins.map(Fingerprint::from_bytes).to_vec().try_into().unwrap();
        let credentials = Credentials::new("guest-token".parse().unwrap(), "the-stand-in".parse().unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client =
            Client::new("agent".parse().unwrap(), pins, Arc::new(credentials), Permits::default(), provider).unwrap();
        Egress::new(Arc::new(client), Deadline::after(Duration::ZERO))
    }

    #[test]
    fn only_the_pins_that_are_enforced_are_accepted_and_all_of_them() {
        let [first, second, other] = [[1; Fingerprint::LEN], [2; Fingerprint::LEN], [3; Fingerprint::LEN]];
        let accepted = |leaves: &[&[u8]]| {
            let mut egress = egress([first, second]);
            let outcome = egress.pin("agent:443".into(), leaves.iter().map(|leaf| leaf.to_vec()).collect());
            assert_eq!(egress.is_pinned, outcome.is_ok());
            outcome.is_ok()
        };
        assert!(accepted(&[&first, &second]) && accepted(&[&second, &first]));
        let refused: [&[&[u8]]; 6] = [
            &[],
            &[&first],
            &[&first, &other],
            &[&other, &second],
            &[&first, &second, &other],
            &[&first, &second[1..]],
        ];
        for leaves in refused {
            assert!(!accepted(leaves), "{leaves:?}");
        }
    }
}
