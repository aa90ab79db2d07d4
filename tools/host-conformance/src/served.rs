//! A controller for one agent, for programs that are its clients: `agentapi serve` with a folder of its own.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
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
    /// Starts the command at this path, and waits until it answers.
    pub(crate) async fn start(command: &str, target: &Target) -> Result<Self, String> {
        let folder = write_configuration(target).map_err(|why| why.to_string())?;
        let log = folder.path().join("log");
        let stderr = fs::File::create(&log).map_err(|why| why.to_string())?;
        let mut serve = Command::new(command);
        serve.args(["serve", "--config"]).arg(folder.path().join("controller.toml"));
        if let Some(deadline) = target.deadline {
            serve.args(["--deadline-ms", &deadline.as_millis().to_string()]);
        }
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).kill_on_drop(true);
        let mut child = serve.spawn().map_err(|why| format!("{command}: {why}"))?;
        let socket = folder.path().join("socket");
        let started = Instant::now();
        while UnixStream::connect(&socket).await.is_err() {
            let has_ended = child.try_wait().map_err(|why| why.to_string())?.is_some();
            if has_ended || started.elapsed() > START_TIMEOUT {
                return Err(format!("{command} serve: {}", fs::read_to_string(&log).unwrap_or_default().trim()));
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(Self { _child: child, folder })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

fn write_configuration(target: &Target) -> io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
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
    fs::write(folder.path().join("controller.toml"), configuration)?;
    Ok(folder)
}

/// A text as TOML has it: its basic strings escape as JSON does.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// What a controller needs on a busy machine, many times over.
const START_TIMEOUT: Duration = Duration::from_secs(60);
