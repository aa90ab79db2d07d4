//! The fixture for `agentapi serve`: a controller beside the test, whose files and sockets lie in the fixture's directory.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Beside, Fixture, TOKEN, command, one_line_of_json, run, wait_until};

/// A backup when somebody asks for one, and nothing frozen.
pub(crate) const BACKUP: &str = "[backup]\nevery = \"1h\"\neven_if_not_due = true\naccept_crash_consistent = true\n";
/// The same with freezing, for [`Fixture::quiesce`].
pub(crate) const FREEZING_BACKUP: &str = "[backup]\nevery = \"1h\"\neven_if_not_due = true\n";

impl Fixture {
    /// Writes a configuration: this agent, everything in the fixture's directory, and these tables.
    pub(crate) fn configure(&self, more: &str) {
        fs::write(self.path("token"), TOKEN).unwrap();
        let (endpoint, pin) = (self.agent.endpoint(), self.agent.fingerprint());
        let agent =
            format!("[agent]\nendpoint = \"{endpoint}\"\nfingerprints = [\"{pin}\"]\ntoken_file = \"token\"\n\n");
        let api = "[api]\nsocket = \"main.sock\"\nsocket_ro = \"ro.sock\"\n\n";
        let state = if more.contains("[state]") { "" } else { "[state]\nfolder = \"state\"\n\n" };
        let audit = if more.contains("[audit]") { "" } else { "[audit]\nfile = \"audit.jsonl\"\n\n" };
        fs::write(self.path("controller.toml"), [&agent, api, state, audit, more].concat()).unwrap();
    }

    /// A `[quiesce]` with an application whose freeze and thaw are these scripts, run in the fixture's directory.
    pub(crate) fn quiesce(&self, freeze: &str, thaw: &str) -> String {
        let dir = self.path("");
        let program = |script: &str| {
            let line = shlex::try_join(["sh", "-c", &format!("cd '{}' || exit; {script}", dir.display())]).unwrap();
            // A JSON text is a TOML text.
            Value::from(line).to_string()
        };
        format!("[quiesce]\napplications = [{{ freeze = {}, thaw = {} }}]\n", program(freeze), program(thaw))
    }

    pub(crate) fn serve_command(&self, more: &[&str]) -> Command {
        let file = self.path("controller.toml");
        command(&[&["serve", "--config", file.to_str().unwrap()], more].concat())
    }

    /// Starts the controller, and waits until it is ready.
    #[track_caller]
    pub(crate) fn serve(&self) -> Beside {
        let mut controller = Beside::spawn(self.serve_command(&[]));
        controller.wait_for_ready();
        controller
    }

    /// Starts a controller that must not come up, and returns its message.
    #[track_caller]
    pub(crate) fn refuse_to_serve(&self, status: i32) -> String {
        // Beside the test: one that does come up would be waited for without an end.
        let mut controller = Beside::spawn(self.serve_command(&[]));
        assert_eq!((controller.status(), controller.stdout().as_str()), (status, ""), "{}", controller.stderr());
        wait_until("all that it said is read", || controller.stderr().ends_with('\n'));
        let said = controller.stderr();
        assert!(!said.contains("is ready"), "{said}");
        said
    }

    /// A command that asks the controller.
    pub(crate) fn local_command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("AGENTAPI_SOCKET", self.path("main.sock"));
        command
    }

    /// What it prints for people.
    #[track_caller]
    pub(crate) fn local(&self, arguments: &[&str]) -> String {
        let outcome = run(self.local_command(arguments));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{arguments:?}: {outcome:?}");
        outcome.stdout
    }

    /// What it prints for programs.
    #[track_caller]
    pub(crate) fn local_json(&self, arguments: &[&str]) -> Value {
        one_line_of_json(&self.local(&[arguments, &["--json"]].concat()))
    }

    /// What the controller answers on its main socket: the status, and the JSON of the body.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        answer_of(&self.path("main.sock"), "GET", path)
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str) -> (u16, Value) {
        answer_of(&self.path("main.sock"), "POST", path)
    }

    /// Has a backup run, and returns the number of the run.
    #[track_caller]
    pub(crate) fn run_backup(&self) -> i64 {
        let (status, answer) = self.post("/v1/subjects/backup/run");
        assert!((200..300).contains(&status), "{status} {answer}");
        answer["run"].as_i64().unwrap()
    }

    /// The state of a run, as far as it is written down.
    #[track_caller]
    pub(crate) fn state_of(&self, run: i64) -> String {
        self.get(&format!("/v1/runs/{run}")).1["state"].as_str().unwrap_or_default().to_owned()
    }
}

impl Beside {
    /// Until its sockets answer. One that ends before that fails the test with what it has said.
    #[track_caller]
    pub(crate) fn wait_for_ready(&mut self) {
        let is_ready = |this: &Self| this.stderr().contains("the controller is ready");
        let started = Instant::now();
        while !is_ready(self) && self.is_running() && started.elapsed() < LONGEST_START {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(is_ready(self), "after {:?}: {}", started.elapsed(), self.stderr());
    }
}

/// Asks over a Unix socket, and returns the status and the JSON of the body.
#[track_caller]
pub(crate) fn answer_of(socket: &Path, method: &str, path: &str) -> (u16, Value) {
    answer_to(&mut open_request(socket, method, path, "connection: close\r\n"), "")
}

/// Sends the body of a request whose head says how long it is, and reads the answer up to the end of the connection.
#[track_caller]
pub(crate) fn answer_to(stream: &mut UnixStream, body: &str) -> (u16, Value) {
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// Sends a request, and leaves the answer in the stream.
#[track_caller]
pub(crate) fn open_request(socket: &Path, method: &str, path: &str, headers: &str) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(LONGEST_ANSWER)).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: agentapi\r\n{headers}\r\n").unwrap();
    stream
}

/// What is left frozen is thawed before: half a minute, where a kill has interrupted a freeze program, for which a daemon may
/// still act.
const LONGEST_START: Duration = Duration::from_secs(90);
/// Reached only if there never is an answer.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);
