//! The controller's socket, for the commands that ask it.

use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::UnixStream;

use crate::error::CommandError;
use crate::print::escape::visible;
use crate::status::ExitStatus;

/// Which controller to ask.
#[derive(Args, Clone)]
pub(crate) struct DaemonOptions {
    /// The socket of the controller, which `agentapi serve` prints
    #[arg(long, value_name = "FILE", global = true)]
    #[arg(env = "AGENTAPI_SOCKET", default_value = DEFAULT_SOCKETS[0])]
    socket: PathBuf,
}

impl DaemonOptions {
    /// The controller of this machine, if one answers: at the socket that the environment names, or at either of the two that
    /// it has by default. Whoever may not use the one that operates may read by the other.
    pub(crate) fn answering() -> Option<Self> {
        let named = std::env::var_os("AGENTAPI_SOCKET").map(PathBuf::from);
        let sockets = named.map_or_else(|| DEFAULT_SOCKETS.map(PathBuf::from).to_vec(), |named| vec![named]);
        let socket = sockets.into_iter().find(|socket| Probe::connect(socket).is_ok())?;
        Some(Self { socket })
    }

    /// The socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks, and reads the JSON of the answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.json(Method::GET, path, None).await
    }

    /// Asks for all of a list whose items are numbered, beginning after this number. The controller answers in pages and
    /// decides how many items one holds, so the end is a page without any.
    pub(crate) async fn get_list(&self, path: &str, key: &str, mut after: i64) -> anyhow::Result<Value> {
        let mut all = Vec::new();
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let mut page: Value = self.get(&format!("{path}{separator}after={after}")).await?;
            let items = page.get_mut(key).and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
            let last = items.last().and_then(|item| item["number"].as_i64());
            all.extend(items);
            match last {
                Some(last) if last > after => after = last,
                _ => return Ok(json!({ key: all })),
            }
        }
    }

    /// Asks for something to be done.
    pub(crate) async fn post(&self, path: &str) -> anyhow::Result<Value> {
        self.json(Method::POST, path, None).await
    }

    /// The same with what it takes.
    pub(crate) async fn post_body(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.json(Method::POST, path, Some(body)).await
    }

    /// Opens a stream of events, of those after a number if one is given.
    pub(crate) async fn follow(&self, after: Option<i64>) -> anyhow::Result<Incoming> {
        let path = after.map_or_else(|| "/v1/events".to_owned(), |after| format!("/v1/events?after={after}"));
        let answer = self.send(Method::GET, &path, "text/event-stream", None).await?;
        match answer.status() {
            StatusCode::OK => Ok(answer.into_body()),
            status => Err(problem(status, answer.into_body()).await),
        }
    }

    async fn json<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<T> {
        let answer = self.send(method, path, "application/json", body).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(problem(status, answer.into_body()).await);
        }
        let body = answer.into_body().collect().await.context("the controller's answer broke off")?;
        serde_json::from_slice(&body.to_bytes()).context("the controller's answer is not what is documented")
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response<Incoming>> {
        let file = self.socket.display().to_string();
        let stream = UnixStream::connect(&self.socket).await.with_context(|| {
            format!(
                "no controller answers at {}: is `agentapi serve` running? --socket names another one",
                visible(&file)
            )
        })?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the process, or when the answer has been read.
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header("host", "agentapi").header("accept", accept);
        let request = match body {
            Some(body) => {
                request.header("content-type", "application/json").body(Full::<Bytes>::from(body.to_string()))?
            }
            None => request.body(Full::default())?,
        };
        sender.send_request(request).await.context("the controller does not answer")
    }
}

/// What the controller says is wrong.
async fn problem(status: StatusCode, body: Incoming) -> anyhow::Error {
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |key: &str| problem.get(key).and_then(Value::as_str);
    let detail = text("detail").map_or_else(|| format!("HTTP {status}"), |text| visible(text).into_owned());
    let ending = match text("kind") {
        Some("frozen" | "busy") => ExitStatus::Busy,
        Some("invalid-argument" | "not-found") => ExitStatus::WrongUsage,
        _ => ExitStatus::Failed,
    };
    CommandError::new(detail).with_status(ending).into()
}

/// Those of `agentapi serve`: the one that operates, and the one that reads.
const DEFAULT_SOCKETS: [&str; 2] = ["/run/agentapi/agentapi.sock", "/run/agentapi/agentapi-ro.sock"];
