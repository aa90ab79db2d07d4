//! Metrics on loopback, scraped by a real Prometheus, and what is made of them: rules and a dashboard that name what there is.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::controller::BACKUP;
use crate::support::{Beside, Fixture, QUICK, wait_until};

/// A port of loopback that nobody has just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks over loopback, and returns the head and the body.
fn get(port: u16, path: &str, host: &str) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// Whether a program is there; one that CI installs is.
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "{program} is missing on a machine for CI");
    if !found {
        eprintln!("skipped: no {program}");
    }
    found
}

#[test]
fn loopback_has_the_metrics_and_nothing_else_and_is_asked_by_no_other_name() {
    let fixture = Fixture::with(QUICK);
    let port = free_port();
    fixture.configure(&format!("{BACKUP}\n[metrics]\nlisten = \"127.0.0.1:{port}\"\n"));
    let mut controller = fixture.serve();
    for host in ["127.0.0.1", "localhost:9420", "[::1]:9420"] {
        let (head, body) = get(port, "/metrics", host);
        assert!(head.starts_with("HTTP/1.0 200") && body.contains("agentapi_build_info"), "{host}: {head}");
    }
    for host in ["guest.example.org", "127.0.0.1.example.org", "10.0.0.1", ""] {
        assert!(get(port, "/metrics", host).0.starts_with("HTTP/1.0 403"), "{host}");
    }
    for path in ["/v1/status", "/v1/runs", "/v1/config", "/v1/agent/disks"] {
        let (head, body) = get(port, path, "localhost");
        assert!(head.starts_with("HTTP/1.0 403") && body.contains("metrics only"), "{path}: {head} {body}");
    }
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
    // One that is taken is named.
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let said = fixture.refuse_to_serve(1);
    assert!(said.contains(&format!("metrics.listen: 127.0.0.1:{port}")), "{said}");
}

#[test]
fn a_real_prometheus_scrapes_it() {
    if !is_there("prometheus") {
        return;
    }
    let fixture = Fixture::with(QUICK);
    let (metrics, prometheus) = (free_port(), free_port());
    fixture.configure(&format!("{BACKUP}\n[metrics]\nlisten = \"127.0.0.1:{metrics}\"\n"));
    let mut controller = fixture.serve();
    let run = fixture.run_backup();
    wait_until("a backup is done", || fixture.state_of(run) == "done");
    let rules = fs::canonicalize(docs("alerts.yml")).unwrap();
    let config = format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{}']\nscrape_configs:\n\
         \x20 - job_name: agentapi\n\x20   static_configs: [{{ targets: ['127.0.0.1:{metrics}'] }}]\n",
        rules.display()
    );
    fs::write(fixture.path("prometheus.yml"), config).unwrap();
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", fixture.path("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", fixture.path("tsdb").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{prometheus}"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let server = Beside::spawn(command);
    let ask = |path: &str| -> Option<Value> {
        TcpStream::connect(("127.0.0.1", prometheus)).ok()?;
        let (head, body) = get(prometheus, path, "localhost");
        if !head.starts_with("HTTP/1.0 200") {
            return None;
        }
        serde_json::from_str(body.trim()).ok()
    };
    let value = |query: &str| -> Option<f64> {
        let answer = ask(&format!("/api/v1/query?query={query}"))?;
        answer.pointer("/data/result/0/value/1")?.as_str()?.parse().ok()
    };
    wait_until("it has scraped", || {
        value("agentapi_runs_total%7Bsubject%3D%22backup%22,outcome%3D%22done%22%7D") == Some(1.0)
    });
    assert_eq!(value("up"), Some(1.0), "{}", server.stderr());
    assert!(value("agentapi_since_success_seconds").is_some_and(|seconds| seconds < 300.0));
    let rules = ask("/api/v1/rules").unwrap();
    assert!(rules.pointer("/data/groups/0/rules").is_some_and(|rules| rules.as_array().unwrap().len() >= 6), "{rules}");
    server.signal(Signal::TERM);
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}

#[test]
fn rules_and_dashboard_name_only_what_there_is_and_the_rules_fire_as_they_should() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let mut controller = fixture.serve();
    let run = fixture.run_backup();
    wait_until("a backup is done", || fixture.state_of(run) == "done");
    let mut stream =
        crate::support::controller::open_request(&fixture.path("ro.sock"), "GET", "/metrics", "connection: close\r\n");
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let there = names(&text);
    let used: BTreeSet<_> = ["alerts.yml", "dashboard.json"]
        .iter()
        .flat_map(|file| names(&fs::read_to_string(docs(file)).unwrap()))
        .collect();
    assert!(used.len() >= 9, "{used:?}");
    let missing: Vec<_> = used.difference(&there).collect();
    assert!(missing.is_empty(), "not among the metrics: {missing:?}");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());

    if !is_there("promtool") {
        return;
    }
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]] {
        let output = Command::new("promtool").args(arguments).current_dir(docs("")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("agentapi_")).map(str::to_owned).collect()
}
