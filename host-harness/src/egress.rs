//! What leaves: the host's side of `wasi:http`, for one instance.
//!
//! The component's request is not forwarded. It is read for what it asks: one of the nine routes, at the pinned
//! authority, with the stand-in for the token. Then the host's own request for that route is sent, so that nothing else
//! which a component puts into a request can leave.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{Error as WasiError, RequestOptions, WasiBody, WasiHttpHooks};

use agentapi_contract::Fingerprint;

use crate::client::{Answer, Client, MAX_BODY_BYTES};
use crate::pinning::{Host as PinningHost, Refusal};
use crate::{Error, Route, Token};

/// The rules and the client of one instance.
pub(crate) struct Egress {
    client: Arc<Client>,
    /// What the component believes to be the token.
    stand_in: Token,
    /// Whether the component has stated the pin that the host enforces.
    is_pinned: bool,
    deadline: Instant,
    /// Why the last exchange failed, for whoever made the call.
    failure: Arc<Mutex<Option<Error>>>,
}

impl Egress {
    pub(crate) fn new(client: Arc<Client>, stand_in: Token) -> Self {
        let failure = Arc::default();
        Self { client, stand_in, is_pinned: false, deadline: Instant::now(), failure }
    }

    /// Everything until the next call has to be done by then.
    pub(crate) fn begin(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.take_failure();
    }

    /// Why the last exchange failed.
    pub(crate) fn take_failure(&mut self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What comes of a request, for whoever waits for it.
    pub(crate) fn exchange(
        &self,
        request: HostOutgoingRequest,
    ) -> impl Future<Output = Result<Answer, ErrorCode>> + Send + use<> {
        let admitted = self.admit(&request);
        let client = Arc::clone(&self.client);
        let failure = Arc::clone(&self.failure);
        let deadline = self.deadline;
        async move {
            let answer = async {
                let route = admitted?;
                let body = collect(request.body).await?;
                client.exchange(route, body, deadline).await
            };
            answer.await.map_err(|error| {
                tracing::debug!(?error, "an exchange failed");
                let told = error.to_wasi();
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                told
            })
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
        if !request.authority.as_deref().is_some_and(|named| self.client.is_at(named)) {
            return Err(Error::Denied("a request to another authority than the pinned one".into()));
        }
        if !self.stand_in.admits(&request.headers) {
            return Err(Error::Denied("a request that is not authorized as it was told to be".into()));
        }
        let method: Result<Method, _> = request.method.clone().try_into();
        let path = request.path_with_query.as_deref().unwrap_or_default();
        let route = method.ok().and_then(|method| Route::of(&method, path));
        route.ok_or_else(|| Error::Denied("a request to a route that the agent does not have".into()))
    }
}

impl PinningHost for Egress {
    fn pin(&mut self, authority: String, leaf_sha256: Vec<Vec<u8>>) -> Result<(), Refusal> {
        if !self.client.is_at(&authority) {
            return Err(Refusal::Authority("this instance is for another authority".into()));
        }
        let enforced = |bytes: &Vec<u8>| {
            let bytes = <[u8; Fingerprint::LEN]>::try_from(bytes.as_slice());
            bytes.is_ok_and(|bytes| self.client.pins().contains(&Fingerprint::from_bytes(bytes)))
        };
        let is_stated = |pin: &Fingerprint| leaf_sha256.iter().any(|stated| stated == pin.as_bytes());
        if !leaf_sha256.iter().all(enforced) || !self.client.pins().iter().all(is_stated) {
            return Err(Refusal::Fingerprints("the host enforces other fingerprints".into()));
        }
        self.is_pinned = true;
        Ok(())
    }
}

impl WasiHttpHooks for Egress {
    /// Never called: `handle` is our own. Were it called, nothing would leave.
    fn send_request(
        &mut self,
        _request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _on_response_error: Box<dyn Future<Output = Result<(), WasiError>> + Send>,
    ) -> Refused {
        Box::new(async { Err(WasiError::HttpRequestDenied) })
    }
}

type Refused = Box<dyn Future<Output = Result<(Response<WasiBody>, Trailing), WasiError>> + Send>;
type Trailing = Box<dyn Future<Output = Result<(), WasiError>> + Send>;

/// The component's whole request body.
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

    use super::*;
    use crate::Connection;
    use crate::mask::Mask;

    fn egress(pins: [[u8; Fingerprint::LEN]; 2]) -> Egress {
        let pins = pins.map(Fingerprint::from_bytes).map(|pin| pin.to_string());
        let connection = Connection::parse("agent", "guest-token", pins).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = Client::new(&connection, Duration::ZERO, Mask::new([]), provider).unwrap();
        Egress::new(Arc::new(client), "stand-in".parse().unwrap())
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
