//! `agentapi call`: what the operations answer.

use serde_json::{Value, json};

use crate::support::{Fixture, answers, command, run, run_with};

const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";

fn lines(requests: &[Value]) -> Vec<u8> {
    requests.iter().map(|request| format!("{request}\n")).collect::<String>().into_bytes()
}

/// What the agent answers when it has formatted a user-data disk.
fn formatted(device: &str, durable_id: &str) -> Value {
    json!({"vmid": 101, "device": device, "formatted": true, "data_bearing": false, "reason": "", "role": "user-data",
           "needs_confirmation": false, "durable_id": durable_id, "pending_op": null})
}

#[test]
fn every_operation_answers_with_the_agents_own_shape() {
    let mount = json!({"key": "appdata", "storage": "local-nvme", "mount_point": "/mnt/felhom/appdata", "class": "fast",
                       "backup": true});
    let spare = "uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33";
    let confirmed = json!({"device": "/dev/sdc1", "fstype": "ext4", "confirmed": true, "durable_id": ID});
    let signing = json!({"op": "o", "host_scope": "a b", "durable_id": "d"});
    // Operation, arguments, a part of the value by its JSON pointer, and what it is.
    let cases = [
        ("new", json!({}), "", Value::Null),
        ("storage", json!({}), "/mounts/0", mount),
        ("backup-due", json!({}), "", json!({"vmid": 101, "due": true, "reason": "last backup 26h ago, policy daily"})),
        ("start-backup", json!({}), "", json!({"vmid": 101, "job_id": "bk-101-1", "phase": "running"})),
        ("backup-status", json!({}), "", json!({"vmid": 101, "phase": "done", "job_id": "bk-101-1", "error": ""})),
        ("disks", json!({}), "/disks/3/durable_id", json!(spare)),
        ("host-metrics", json!({}), "/host/cpu_temp_c", json!(47)),
        ("format-disk", json!({"device": "/dev/sdd1", "fstype": "ext4"}), "", formatted("/dev/sdd1", spare)),
        ("format-disk", confirmed, "", formatted("/dev/sdc1", ID)),
        ("assign-disk", json!({"uuid": &ID[5..], "where": "/mnt/x", "fstype": "ext4"}), "", Value::Null),
        (
            "eject-disk",
            json!({"where": "/mnt/x"}),
            "",
            json!({"vmid": 101, "ejected": "/mnt/x", "dependent_guests": []}),
        ),
        ("fs-uuid", json!({"durable_id": ID}), "", json!(&ID[5..])),
        ("fs-uuid", json!({"durable_id": "byid:x"}), "", json!("")),
        ("opsign-command", signing, "", json!("felhom-opsign -op o -host 'a b' -durable-id d")),
    ];
    let requests: Vec<_> = cases.iter().map(|(op, args, ..)| json!({"id": op, "op": op, "args": args})).collect();
    let answers = Fixture::with("backup.duration_ms = 0").call(&lines(&requests));
    assert_eq!(answers.len(), cases.len());
    for ((op, _, part, expected), answer) in cases.iter().zip(&answers) {
        assert_eq!((&answer["id"], &answer["ok"]), (&json!(op), &json!(true)), "{answer}");
        assert_eq!(answer["value"].pointer(part), Some(expected), "{answer}");
    }
    assert_eq!(answers[5]["value"]["disks"].as_array().unwrap().len(), 4);
}

#[test]
fn all_lines_share_one_connection() {
    let fixture = Fixture::start();
    let input = "{\"op\":\"storage\"}\n{\"op\":\"start-backup\"}\n".repeat(25);
    assert_eq!(fixture.call(input.as_bytes()).len(), 50);
    assert_eq!((fixture.agent.requests().len(), fixture.agent.connections()), (50, 1));
}

#[test]
fn a_wipe_that_needs_a_person_is_an_error_that_carries_the_result() {
    let fixture = Fixture::start();
    let format = |device: &str, args: Value| {
        let mut request = json!({"op": "format-disk", "args": {"device": device, "fstype": "ext4"}});
        request["args"].as_object_mut().unwrap().extend(args.as_object().unwrap().clone());
        request
    };
    let requests = [
        format("/dev/sdc1", json!({})),
        format("/dev/sdc1", json!({"confirmed": false, "durable_id": ID})),
        format("/dev/sdc1", json!({"confirmed": true, "durable_id": "uuid:another"})),
        format("/dev/nvme0n1p3", json!({})),
        format("/dev/sdc1", json!({"confirmed": true})),
    ];
    let answers = fixture.call(&lines(&requests));
    for answer in &answers[..3] {
        let error = &answer["error"];
        assert_eq!((&answer["ok"], &error["kind"]), (&json!(false), &json!("needs-confirmation")), "{answer}");
        assert_eq!((&error["value"]["durable_id"], &error["value"]["pending_op"]), (&json!(ID), &Value::Null));
    }
    assert_eq!(answers[3]["error"]["kind"], "format-refused");
    let pending = json!({"op": "storage_wipe", "host_scope": "host-7f3a",
        "durable_id": "byid:nvme-Samsung_SSD_970_PRO_512GB_S463NF0M", "fstype": "ext4"});
    assert_eq!(answers[3]["error"]["value"]["pending_op"], pending);
    assert_eq!(answers[4]["error"]["kind"], "invalid-argument");
    assert_eq!(fixture.agent.requests().len(), 4, "a confirmation of nothing is not sent");
}

#[test]
fn errors_have_their_kind_and_the_next_line_is_answered() {
    let fixture = Fixture::with(
        r#"faults = ["storage:status=500*1", "disks:malformed-json*1", "start-backup:half-body*1", "backup-due:latency=60000*1"]"#,
    );
    let input = b"{\"op\":\"storage\"}\n{\"op\":\"disks\"}\n{\"op\":\"start-backup\"}\n{\"op\":\"backup-due\"}\n{\"op\":\"storage\"}\n";
    let answers = answers(run_with(fixture.command(&["call", "--deadline-ms", "1500"]), input));
    let message = "GET /storage: HTTP 500: injected fault";
    let status = json!({"ok": false, "error": {"kind": "http-status", "message": message, "status": 500}});
    assert_eq!(answers[0], status);
    let kinds: Vec<_> = answers[1..4].iter().map(|answer| answer["error"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["bad-envelope", "interrupted", "deadline"]);
    assert_eq!(answers[4]["ok"], true);
}

#[test]
fn an_agent_that_is_down_or_not_the_pinned_one_is_an_error_of_each_request() {
    let fixture = Fixture::start();
    let zeros = "00".repeat(32);
    let other = fixture.command(&["call", "--fingerprint", &zeros]);
    let input = b"{\"op\":\"new\"}\n{\"op\":\"storage\"}\n{\"op\":\"fs-uuid\"}\n";
    let answered = answers(run_with(other, input));
    assert_eq!(answered[1]["error"]["kind"], "pin-mismatch");
    assert_eq!((&answered[0]["ok"], &answered[2]["ok"]), (&json!(true), &json!(true)));
    assert!(fixture.agent.requests().is_empty());
    let down = fixture.command(&["call"]);
    fixture.stop();
    assert_eq!(answers(run_with(down, input))[1]["error"]["kind"], "unreachable");
}

#[test]
fn if_connecting_fails_every_line_gets_that_error() {
    let nine = vec!["00".repeat(32); 9].join(",");
    let cases = [
        ("AGENTAPI_ENDPOINT", "https://agent", "invalid-argument", "endpoint: "),
        ("AGENTAPI_ENDPOINT", "", "invalid-argument", "endpoint: "),
        ("AGENTAPI_FINGERPRINT", "abc", "invalid-argument", "fingerprint: "),
        ("AGENTAPI_FINGERPRINT", "", "invalid-argument", "fingerprint: "),
        ("AGENTAPI_FINGERPRINT", &nine, "invalid-argument", "fingerprints: "),
        ("AGENTAPI_TOKEN", "a\tb", "invalid-argument", "token: "),
        ("AGENTAPI_TOKEN", "", "invalid-argument", "token: "),
        ("AGENTAPI_TOKEN_FILE", "/nonexistent", "invalid-argument", "token: "),
        ("AGENTAPI_TOKEN_FILE", "/dev/null", "invalid-argument", "token: "),
    ];
    let fixture = Fixture::start();
    for (variable, value, kind, start) in cases {
        let mut call = fixture.command(&["call"]);
        call.env(variable, value);
        let answers = answers(run_with(call, b"{\"id\":1,\"op\":\"new\"}\nnonsense\n{\"op\":\"fs-uuid\"}"));
        assert_eq!(answers.len(), 3);
        for answer in &answers {
            let (ok, error) = (&answer["ok"], &answer["error"]);
            assert_eq!((ok, &error["kind"]), (&json!(false), &json!(kind)), "{variable}={value}: {answer}");
            assert!(error["message"].as_str().unwrap().starts_with(start), "{variable}={value}: {answer}");
        }
        assert_eq!((&answers[0]["id"], answers[2].get("id")), (&json!(1), None));
    }
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn a_component_that_cannot_be_read_is_an_error_of_every_line() {
    let fixture = Fixture::start();
    let call = fixture.command(&["call", "--component", "/nonexistent.wasm"]);
    let answers = answers(run_with(call, b"{\"op\":\"new\"}\n\n"));
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|answer| answer["error"]["kind"] == "internal"), "{answers:?}");
}

#[test]
fn wrong_usage_answers_nothing() {
    let input = b"{\"op\":\"new\"}\n";
    let outcome = run_with(command(&["call"]), input);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
    let outcome = run_with(Fixture::start().command(&["call", "--nonsense"]), input);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
}

#[test]
fn without_lines_there_are_no_answers() {
    assert_eq!(answers(run(Fixture::start().command(&["call"]))), Vec::<Value>::new());
}
