//! The ways of other programs to the agent: a line to `agentapi call`, and the socket of a controller. Beside them the calls of
//! a program that has the client in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use agentapi_host::{Host, Target};
use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

use crate::agent::{Agents, typical};
use crate::native::Native;
use crate::paired::{Effort, Race};
use crate::programs::{Lines, client_of, programs};
use crate::records::Storage;

/// How often a sample makes a call.
const BATCH: u32 = 20;

pub(crate) fn run(effort: &Effort, runtime: &Runtime, host: &Host) {
    let agents = Agents::start(1, &typical());
    let connection = agents.first();
    let native = Native::new(connection);
    let agent = host.agent(connection.clone()).unwrap();
    let mut lines = Lines::start(client_of(connection, &programs().agentapi).arg("call"));
    let mut controller = Controller::start(runtime, connection);

    let mut race = Race::new(effort, "a small answer, by the way of a program to it", 300);
    race.add("native, in process", BATCH, |count| {
        runtime.block_on(async {
            for _ in 0..count {
                drop(native.get::<Storage>("/storage").await);
            }
        });
    });
    race.add("component, in process", BATCH, |count| {
        runtime.block_on(async {
            for _ in 0..count {
                drop(agent.storage().await.unwrap());
            }
        });
    });
    race.add("a line to `agentapi call`", BATCH, |count| {
        for _ in 0..count {
            let answer = lines.ask(r#"{"op":"storage"}"#);
            assert!(answer.contains(r#""ok":true"#), "{answer}");
        }
    });
    race.add("the socket of `agentapi serve`", BATCH, |count| {
        runtime.block_on(async {
            for _ in 0..count {
                controller.call().await;
            }
        });
    });
    race.run();
}

/// `agentapi serve` with a folder of its own, and a connection to its socket that is kept.
struct Controller {
    child: Child,
    sender: SendRequest<Empty<Bytes>>,
    _folder: tempfile::TempDir,
}

impl Controller {
    fn start(runtime: &Runtime, agent: &Target) -> Self {
        let folder = tempfile::tempdir().unwrap();
        configure(folder.path(), agent);
        let mut serve = Command::new(&programs().agentapi);
        serve.arg("serve").arg("--config").arg(folder.path().join("controller.toml"));
        let child = serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let sender = runtime.block_on(async {
            let stream = TokioIo::new(connect(&folder.path().join("socket")).await);
            let (sender, connection) = handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender
        });
        Self { child, sender, _folder: folder }
    }

    async fn call(&mut self) {
        let request = Request::get("/v1/agent/storage").header(HOST, "agentapi").body(Empty::new()).unwrap();
        self.sender.ready().await.unwrap();
        let answer = self.sender.send_request(request).await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        drop(answer.into_body().collect().await.unwrap());
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        // It keeps nothing that anybody reads again.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configure(folder: &Path, agent: &Target) {
    let token = folder.join("token");
    fs::write(&token, agent.token.reveal()).unwrap();
    fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    let (endpoint, pin) = (&agent.endpoint, agent.pins.as_slice()[0]);
    let agent = format!("[agent]\nendpoint = \"{endpoint}\"\nfingerprints = [\"{pin}\"]\ntoken_file = \"token\"\n");
    let rest = "[api]\nsocket = \"socket\"\nsocket_ro = \"socket-ro\"\n[state]\nfolder = \"state\"\n";
    fs::write(folder.join("controller.toml"), agent + rest).unwrap();
}

/// Connects once the controller listens.
async fn connect(socket: &Path) -> UnixStream {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => return stream,
            Err(why) if Instant::now() > until => panic!("agentapi serve does not listen: {why}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}
