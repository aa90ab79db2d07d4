//! The ready holders of `examples/quiesce`, with the real servers.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use agentapi_quiesce::{Application, Applications, Consistency, Coordinator, EndedBy, Program};

use crate::support::{Fixture, LONG, idle, parked, settings};

/// A server on a socket in the fixture's folder, as a user who is not root. Ended when dropped.
struct Server {
    child: Child,
    fixture: Fixture,
}

/// The folders where Debian keeps the programs of servers.
const FOLDERS: [&str; 4] = ["/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/sbin", "/usr/bin"];
const NOBODY: u32 = 65534;

fn found(program: &str) -> Option<PathBuf> {
    let path = FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.exists());
    if path.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{program} is not installed on a machine for CI");
        eprintln!("skipped: {program} is not installed");
    }
    path
}

fn as_nobody(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]).arg(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn example(name: &str) -> String {
    format!("{}/../../examples/quiesce/{name}", env!("CARGO_MANIFEST_DIR"))
}

impl Server {
    fn start(fixture: Fixture, server: &Path, arguments: &[&str], client: impl Fn(&Fixture) -> Output) -> Self {
        let child = as_nobody(server, arguments).spawn().unwrap();
        let server = Self { child, fixture };
        let until = Instant::now() + LONG;
        loop {
            let asked = client(&server.fixture);
            if asked.status.success() {
                return server;
            }
            assert!(Instant::now() < until, "not ready: {}", String::from_utf8_lossy(&asked.stderr));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn open(&self, hold: &[&str]) -> Coordinator {
        let program = Program::new(hold.iter().copied()).unwrap();
        let applications = Applications::new([Application::holder(program)]).unwrap();
        Coordinator::open(self.fixture.path("journal.jsonl"), applications, settings()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder_of_nobody() -> Fixture {
    let fixture = Fixture::new();
    std::os::unix::fs::chown(fixture.path("."), Some(NOBODY), Some(NOBODY)).unwrap();
    fixture
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn postgresql_is_in_backup_mode_until_the_thaw() {
    let (Some(initdb), Some(postgres), Some(psql)) = (found("initdb"), found("postgres"), found("psql")) else {
        return;
    };
    let fixture = folder_of_nobody();
    let (data, socket) = (fixture.path("data"), fixture.path("."));
    let (data, socket) = (data.to_str().unwrap(), socket.to_str().unwrap());
    assert!(as_nobody(&initdb, &["-D", data, "-U", "test", "-A", "trust", "-N"]).status().unwrap().success());
    let psql = psql.to_str().unwrap().to_owned();
    let ask = |fixture: &Fixture, sql: &str| {
        let socket = fixture.path(".");
        let arguments = ["-X", "-A", "-t", "-h", socket.to_str().unwrap(), "-U", "test", "-c", sql, "postgres"];
        Command::new(&psql).args(arguments).output().unwrap()
    };
    let arguments = ["-D", data, "-k", socket, "-c", "listen_addresses=", "-c", "fsync=off"];
    let server = Server::start(fixture, &postgres, &arguments, |fixture| ask(fixture, "select 1"));
    let socket = server.fixture.path(".");
    let label = format!("label={}", server.fixture.path("label").display());
    let script = example("postgresql.sql");
    let hold =
        [&psql, "-X", "-q", "-h", socket.to_str().unwrap(), "-U", "test", "-v", &label, "-f", &script, "postgres"];
    let coordinator = server.open(&hold);

    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    let active =
        "select count(*) from pg_stat_activity where query like '%pg_backup_start%' and pid <> pg_backend_pid()";
    assert_eq!(text(&ask(&server.fixture, active)), "1");
    assert!(lease.backup_begins() && lease.backup_captured());
    let report = lease.thaw().await.unwrap();
    assert_eq!(report.consistency(), Consistency::Application, "{report:?}");
    let label = std::fs::read_to_string(server.fixture.path("label")).unwrap();
    assert!(label.contains("LABEL: agentapi"), "{label}");

    // A session that is lost has ended the backup mode: whatever was copied is not what it was said to be.
    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    assert!(lease.backup_begins() && lease.backup_captured());
    let lost = "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_backup_start%' and pid <> pg_backend_pid()";
    assert_eq!(text(&ask(&server.fixture, lost)), "t");
    let report = lease.thaw().await.unwrap();
    let told = report.consistency().to_string();
    assert!(told.starts_with("crash-consistent: holder 1 ("), "{told}");
    assert_eq!(idle(&coordinator).await.ended_by, EndedBy::Thaw);
}

#[tokio::test]
async fn mariadb_commits_nothing_until_the_thaw() {
    let (Some(install), Some(mariadbd), Some(mariadb)) =
        (found("mariadb-install-db"), found("mariadbd"), found("mariadb"))
    else {
        return;
    };
    let fixture = folder_of_nobody();
    let data = format!("--datadir={}", fixture.path("data").display());
    let socket = format!("--socket={}", fixture.path("socket").display());
    let rules = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &data];
    assert!(as_nobody(&install, &rules).status().unwrap().success());
    let mariadb = mariadb.to_str().unwrap().to_owned();
    let client = |socket: &str, sql: &str| {
        let mut client = Command::new(&mariadb);
        client.args(["--no-defaults", "-u", "root", socket, "-N", "-e", sql]);
        client
    };
    let arguments = ["--no-defaults", &data, &socket, "--skip-networking", "--innodb-flush-log-at-trx-commit=0"];
    let server = Server::start(fixture, &mariadbd, &arguments, |_| client(&socket, "select 1").output().unwrap());
    let create = "create database d; create table d.t (n int) engine=innodb";
    assert!(client(&socket, create).status().unwrap().success());
    let source = format!("source {}", example("mariadb.sql"));
    let hold = [&mariadb, "--no-defaults", "-u", "root", &socket, "--abort-source-on-error", "-e", &source];
    let coordinator = server.open(&hold);

    let mut lease = coordinator.freeze("nightly", &parked()).await.unwrap();
    let mut insert = client(&socket, "insert into d.t values (1)").spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(insert.try_wait().unwrap().is_none(), "committed while it was held");
    assert!(lease.backup_begins() && lease.backup_captured());
    let report = lease.thaw().await.unwrap();
    assert!(insert.wait().unwrap().success());
    assert_eq!(report.consistency(), Consistency::Application, "{report:?}");
    assert_eq!(text(&client(&socket, "select count(*) from d.t").output().unwrap()), "1");
}
