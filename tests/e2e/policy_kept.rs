//! What extensions remember and tell, kept by `agentapi serve` and by `agentapi policy run`: over kills, restarts and
//! freezes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use agentapi_mock::MockAgent;
use serde_json::Value;

use crate::policy_command::agentapi;
use crate::support::{build_folder, extension};

struct Fixture {
    _runtime: tokio::runtime::Runtime,
    agent: MockAgent,
    folder: tempfile::TempDir,
    command: PathBuf,
}

/// A process that is killed when it is dropped, by the signal that cannot be handled.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Fixture {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let agent = runtime.block_on(MockAgent::start()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), agent.token()).unwrap();
        fs::write(folder.path().join("grants.toml"), GRANTED).unwrap();
        Self { _runtime: runtime, agent, folder, command: agentapi() }
    }

    /// A controller with these extensions, each of which does this, and with these tables more.
    fn serve(&self, extensions: &[(&str, &str)], more: &str) -> Running {
        let (endpoint, pin) = (self.agent.endpoint(), self.agent.fingerprint());
        let mut config = format!(
            "[agent]\nendpoint = \"{endpoint}\"\nfingerprints = [\"{pin}\"]\ntoken_file = \"token\"\n\
             [api]\nsocket = \"main.sock\"\nsocket_ro = \"ro.sock\"\n[state]\nfolder = \"state\"\n{more}"
        );
        for (name, commands) in extensions {
            let file = extension("diligent");
            config += &format!("[[extension]]\nname = \"{name}\"\nfile = '{}'\n{GRANTED}", file.display());
            config += &format!("input = {{ do = \"{commands}\" }}\n");
        }
        let file = self.folder.path().join("controller.toml");
        fs::write(&file, config).unwrap();
        let mut serve = self.command(&["serve", "--config", file.to_str().unwrap()]);
        let mut running = Running(serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
        wait_until("the controller answers", || {
            if running.0.try_wait().unwrap().is_some() {
                let mut said = String::new();
                running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("{said}");
            }
            self.output(&["status"]).status.success()
        });
        running
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.command);
        command.args(arguments).env("AGENTAPI_SOCKET", self.folder.path().join("main.sock"));
        command.env("AGENTAPI_CACHE_DIR", build_folder().join("e2e-cache")).stdin(Stdio::null());
        command.current_dir(self.folder.path());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.output(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn begin(&self, name: &str) -> String {
        self.json(&["schedule", "run", name])["run"].to_string()
    }

    /// What a run returns.
    fn run(&self, name: &str) -> String {
        let run = self.begin(name);
        // While something is frozen there is no history to be read.
        let show = || self.output(&["runs", "show", &run, "--json"]);
        let ended = || serde_json::from_slice::<Value>(&show().stdout).is_ok_and(|run| run["ended_at"].is_string());
        wait_until("the run has ended", ended);
        let run = self.json(&["runs", "show", &run]);
        run["result"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned()
    }

    fn policy_run(&self, commands: &str, more: &[&str]) -> Command {
        let (file, input) = (extension("diligent"), format!("{{\"do\":\"{commands}\"}}"));
        let run = ["policy", "run", file.to_str().unwrap(), "--grants", "grants.toml", "--mock", "--input", &input];
        self.command(&[&run, more].concat())
    }

    /// Result and stderr.
    fn policy(&self, commands: &str, more: &[&str]) -> (String, String) {
        let output = self.policy_run(commands, more).output().unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(output.status.success(), "{stderr}");
        (stdout.trim_end().to_owned(), stderr)
    }
}

/// Ends it in order.
fn terminate(mut running: Running) {
    let id = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(running.0.wait().unwrap().success());
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Takes what a webhook is told.
struct Webhook {
    url: String,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Webhook {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        // Ends with the process of the tests.
        thread::spawn(move || {
            listener.incoming().for_each(|stream| sink.lock().unwrap().extend(body_of(stream.unwrap())))
        });
        Self { url, told }
    }

    /// State, severity and text of each notice of the extension.
    fn told(&self) -> Vec<[String; 3]> {
        let told = self.told.lock().unwrap();
        let of_extension = told.iter().filter(|notice| notice["kind"] == "extension-notice");
        let text = |notice: &Value, key: &str| notice[key].as_str().unwrap().to_owned();
        of_extension.map(|notice| ["state", "severity", "text"].map(|key| text(notice, key))).collect()
    }
}

fn body_of(stream: TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    reader.get_mut().write_all(answer.as_bytes()).ok()?;
    serde_json::from_slice(&body).ok()
}

#[test]
fn what_an_extension_remembers_survives_the_kill_of_the_controller_and_is_its_own() {
    let fixture = Fixture::new();
    let controller = fixture.serve(&[("one", "set a 1;log warn kept;sleep 50000"), ("two", "set a 2;list")], "");
    assert_eq!(fixture.run("two"), r#"();["a"]"#);
    let run = fixture.begin("one");
    let log = || fixture.json(&["runs", "log", &run])["lines"].clone();
    wait_until("the change has returned", || log()[0]["text"] == "kept");
    drop(controller);

    let controller = fixture.serve(&[("one", "get a;list"), ("two", "get a")], "");
    assert_eq!((fixture.run("one"), fixture.run("two")), (r#"Some("1");["a"]"#.into(), r#"Some("2")"#.into()));
    let line = log();
    assert_eq!((&line[0]["level"], line.as_array().unwrap().len()), (&"warn".into(), 1), "{line}");
    let text = |more: &[&str]| {
        let output = fixture.output(&[&["runs", "log", &run], more].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["--level", "warn"]).ends_with("  warn: kept\n"));
    assert_eq!(text(&["--level", "error"]), "");
    terminate(controller);
}

#[test]
fn a_message_is_told_once_over_a_restart_again_when_it_has_changed_and_when_it_is_cleared() {
    let (fixture, webhook) = (Fixture::new(), Webhook::listen());
    let notify = format!("[[notify]]\nkind = \"webhook\"\nseverity = \"info\"\nurl = \"{}\"\n", webhook.url);
    let told = |told: &[[&str; 3]]| {
        wait_until("it is told", || webhook.told().len() >= told.len());
        assert_eq!(webhook.told(), told);
    };
    let raised = ["raised", "warning", "No backup"];
    let controller = fixture.serve(&[("watch", "send stale warning No backup")], &notify);
    assert_eq!((fixture.run("watch"), fixture.run("watch")), ("()".into(), "()".into()));
    told(&[raised]);
    let status = fixture.output(&["status"]).stdout;
    assert!(String::from_utf8_lossy(&status).contains("!  watch/stale: No backup\n"), "{status:?}");
    terminate(controller);

    let controller = fixture.serve(&[("watch", "send stale warning No backup")], &notify);
    assert_eq!(fixture.run("watch"), "()");
    terminate(controller);
    let controller = fixture.serve(&[("watch", "send stale critical No backup")], &notify);
    assert_eq!(fixture.run("watch"), "()");
    let changed = ["raised", "critical", "No backup"];
    told(&[raised, changed]);
    terminate(controller);
    let controller = fixture.serve(&[("watch", "clear stale;clear stale")], &notify);
    assert_eq!(fixture.run("watch"), "true;false");
    told(&[raised, changed, ["cleared", "critical", "no more: No backup"]]);
    terminate(controller);
}

#[test]
fn the_limits_of_state_and_messages_hold_in_the_controller() {
    let fixture = Fixture::new();
    let many: Vec<_> = (0..33).map(|key| format!("send k{key} info t")).collect();
    let controller = fixture.serve(&[("many", &many.join(";")), ("large", "fill a 65536;fill a 65537")], "");
    let expected = "();".repeat(32) + "NotifyError::Failed(\"32 keys of this extension are raised; at most 32\")";
    assert_eq!(fixture.run("many"), expected);
    assert_eq!(fixture.run("large"), "();StateError::TooLarge(\"a value of 65537 bytes; at most 65536\")");
    terminate(controller);

    // What it raised goes with it, and why is said.
    let controller = fixture.serve(&[("large", "list")], "");
    let texts = || fixture.output(&["events"]).stdout;
    wait_until("it is cleared", || {
        String::from_utf8_lossy(&texts()).matches("many is no longer in the configuration: t").count() == 32
    });
    assert_eq!(
        (fixture.json(&["status"])["findings"].clone(), fixture.run("large")),
        ("[]".parse().unwrap(), r#"["a"]"#.into())
    );
    terminate(controller);
}

#[test]
fn what_is_remembered_and_told_during_a_freeze_is_written_after_the_thaw() {
    let fixture = Fixture::new();
    let quiesce = "[quiesce]\napplications = [{ freeze = \"true\", thaw = \"true\" }]\n";
    let during = "freeze;set b 2;get b;send late warning Late;thaw";
    let controller = fixture.serve(&[("one", during)], quiesce);
    let result = fixture.run("one");
    assert!(result.contains(r#";();Some("2");();"#), "{result}");
    drop(controller);
    let controller = fixture.serve(&[("one", "get b")], quiesce);
    assert_eq!(fixture.run("one"), r#"Some("2")"#);
    assert_eq!(fixture.json(&["status"])["findings"][0]["subject"], "one/late");
    terminate(controller);
}

#[test]
fn the_state_file_of_a_run_survives_its_kill_and_is_used_by_one_run_at_a_time() {
    let fixture = Fixture::new();
    let mut first = fixture.policy_run("set a 1;log info kept;sleep 50000", &["--state", "state.json"]);
    let mut first = Running(first.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(first.0.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("kept")));
    let refused = fixture.policy_run("list", &["--state", "state.json"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("--state state.json is in use by another run"), "{said}");
    drop(first);
    let (result, said) =
        fixture.policy("get a;freeze;set b 2;thaw", &["--state", "state.json", "--freeze", "true", "--thaw", "true"]);
    assert!(result.starts_with("Some(\"1\");") && !said.contains("is gone"), "{result} {said}");
    assert_eq!(fixture.policy("get a;get b", &["--state", "state.json"]).0, "Some(\"1\");Some(\"2\")");
}

#[test]
fn without_a_file_the_state_is_gone_with_the_run_and_messages_are_shown_beside_the_result() {
    let fixture = Fixture::new();
    let (result, said) =
        fixture.policy("set a 1;get a;send k critical Full;send k critical Full;send gone info x;clear gone", &[]);
    assert_eq!(result, r#"();Some("1");();();();true"#);
    assert_eq!(said.matches("!! k: Full\n").count(), 2, "when it is raised, and at the end: {said}");
    assert!(
        said.contains("   gone: no more\n") && said.contains("1 key, is gone with this run; --state FILE"),
        "{said}"
    );
    assert_eq!(fixture.policy("get a", &["--json"]).0, r#""None""#);
}

const GRANTED: &str = "functions = [\"state.*\", \"notify.*\", \"quiesce.*\"]\nungranted = \"deny\"\n";
