use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use axum::{Extension, Router};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::{HEADER, Keys, Repeat};
use crate::api::access::{Door, Rights};
use crate::api::peer::Peer;
use crate::api::problem::{Problem, ProblemKind};
use crate::clock::SystemClock;
use crate::store::Store;

/// A handler behind keys, which does what the test says and counts how often it was asked.
struct Fixture {
    router: Router,
    asked: Arc<AtomicUsize>,
    /// A permit for each time that the handler may go on.
    may_go_on: Arc<Semaphore>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    /// The handler is given how often it was asked before.
    fn new(handle: fn(usize) -> Result<String, Problem>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::new(Store::open(folder.path()).unwrap(), Arc::new(SystemClock));
        let (asked, may_go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let handler = {
            let (asked, may_go_on) = (Arc::clone(&asked), Arc::clone(&may_go_on));
            async move || {
                let before = asked.fetch_add(1, Ordering::SeqCst);
                may_go_on.acquire().await.unwrap().forget();
                handle(before)
            }
        };
        let keyed = from_fn(move |request: Request, next: Next| keys.clone().pass_on(Repeat::Acts, request, next));
        let rights = Rights::of(&Door::Main { approvers: Vec::new() }, Peer { uid: 1, pid: None }, 1);
        let router = Router::new().route("/", post(handler)).route_layer(keyed).layer(Extension(rights));
        Self { router, asked, may_go_on, _folder: folder }
    }

    /// The status and the body; of a problem its kind.
    fn ask(&self) -> impl Future<Output = (u16, Value)> + use<> {
        let request = Request::post("/").header(HEADER, "a").body(Body::empty()).unwrap();
        let answer = self.router.clone().oneshot(request);
        async move {
            let answer = answer.await.unwrap();
            let (status, body) = (answer.status().as_u16(), to_bytes(answer.into_body(), 4096).await.unwrap());
            let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
            match problem["kind"].as_str() {
                Some(kind) => (status, json!(kind)),
                None => (status, json!(String::from_utf8(body.to_vec()).unwrap())),
            }
        }
    }

    fn let_go_on(&self, times: usize) {
        self.may_go_on.add_permits(times);
    }
}

#[tokio::test]
async fn what_was_refused_as_if_never_asked_may_be_asked_again_with_its_key() {
    let fixture = Fixture::new(|before| match before {
        0 => Err(Problem::new(ProblemKind::Busy, "too much waits")),
        _ => Ok(format!("asked {before} times before")),
    });
    fixture.let_go_on(9);
    assert_eq!(fixture.ask().await, (503, json!("busy")));
    assert_eq!(fixture.ask().await, (200, json!("asked 1 times before")));
    assert_eq!(fixture.ask().await, (200, json!("asked 1 times before")), "this answer is kept");
}

#[tokio::test]
async fn what_is_asked_by_a_client_that_leaves_is_done_to_the_end_and_its_answer_kept() {
    let fixture = Fixture::new(|before| Ok(format!("asked {before} times before")));
    let leaving = tokio::spawn(fixture.ask());
    while fixture.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    assert_eq!(fixture.ask().await, (409, json!("in-progress")));
    fixture.let_go_on(1);
    let mut answer = fixture.ask().await;
    while answer.0 == 409 {
        tokio::task::yield_now().await;
        answer = fixture.ask().await;
    }
    assert_eq!(answer, (200, json!("asked 0 times before")));
    assert_eq!(fixture.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_ended_in_a_panic_may_have_been_done_and_is_not_done_again() {
    let fixture = Fixture::new(|_| panic!("a mistake"));
    fixture.let_go_on(9);
    assert_eq!(fixture.ask().await, (500, json!("internal")));
    assert_eq!(fixture.ask().await, (409, json!("outcome-unknown")));
    assert_eq!(fixture.asked.load(Ordering::SeqCst), 1);
}
