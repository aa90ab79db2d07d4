//! The agent's operations over the controller's sockets: what `agentapi call` does with a token, and commands that need none.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::controller::{BACKUP, answer_to, open_request};
use crate::support::{Beside, ENDLESS, Fixture, QUICK, run, wait_until};

fn serving() -> (Fixture, Beside) {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let controller = fixture.serve();
    (fixture, controller)
}

/// The value that `agentapi call` gives for an operation, or the kind of its error.
fn called(fixture: &Fixture, op: &str, args: &Value) -> Value {
    let line = json!({ "op": op, "args": args }).to_string();
    let answer = fixture.call(line.as_bytes()).remove(0);
    if answer["ok"] == true { answer["value"].clone() } else { answer["error"]["kind"].clone() }
}

/// The same over a socket.
fn asked(fixture: &Fixture, socket: &str, method: &str, path: &str, body: &str) -> Value {
    let head = format!(
        "content-type: application/json\r\ncontent-length: {}\r\nidempotency-key: {path}\r\nconnection: close\r\n",
        body.len()
    );
    let mut stream = open_request(&fixture.path(socket), method, path, &head);
    let (status, answer) = answer_to(&mut stream, body);
    if status == 200 { answer } else { answer["kind"].clone() }
}

#[test]
fn what_call_reads_both_sockets_read_with_the_same_names_and_values() {
    let (fixture, _controller) = serving();
    let opsign = json!({ "op": "storage_wipe", "host_scope": "h x", "durable_id": "byid:a", "fstype": "ext4" });
    let uuid = json!({ "durable_id": "uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33" });
    for (op, args, query) in [
        ("new", json!({}), ""),
        ("storage", json!({}), ""),
        ("backup-due", json!({}), ""),
        ("backup-status", json!({}), ""),
        ("disks", json!({}), ""),
        ("host-metrics", json!({}), ""),
        ("fs-uuid", uuid, "?durable_id=uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33"),
        ("fs-uuid", json!({ "durable_id": "byid:a" }), "?durable_id=byid:a"),
        ("opsign-command", opsign, "?op=storage_wipe&host_scope=h%20x&durable_id=byid:a&fstype=ext4"),
    ] {
        let value = called(&fixture, op, &args);
        for socket in ["main.sock", "ro.sock"] {
            assert_eq!(asked(&fixture, socket, "GET", &format!("/v1/agent/{op}{query}"), ""), value, "{op} {socket}");
        }
    }
}

#[test]
fn what_call_changes_the_main_socket_changes_with_the_same_names_and_values() {
    let spare = r#"{"device":"/dev/sdd1","fstype":"ext4"}"#;
    let media = r#"{"device":"/dev/sdc1","fstype":"ext4"}"#;
    let root = r#"{"device":"/dev/nvme0n1p3","fstype":"ext4"}"#;
    let assign =
        r#"{"uuid":"5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33","where":"/mnt/spare","fstype":"ext4","options":"noatime"}"#;
    for (op, args) in [
        ("start-backup", "{}"),
        ("assign-disk", assign),
        ("eject-disk", r#"{"where":"/mnt/felhom/media"}"#),
        ("eject-disk", r#"{"where":"/mnt/none"}"#),
        ("format-disk", spare),
        ("format-disk", media),
        ("format-disk", root),
    ] {
        // One agent for each way, since the first would leave its changes to the second.
        let value = called(&Fixture::with(QUICK), op, &serde_json::from_str(args).unwrap());
        let (fixture, _controller) = serving();
        let path = format!("/v1/agent/{op}");
        assert_eq!(asked(&fixture, "ro.sock", "POST", &path, args), "denied", "{op}");
        assert_eq!(asked(&fixture, "main.sock", "POST", &path, args), value, "{op} {args}");
    }
}

#[test]
fn who_names_no_agent_asks_through_the_controller_and_needs_no_token() {
    let (fixture, mut controller) = serving();
    let commands: [&[&str]; 5] =
        [&["disks", "list"], &["storage"], &["metrics"], &["backup", "due"], &["backup", "status"]];
    for arguments in commands {
        assert_eq!(fixture.local(arguments), fixture.succeed(arguments), "{arguments:?}");
        assert_eq!(fixture.local_json(arguments), fixture.json(arguments), "{arguments:?}");
    }
    // Whoever names an agent, or a part of one, means that one.
    let mut named = fixture.local_command(&["storage"]);
    named.env("AGENTAPI_ENDPOINT", fixture.agent.endpoint());
    let outcome = run(named);
    assert!(outcome.status == Some(2) && outcome.stderr.contains("the fingerprint:"), "{outcome:?}");
    // What the controller cannot do is told as it is elsewhere.
    let frozen = run(fixture.local_command(&["disks", "eject", "/mnt"]));
    assert!(frozen.status == Some(2) && frozen.stderr.contains("which agent? Missing:"), "{frozen:?}");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0);
    let outcome = run(fixture.local_command(&["storage"]));
    assert!(outcome.status == Some(2) && outcome.stderr.contains("which agent? Missing:"), "{outcome:?}");
}

#[test]
fn the_host_of_a_controller_is_the_one_that_its_options_describe() {
    let fixture = Fixture::with(r#"faults = ["storage:latency=60000"]"#);
    fixture.configure("");
    let mut controller = Beside::spawn(fixture.serve_command(&["--deadline-ms", "700"]));
    controller.wait_for_ready();
    let (status, problem) = fixture.get("/v1/agent/storage");
    assert_eq!((status, &problem["kind"]), (504, &"deadline".into()), "{problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with("no answer within 700 ms"), "{problem}");
    drop(controller);

    // An extension is compiled in a child with these limits, as it is by `agentapi policy`.
    let wasm = concat!(env!("CARGO_MANIFEST_DIR"), "/component/disk_watch.wasm");
    fixture.configure(&format!("[[extension]]\nname = \"disk-watch\"\nfile = \"{wasm}\"\nungranted = \"deny\"\n"));
    let mut refused = fixture.serve_command(&["--load-memory-mib", "1"]);
    refused.env("AGENTAPI_CACHE_DIR", "");
    let mut controller = Beside::spawn(refused);
    assert_eq!(controller.status(), 1, "{}", controller.stderr());
    wait_until("it has said why", || controller.stderr().contains("the process that compiled it"));
}

#[test]
fn without_the_agent_the_controller_says_why_and_the_command_too() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let configuration = std::fs::read_to_string(fixture.path("controller.toml")).unwrap();
    let unreachable = configuration.replace(&fixture.agent.endpoint(), "127.0.0.1:1");
    std::fs::write(fixture.path("controller.toml"), unreachable).unwrap();
    let _controller = fixture.serve();
    let outcome = run(fixture.local_command(&["disks", "list"]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{outcome:?}");
    assert!(outcome.stderr.contains("127.0.0.1:1 cannot be reached"), "{outcome:?}");
}

#[test]
fn a_start_is_refused_while_a_run_of_the_backup_loop_goes_on() {
    let fixture = Fixture::with(ENDLESS);
    fixture.configure(BACKUP);
    let _controller = fixture.serve();
    fixture.run_backup();
    wait_until("the run has started a backup", || fixture.starts() == 1);
    assert_eq!(asked(&fixture, "main.sock", "POST", "/v1/agent/start-backup", ""), "conflict");
    assert_eq!(fixture.starts(), 1);
}

#[test]
fn the_configuration_that_is_shown_is_the_one_in_use_after_a_reload_too() {
    let (fixture, controller) = serving();
    let alarm = || fixture.get("/v1/config").1["backup"]["alarm_after_s"].as_u64().unwrap();
    assert_eq!(alarm(), 26 * 60 * 60);
    fixture.configure(&[BACKUP, "alarm_after = \"30h\"\n"].concat());
    controller.signal(Signal::HUP);
    wait_until("the changed configuration is in use", || alarm() == 30 * 60 * 60);
    fixture.configure("[backup]\nevery = \"never\"\n");
    controller.signal(Signal::HUP);
    wait_until("the wrong one is refused", || fixture.get("/v1/events").1.to_string().contains("reload-refused"));
    assert_eq!(alarm(), 30 * 60 * 60);
}

#[test]
fn events_are_printed_whole_however_many_pages_they_are() {
    let (fixture, _controller) = serving();
    for _ in 0..600 {
        for action in ["pause", "resume"] {
            assert_eq!(fixture.post(&format!("/v1/subjects/backup/{action}")).0, 200);
        }
    }
    assert_eq!(fixture.local(&["events"]).lines().count(), 1201);
}
