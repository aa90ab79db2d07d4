//! A controller for one agent, for programs that are its clients: `agentapi serve` with a folder of its own.
//!
//! A controller measures once a minute and when it starts, by requests of its own. So it is started with an endpoint where
//! nobody listens, and given the agent's by a reload after it has measured in vain: every request that arrives at the agent
//! within a minute is one that the program has asked for.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::program::Target;

/// A running controller. It is killed when this is dropped: it has frozen nothing.
pub(crate) struct Controller {
    _child: Child,
    folder: TempDir,
}

impl Controller {
    /// Starts the command at this path, and waits until it would ask the agent.
    pub(crate) async fn start(command: &str, target: &Target) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|why| why.to_string())?;
        let nobody = Target { endpoint: NOBODY.into(), ..target.clone() };
        write_configuration(&folder, &nobody).map_err(|why| why.to_string())?;
        let log = folder.path().join("log");
        let stderr = fs::File::create(&log).map_err(|why| why.to_string())?;
        let mut serve = Command::new(command);
        serve.args(["serve", "--log", "agentapi_controller::sampler=debug", "--config"]);
        serve.arg(folder.path().join("controller.toml"));
        if let Some(deadline) = target.deadline {
            serve.args(["--deadline-ms", &deadline.as_millis().to_string()]);
        }
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).kill_on_drop(true);
        let mut child = serve.spawn().map_err(|why| format!("{command}: {why}"))?;
        let socket = folder.path().join("socket");
        let (started, mut is_reloaded) = (Instant::now(), false);
        while !is_reloaded || asks(&socket, NOBODY).await != Some(false) {
            let has_ended = child.try_wait().map_err(|why| why.to_string())?.is_some();
            let text = fs::read_to_string(&log).unwrap_or_default();
            if has_ended || started.elapsed() > START_TIMEOUT {
                return Err(format!("{command} serve: {}", text.trim()));
            }
            // Of the host and of its disks.
            if !is_reloaded && text.matches(NOT_MEASURED).count() == 2 && asks(&socket, NOBODY).await == Some(true) {
                write_configuration(&folder, target).map_err(|why| why.to_string())?;
                reload(&child);
                is_reloaded = true;
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(Self { _child: child, folder })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

/// Whether the controller at this socket asks the agent at this endpoint; none while it does not answer.
async fn asks(socket: &Path, endpoint: &str) -> Option<bool> {
    let mut stream = UnixStream::connect(socket).await.ok()?;
    stream.write_all(b"GET /v1/config HTTP/1.0\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.contains("\"endpoint\"").then(|| answer.contains(&quoted(endpoint)))
}

fn reload(controller: &Child) {
    let id = controller.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let Some(id) = id {
        // Where it has ended meanwhile, the caller sees that.
        let _ = kill_process(id, Signal::HUP);
    }
}

fn write_configuration(folder: &TempDir, target: &Target) -> io::Result<()> {
    let path = |name: &str| quoted(&folder.path().join(name).to_string_lossy());
    let token = folder.path().join("token");
    fs::write(&token, &target.token)?;
    fs::set_permissions(&token, Permissions::from_mode(0o600))?;
    let fingerprints: Vec<_> = target.fingerprints.iter().map(|pin| quoted(pin)).collect();
    let configuration = format!(
        "[agent]\nendpoint = {}\nfingerprints = [{}]\ntoken_file = {}\n\n[api]\nsocket = {}\nsocket_ro = {}\n\n\
         [state]\nfolder = {}\n",
        quoted(&target.endpoint),
        fingerprints.join(", "),
        path("token"),
        path("socket"),
        path("socket-ro"),
        path("state"),
    );
    // A reload must not read half of it.
    let (new, file) = (folder.path().join("new"), folder.path().join("controller.toml"));
    fs::write(&new, configuration)?;
    fs::rename(new, file)
}

/// A text as TOML has it: its basic strings escape as JSON does.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Where nobody listens.
const NOBODY: &str = "127.0.0.1:1";
/// What the controller logs where it has asked in vain.
const NOT_MEASURED: &str = "nothing was measured";
/// What a controller needs on a busy machine, many times over.
const START_TIMEOUT: Duration = Duration::from_secs(60);
