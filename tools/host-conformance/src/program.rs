//! The program under test: one process of it, which answers JSON Lines.

use std::collections::VecDeque;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::memory::peak_memory_kib;
use crate::served::Controller;

/// How a program is started: its path and arguments.
#[derive(Clone, Debug)]
pub struct Program {
    /// The path, or a name that is looked up in `PATH`.
    pub path: String,
    /// The arguments.
    pub args: Vec<String>,
    /// The command `agentapi`, where the program is a client of its controller: it is told of the controller's socket
    /// and not of the agent.
    pub controller: Option<String>,
}

/// The agent that a process is to talk to, and how.
#[derive(Clone, Debug)]
pub struct Target {
    /// `host:port`; in `AGENTAPI_ENDPOINT`.
    pub endpoint: String,
    /// In `AGENTAPI_FINGERPRINT`, with commas between them.
    pub fingerprints: Vec<String>,
    /// In `AGENTAPI_TOKEN`.
    pub token: String,
    /// In `AGENTAPI_DEADLINE_MS`, where one is given.
    pub deadline: Option<Duration>,
}

/// A process of the program.
pub struct Running {
    child: Child,
    /// None once it was closed.
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    /// What it has written besides answers, from the front cut to [`MAX_STDERR_BYTES`].
    stderr: Arc<Mutex<VecDeque<u8>>>,
    reading_stderr: JoinHandle<()>,
    calls: u64,
    /// How long an answer is waited for.
    patience: Duration,
    /// All that it has answered.
    answers: String,
    _controller: Option<Controller>,
}

impl Program {
    /// Starts a process that knows of this agent, with these further variables.
    ///
    /// # Errors
    ///
    /// A program or controller that cannot be started.
    pub async fn start(&self, target: &Target, further: Vec<(String, String)>) -> Result<Running, String> {
        let (controller, variables) = match &self.controller {
            None => (None, target.variables()),
            Some(command) => {
                let controller = Controller::start(command, target).await?;
                let socket = controller.socket().to_string_lossy().into_owned();
                (Some(controller), vec![("AGENTAPI_SOCKET".into(), socket)])
            }
        };
        let mut started = self.spawn(variables.into_iter().chain(further), controller);
        if let (Ok(running), Some(deadline)) = (&mut started, target.deadline) {
            running.patience = deadline * OVERRUNS + BUSY_TIME;
        }
        started.map_err(|why| format!("{}: {why}", self.path))
    }

    /// Whether it can be started and answers a line, so that a wrong path is told once and not for each check.
    ///
    /// # Errors
    ///
    /// As [`Self::start`] and [`Running::call`].
    pub async fn answers(&self) -> Result<(), String> {
        // Nobody listens there, and no answer needs anybody to.
        let [endpoint, token] = ["127.0.0.1:9", "token"].map(String::from);
        let target = Target { endpoint, fingerprints: vec!["00".repeat(32)], token, deadline: None };
        self.start(&target, Vec::new()).await?.wait_until_ready().await
    }

    fn spawn(
        &self,
        variables: impl IntoIterator<Item = (String, String)>,
        controller: Option<Controller>,
    ) -> io::Result<Running> {
        let mut command = Command::new(&self.path);
        command.args(&self.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            // What a person has set for their own agent is not for this one.
            if name.to_string_lossy().starts_with("AGENTAPI_") && name != "AGENTAPI_CACHE_DIR" {
                command.env_remove(name);
            }
        }
        // In a group of its own, so that what it has started ends with it.
        let mut child = command.envs(variables).process_group(0).kill_on_drop(true).spawn()?;
        let stdout = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        let mut pipe = child.stderr.take().expect("it is a pipe");
        let kept = Arc::clone(&stderr);
        let reading_stderr = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
                let mut kept = kept.lock().expect("nothing panics while it is locked");
                kept.extend(&buffer[..length]);
                let surplus = kept.len().saturating_sub(MAX_STDERR_BYTES);
                kept.drain(..surplus);
            }
        });
        let stdin = child.stdin.take();
        Ok(Running {
            child,
            stdin,
            stdout,
            stderr,
            reading_stderr,
            calls: 0,
            patience: HANG_TIMEOUT,
            answers: String::new(),
            _controller: controller,
        })
    }
}

impl Target {
    /// The variables that tell a program of it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("AGENTAPI_ENDPOINT".into(), self.endpoint.clone()),
            ("AGENTAPI_FINGERPRINT".into(), self.fingerprints.join(",")),
            ("AGENTAPI_TOKEN".into(), self.token.clone()),
        ];
        if let Some(deadline) = self.deadline {
            variables.push(("AGENTAPI_DEADLINE_MS".into(), deadline.as_millis().to_string()));
        }
        variables
    }
}

impl Running {
    /// Makes a call, and returns its outcome: `{"ok": true, "value": ..}`, or the error with its `kind`.
    ///
    /// # Errors
    ///
    /// What the program did in place of answering: it ended, hung, or wrote something else.
    pub async fn call(&mut self, op: &str, args: &Map<String, Value>) -> Result<Value, String> {
        self.calls += 1;
        let line = json!({"id": self.calls, "op": op, "args": args}).to_string() + "\n";
        let stdin = self.stdin.as_mut().expect("no call is made after the end");
        // A program that has ended does not read it; that it does not answer either shows below.
        let _ = stdin.write_all(line.as_bytes()).await;
        let answer = match timeout(self.patience, self.stdout.next_line()).await {
            Err(_) => return Err(format!("no answer to {op} within {} s", self.patience.as_secs())),
            Ok(Ok(Some(answer))) => answer,
            Ok(_) => return Err(format!("it ended in place of answering {op}{}", self.last_words().await)),
        };
        self.answers += &answer;
        let mut answer: Value = serde_json::from_str(&answer).map_err(|why| format!("no JSON: {why}: {answer}"))?;
        if answer["id"] != self.calls {
            return Err(format!("an answer with id {} expected, found {answer}", self.calls));
        }
        Ok(match answer["ok"] == true {
            true => json!({"ok": true, "value": answer["value"].take()}),
            false => answer["error"].take(),
        })
    }

    /// Waits until it can answer, with an operation that asks no agent. So what follows can be timed.
    ///
    /// # Errors
    ///
    /// As [`Self::call`].
    pub async fn wait_until_ready(&mut self) -> Result<(), String> {
        let answer = self.call("fs-uuid", &Map::from_iter([("durable_id".to_owned(), json!("uuid:1"))])).await?;
        match answer == json!({"ok": true, "value": "1"}) {
            true => Ok(()),
            false => Err(format!("expected the UUID 1 of the durable id uuid:1, found {answer}")),
        }
    }

    /// The most memory that it has had so far, in KiB.
    pub fn peak_memory_kib(&self) -> Option<u64> {
        peak_memory_kib(self.child.id()?)
    }

    /// Its number.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it, by the end of its input. Returns all that it has written.
    ///
    /// # Errors
    ///
    /// That it goes on without input, or what its exit status is if that is not 0.
    pub async fn end(mut self) -> Result<String, String> {
        self.stdin = None;
        match timeout(HANG_TIMEOUT, self.child.wait()).await {
            Err(_) => Err("it does not end when its input ends".into()),
            Ok(Ok(status)) if !status.success() => Err(format!("{status} at the end of its input")),
            Ok(_) => {
                let _ = timeout(HANG_TIMEOUT, &mut self.reading_stderr).await;
                Ok(std::mem::take(&mut self.answers) + &self.stderr())
            }
        }
    }

    /// The end of what it has written besides answers.
    fn stderr(&self) -> String {
        let kept = self.stderr.lock().expect("nothing panics while it is locked");
        String::from_utf8_lossy(&kept.iter().copied().collect::<Vec<_>>()).into_owned()
    }

    async fn last_words(&mut self) -> String {
        let _ = timeout(HANG_TIMEOUT, &mut self.reading_stderr).await;
        let stderr = self.stderr();
        let lines: Vec<_> = stderr.trim().lines().rev().take(5).collect();
        lines.into_iter().rev().fold(String::new(), |words, line| words + "\n    " + line)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(group) = group {
            // It has ended, or it is to.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// An answer that is so many times as late as it may be does not come.
const OVERRUNS: u32 = 3;
/// What a busy machine takes to start a program and make a call besides.
const BUSY_TIME: Duration = Duration::from_secs(10);
/// Far longer than any deadline that a program is given: one that has not answered by then hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(40);
/// Bytes that are kept of what a program writes to its standard error.
const MAX_STDERR_BYTES: usize = 1 << 20;
