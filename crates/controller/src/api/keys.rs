//! Idempotency keys: a request that acts and has the header `Idempotency-Key` is acted on once, however often it is sent.
//!
//! | sent again | answer |
//! | --- | --- |
//! | the same request, after it was answered | that answer |
//! | the same request, while it is worked on | 409 `in-progress` |
//! | the same request, after the controller ended in the middle | 409 `outcome-unknown` |
//! | another request | 422 `key-reused` |
//!
//! It is written down before it acts, and so it is known after a restart; [`KEEP_REQUESTS_FOR`] and [`KEEP_REQUESTS`] say how
//! long. While the state is frozen nothing can be written down: then it is refused. Only what may be repeated anyway (stop,
//! pause, resume) is done nevertheless, since it may be what ends the freeze.
//!
//! [`KEEP_REQUESTS_FOR`]: crate::store::KEEP_REQUESTS_FOR
//! [`KEEP_REQUESTS`]: crate::store::KEEP_REQUESTS

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ring::digest::{Context, SHA256};

use crate::api::access::Rights;
use crate::api::body;
use crate::api::problem::{Problem, ProblemKind};
use crate::api::wipe::WipeAsked;
use crate::clock::Clock;
use crate::store::{KnownRequest, RequestDigest, RequestKey, Store, StoreError, StoredAnswer};

/// What a route does when the same is asked twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It does it twice.
    Acts,
    /// The second time changes nothing.
    IsHarmless,
}

/// The requests that are worked on, and those whose answer is not on the disk yet.
#[derive(Clone)]
pub(super) struct Keys {
    store: Store,
    clock: Arc<dyn Clock>,
    open: Arc<Mutex<HashMap<RequestKey, KnownRequest>>>,
}

/// A request that is worked on. Until it is dropped, another one with its key is held off.
struct Reserved {
    keys: Keys,
    key: RequestKey,
    digest: RequestDigest,
}

impl Keys {
    pub(super) fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, open: Arc::default() }
    }

    /// Passes a request on if it was not made before.
    pub(super) async fn pass_on(self, repeat: Repeat, request: Request, next: Next) -> Result<Response, Problem> {
        let Some(key) = key_of(&request)? else { return Ok(next.run(request).await) };
        let (digest, request) = read(request).await?;
        let reserved = match self.reserve(key, digest) {
            Ok(reserved) => reserved,
            Err(known) => return answer_again(digest, known, ProblemKind::InProgress),
        };
        // The sender may leave: what it has asked for is done to the end all the same, and its answer is kept.
        match tokio::spawn(reserved.work(repeat, request, next)).await {
            Ok(answer) => answer,
            Err(panic) => Err(Problem::internal("the request failed", &panic.to_string())),
        }
    }

    fn reserve(self, key: RequestKey, digest: RequestDigest) -> Result<Reserved, KnownRequest> {
        match self.lock().entry(key.clone()) {
            Entry::Occupied(open) => return Err(open.get().clone()),
            Entry::Vacant(free) => free.insert(KnownRequest { digest, answer: None }),
        };
        Ok(Reserved { keys: self, key, digest })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestKey, KnownRequest>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reserved {
    async fn work(self, repeat: Repeat, request: Request, next: Next) -> Result<Response, Problem> {
        if let Some(known) = self.find(repeat).await? {
            return answer_again(self.digest, known, ProblemKind::OutcomeUnknown);
        }
        let response = next.run(request).await;
        let is_as_if_never_asked =
            response.extensions().get::<ProblemKind>().is_some_and(|kind| kind.is_as_if_never_asked());
        if is_as_if_never_asked {
            let key = self.key.clone();
            // If this fails, a repetition is told that the outcome is not known, which is wrong and does no harm.
            let _ = self.keys.store.writer().write(move |tx| tx.forget_request(&key)).await;
            return Ok(response);
        }
        let answer = take(response).await?;
        self.keep(answer.clone());
        Ok(to_response(answer))
    }

    /// Looks whether the request is known. One that acts is written down here.
    async fn find(&self, repeat: Repeat) -> Result<Option<KnownRequest>, StoreError> {
        let (at, key, digest, store) = (self.keys.clock.now(), self.key.clone(), self.digest, &self.keys.store);
        if repeat == Repeat::IsHarmless {
            // While the state is frozen, or does not answer: done once more rather than not at all.
            return Ok(store.reader().request(key).await.unwrap_or(None));
        }
        if let Some(since) = store.parked_for() {
            return Err(StoreError::Parked(since));
        }
        store.writer().write(move |tx| tx.begin_request(at, &key, &digest)).await
    }

    /// The answer is given at once. Until it is on the disk, which may be after a thaw, it is known in memory.
    fn keep(self, answer: StoredAnswer) {
        if let Some(open) = self.keys.lock().get_mut(&self.key) {
            open.answer = Some(answer.clone());
        }
        let (at, key, digest) = (self.keys.clock.now(), self.key.clone(), self.digest);
        let written = self.keys.store.writer().write(move |tx| tx.answer_request(at, &key, &digest, &answer));
        tokio::spawn(async move {
            if let Err(why) = written.await {
                tracing::error!(error = %why, "the answer to a request with an idempotency key is not written down");
            }
            drop(self);
        });
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.key);
    }
}

/// The key of a request; none where it has none.
fn key_of(request: &Request) -> Result<Option<RequestKey>, Problem> {
    let wrong =
        || Problem::invalid(format!("expected one Idempotency-Key of 1 to {MAX_KEY_BYTES} visible ASCII characters"));
    let mut values = request.headers().get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().map_err(|_| wrong())?;
    let is_right = (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_right || values.next().is_some() {
        return Err(wrong());
    }
    let rights = request.extensions().get::<Rights>();
    let rights = rights.ok_or_else(|| Problem::internal("a request came by no socket", "it has no rights"))?;
    Ok(Some(RequestKey { uid: rights.peer.uid, key: key.to_owned() }))
}

/// What is asked: method, path, query and body.
async fn read(request: Request) -> Result<(RequestDigest, Request), Problem> {
    let (parts, body) = request.into_parts();
    // It is in memory, and within the limit.
    let body = to_bytes(body, body::MAX_BYTES)
        .await
        .map_err(|why| Problem::internal("a body was not read", &why.to_string()))?;
    let mut context = Context::new(&SHA256);
    for part in [parts.method.as_str(), parts.uri.path(), parts.uri.query().unwrap_or_default()] {
        context.update(part.as_bytes());
        // Cannot be in any of them, so that no part can be read as the beginning of the next one.
        context.update(b"\n");
    }
    context.update(&body);
    let mut digest = RequestDigest::default();
    digest.copy_from_slice(context.finish().as_ref());
    Ok((digest, Request::from_parts(parts, Body::from(body))))
}

/// The answer to a request that is known. `unanswered` is what is wrong where it has no answer.
fn answer_again(digest: RequestDigest, known: KnownRequest, unanswered: ProblemKind) -> Result<Response, Problem> {
    if digest != known.digest {
        let text = "expected the request that had this Idempotency-Key first, found another one";
        return Err(Problem::new(ProblemKind::KeyReused, text));
    }
    match (known.answer, unanswered) {
        (Some(answer), _) => Ok(to_response(answer)),
        (None, ProblemKind::InProgress) => Err(Problem::new(unanswered, "the same request is worked on")),
        (None, _) => Err(Problem::new(
            unanswered,
            "the controller ended while it worked on this request: look whether it was done before you ask with another key",
        )),
    }
}

async fn take(response: Response) -> Result<StoredAnswer, Problem> {
    let (parts, body) = response.into_parts();
    let broken = |why: axum::Error| Problem::internal("the answer cannot be kept", &why.to_string());
    let body = to_bytes(body, MAX_ANSWER_BYTES).await.map_err(broken)?.to_vec();
    let content_type = content_type(&parts.headers);
    Ok(StoredAnswer { status: parts.status.as_u16(), content_type, body })
}

fn content_type(headers: &HeaderMap) -> String {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn to_response(StoredAnswer { status, content_type, body }: StoredAnswer) -> Response {
    // The location follows from the body, and is not kept.
    if status == StatusCode::ACCEPTED.as_u16()
        && let Ok(asked) = serde_json::from_slice::<WipeAsked>(&body)
    {
        return asked.into_response();
    }
    // It was one when it was kept.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, content_type)], body).into_response()
}

/// The header's name.
pub(super) const HEADER: &str = "idempotency-key";
/// Length of a key: a UUID has 36.
pub(super) const MAX_KEY_BYTES: usize = 128;
/// Answers to what acts are a few hundred bytes; this is the longest text of an agent, and room.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests;
