//! What systemd is told, and what it hands over: against a socket of the test's own in the place of systemd's, and with
//! systemd's own `systemd-socket-activate`.

use std::fs;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use agentapi_loop_disk::Disk;
use rustix::process::Signal;

use crate::support::controller::{BACKUP, FREEZING_BACKUP, answer_of};
use crate::support::{Beside, ENDLESS, Fixture, QUICK, TOKEN, run, wait_until};

/// The socket on which the controller tells systemd of itself.
struct Manager {
    socket: UnixDatagram,
    file: PathBuf,
}

impl Manager {
    fn new(fixture: &Fixture) -> Self {
        let file = fixture.path("notify");
        let socket = UnixDatagram::bind(&file).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { socket, file }
    }

    fn serve(&self, fixture: &Fixture, watchdog: Option<Duration>) -> Beside {
        let mut command = fixture.serve_command(&[]);
        command.env("NOTIFY_SOCKET", &self.file);
        if let Some(limit) = watchdog {
            command.env("WATCHDOG_USEC", limit.as_micros().to_string());
        }
        let mut controller = Beside::spawn(command);
        controller.wait_for_ready();
        controller
    }

    /// The next message, but for words on the state and signs of life.
    #[track_caller]
    fn next(&self) -> String {
        loop {
            let message = self.any();
            if !message.starts_with("STATUS=") && message != "WATCHDOG=1\n" {
                return message;
            }
        }
    }

    #[track_caller]
    fn any(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    /// How many signs of life come within this time.
    fn fed_within(&self, time: Duration) -> usize {
        let (end, mut fed) = (Instant::now() + time, 0);
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.socket.set_read_timeout(Some(left)).unwrap();
            let mut bytes = [0; 4096];
            if self.socket.recv(&mut bytes).is_ok_and(|length| &bytes[..length] == b"WATCHDOG=1\n") {
                fed += 1;
            }
        }
        self.socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        fed
    }
}

#[test]
fn it_is_told_of_the_start_of_what_runs_of_a_reload_and_of_the_end() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let manager = Manager::new(&fixture);
    let mut controller = manager.serve(&fixture, None);
    assert_eq!(manager.next(), "READY=1\n");
    assert_eq!(answer_of(&fixture.path("main.sock"), "GET", "/v1/live").0, 200);
    let idle = manager.any();
    assert!(idle.starts_with("STATUS=idle; next: backup at 20"), "{idle}");
    fixture.run_backup();
    while manager.any() != "STATUS=running: backup\n" {}

    let before = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    controller.signal(Signal::HUP);
    let reloading = manager.next();
    let at = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim_end().parse::<i64>().unwrap();
    assert!(at >= before.tv_sec * 1_000_000 + before.tv_nsec / 1000, "{reloading}");
    assert_eq!(manager.next(), "READY=1\n");
    // One that is refused is done too.
    fs::write(fixture.path("controller.toml"), "nonsense").unwrap();
    controller.signal(Signal::HUP);
    assert!(manager.next().starts_with("RELOADING=1\n"));
    assert_eq!(manager.next(), "READY=1\n");

    controller.signal(Signal::TERM);
    assert!(manager.next().starts_with("STOPPING=1\n"));
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}

#[test]
fn what_it_starts_cannot_speak_in_its_name() {
    let fixture = Fixture::with(QUICK);
    let quiesce = fixture.quiesce("env > freeze.env", "env > thaw.env");
    fixture.configure(&[FREEZING_BACKUP, &quiesce].concat());
    let mut controller = Manager::new(&fixture).serve(&fixture, Some(Duration::from_secs(60)));
    fixture.run_backup();
    wait_until("the backup is done", || fixture.state_of(1) == "done");
    for name in ["freeze.env", "thaw.env"] {
        let environment = fs::read_to_string(fixture.path(name)).unwrap();
        assert!(environment.contains("PWD=") && !environment.contains("NOTIFY_SOCKET"), "{environment}");
        assert!(!environment.contains("WATCHDOG_"), "{environment}");
    }
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}

#[test]
fn its_watchdog_is_fed_while_the_disk_of_the_state_is_frozen_and_not_when_the_keeper_hangs() {
    let Some(disk) = Disk::new() else { return };
    let (fixture, mount) = (Fixture::with(ENDLESS), disk.text());
    fixture.configure(&format!(
        "[state]\nfolder = '{mount}/state'\n\n[audit]\nfile = '{mount}/state/audit.jsonl'\n\n{FREEZING_BACKUP}\
         [quiesce]\napplications = [{{ file_system = '{mount}' }}]\n"
    ));
    let manager = Manager::new(&fixture);
    let limit = Duration::from_secs(3);
    let mut controller = manager.serve(&fixture, Some(limit));
    fixture.run_backup();
    wait_until("a backup is started", || fixture.starts() == 1);
    assert!(disk.is_frozen());
    assert!(manager.fed_within(2 * limit) >= 2);
    assert!(disk.is_frozen());

    let keeper = StoppedThread::new(controller.pid(), "keeper");
    controller.wait_for("systemd's watchdog is not fed");
    // What was sent before that is read first.
    manager.fed_within(limit / 3);
    assert_eq!(manager.fed_within(2 * limit), 0);
    // What systemd does then. Nothing of the process waits for the disk, and the next one thaws.
    controller.signal(Signal::KILL);
    drop(keeper);
    assert_eq!(controller.status(), 137);
    let mut controller = fixture.serve();
    assert!(!disk.is_frozen());
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}

/// A thread of another process that hangs for as long as this lives: a tracer has stopped it, and nothing else of its process.
struct StoppedThread(Beside);

impl StoppedThread {
    fn new(pid: u32, name: &str) -> Self {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|thread| thread.unwrap().path());
        let is_it = |thread: &PathBuf| fs::read_to_string(thread.join("comm")).unwrap().trim_end() == name;
        let thread = threads.into_iter().find(is_it).expect("a thread of this name");
        let mut tracer = Command::new("python3");
        tracer.args(["-c", TRACER]).arg(thread.file_name().unwrap());
        let tracer = Beside::spawn({
            tracer.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            tracer
        });
        wait_until("the thread is stopped", || tracer.stdout().contains("stopped"));
        Self(tracer)
    }
}

impl Drop for StoppedThread {
    fn drop(&mut self) {
        self.0.signal(Signal::KILL);
    }
}

/// PTRACE_SEIZE and PTRACE_INTERRUPT, ptrace(2): the thread goes on when the tracer ends.
const TRACER: &str = "\
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
thread = int(sys.argv[1])
for request in (0x4206, 0x4207):
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), 'ptrace')
os.waitpid(thread, 0x40000000)
print('stopped', flush=True)
time.sleep(600)
";

#[test]
fn sockets_that_systemd_has_bound_are_served_and_left_for_the_next_controller() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let [main, read_only] = ["given.sock", "given-ro.sock"].map(|name| fixture.path(name));
    let serve = fixture.serve_command(&[]);
    let mut activate = Command::new("systemd-socket-activate");
    activate.arg("--fdname=main:read-only");
    for socket in [&main, &read_only] {
        activate.arg("--listen").arg(socket);
    }
    activate.arg(serve.get_program()).args(serve.get_args());
    activate.env_clear().envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    activate.env("PATH", std::env::var_os("PATH").unwrap());
    activate.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut controller = Beside::spawn(activate);
    wait_until("the sockets listen", || UnixStream::connect(&read_only).is_ok());
    // Whoever connects first starts it.
    controller.wait_for_ready();
    assert_eq!(answer_of(&main, "GET", "/v1/status").0, 200);
    assert_eq!(answer_of(&main, "POST", "/v1/subjects/backup/pause").0, 200);
    assert_eq!(answer_of(&read_only, "GET", "/v1/status").0, 200);
    assert_eq!(answer_of(&read_only, "POST", "/v1/subjects/backup/resume").0, 403);
    assert!(!fixture.path("main.sock").exists() && !fixture.path("ro.sock").exists());
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
    assert!(main.exists() && read_only.exists());
}

#[test]
fn a_socket_under_a_name_that_is_not_known_is_refused() {
    let fixture = Fixture::start();
    fixture.configure(BACKUP);
    for (names, sockets, expected) in [
        ("agentapi.socket", 1, "named \"agentapi.socket\", expected \"main\" or \"read-only\""),
        ("main:main", 2, "two sockets named \"main\""),
    ] {
        let serve = fixture.serve_command(&[]);
        let mut activate = Command::new("systemd-socket-activate");
        activate.arg(format!("--fdname={names}"));
        let sockets: Vec<_> = (0..sockets).map(|number| fixture.path(&format!("{number}.sock"))).collect();
        for socket in &sockets {
            activate.arg("--listen").arg(socket);
        }
        activate.arg(serve.get_program()).args(serve.get_args()).stdin(Stdio::null());
        activate.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut controller = Beside::spawn(activate);
        wait_until("it is started", || UnixStream::connect(&sockets[0]).is_ok());
        assert_eq!(controller.status(), 1);
        controller.wait_for(expected);
        for socket in sockets {
            fs::remove_file(socket).unwrap();
        }
    }
}

#[test]
fn the_token_is_taken_from_a_credential_where_no_file_is_named() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let file = fixture.path("controller.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("token_file = \"token\"\n", "")).unwrap();
    fs::remove_file(fixture.path("token")).unwrap();
    let said = fixture.refuse_to_serve(2);
    assert!(said.contains("expected a file, or the systemd credential agentapi-token, found neither"), "{said}");

    fs::create_dir(fixture.path("credentials")).unwrap();
    fs::write(fixture.path("credentials/agentapi-token"), TOKEN).unwrap();
    let mut check = fixture.serve_command(&["--check"]);
    check.env("CREDENTIALS_DIRECTORY", fixture.path("credentials"));
    assert_eq!(run(check).status, Some(0));
    let mut serve = fixture.serve_command(&[]);
    serve.env("CREDENTIALS_DIRECTORY", fixture.path("credentials"));
    let mut controller = Beside::spawn(serve);
    controller.wait_for_ready();
    assert_eq!(fixture.get("/v1/agent/storage").0, 200, "the agent knows the token");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}
