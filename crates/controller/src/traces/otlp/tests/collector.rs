//! A collector on loopback, which keeps what it is sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Status(u16),
    Never,
}

/// What was sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) request: ExportTraceServiceRequest,
}

pub(crate) struct Collector {
    pub(crate) url: String,
    asked: watch::Receiver<Vec<Asked>>,
}

type Kept = Arc<(watch::Sender<Vec<Asked>>, Mutex<VecDeque<Answer>>)>;

impl Collector {
    /// With an answer for each request, the last one for all that follow.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = watch::channel(Vec::new());
        let kept: Kept = Arc::new((sender, Mutex::new(answers.into_iter().collect())));
        let router = Router::new().fallback(answer).with_state(kept);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    /// All requests, once there are so many.
    pub(crate) async fn asked(&self, count: usize) -> Vec<Asked> {
        self.asked.clone().wait_for(|asked| asked.len() >= count).await.unwrap().clone()
    }
}

impl Asked {
    pub(crate) fn spans(&self) -> Vec<Span> {
        let resources = self.request.resource_spans.iter();
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }
}

async fn answer(State(kept): State<Kept>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    kept.0.send_modify(|asked| asked.push(Asked { method, path: uri.path().to_owned(), headers, request }));
    let answer = {
        let mut answers = kept.1.lock().unwrap();
        if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() }
    };
    match answer.unwrap() {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap(),
        Answer::Never => std::future::pending().await,
    }
}
