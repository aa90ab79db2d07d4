//! `agentapi call`: what the operations answer.

use serde_json::{Value, json};

use crate::support::{Fixture, answers, command, run, run_with};

const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";

fn lines(requests: &[Value]) -> Vec<u8> {
    requests.iter().map(|request| format!("{request}\n")).collect::<String>().into_bytes()
}

#[test]
fn every_operation_answers_with_the_agents_own_shape() {
    let fixture = Fixture::with("backup.duration_ms = 0");
    let format = |args: Value| json!({"id": "f", "op": "format-disk", "args": args});
    let requests = [
        json!({"id": 0, "op": "new"}),
        json!({"id": 1, "op": "storage", "args": {}}),
        json!({"id": 2, "op": "backup-due"}),
        json!({"id": 3, "op": "start-backup"}),
        json!({"id": 4, "op": "backup-status"}),
        json!({"id": 5, "op": "disks"}),
        json!({"id": 6, "op": "host-metrics"}),
        format(json!({"device": "/dev/sdd1", "fstype": "ext4"})),
        format(json!({"device": "/dev/sdc1", "fstype": "ext4", "confirmed": true, "durable_id": ID})),
        json!({"id": 7, "op": "assign-disk", "args": {"uuid": &ID[5..], "where": "/mnt/x", "fstype": "ext4"}}),
        json!({"id": 8, "op": "eject-disk", "args": {"where": "/mnt/x"}}),
        json!({"id": 9, "op": "fs-uuid", "args": {"durable_id": ID}}),
        json!({"id": 10, "op": "fs-uuid", "args": {"durable_id": "byid:x"}}),
        json!({"id": 11, "op": "opsign-command", "args": {"op": "o", "host_scope": "a b", "durable_id": "d"}}),
    ];
    let answers = fixture.call(&lines(&requests));
    let values: Vec<_> =
        answers.iter().map(|answer| answer.get("value").unwrap_or_else(|| panic!("{answer}"))).collect();
    let formatted = |device: &str, durable_id: &str| {
        json!({"vmid": 101, "device": device, "formatted": true, "data_bearing": false, "reason": "", "role": "user-data",
               "needs_confirmation": false, "durable_id": durable_id, "pending_op": null})
    };
    assert_eq!(*values[0], Value::Null);
    assert_eq!(
        values[1]["mounts"][0],
        json!({"key": "appdata", "storage": "local-nvme",
        "mount_point": "/mnt/felhom/appdata", "class": "fast", "backup": true})
    );
    assert_eq!(*values[2], json!({"vmid": 101, "due": true, "reason": "last backup 26h ago, policy daily"}));
    assert_eq!(*values[3], json!({"vmid": 101, "job_id": "bk-101-1", "phase": "running"}));
    assert_eq!(*values[4], json!({"vmid": 101, "phase": "done", "job_id": "bk-101-1", "error": ""}));
    assert_eq!(values[5]["disks"].as_array().unwrap().len(), 4);
    assert_eq!(values[6]["host"]["cpu_temp_c"], 47);
    assert_eq!(*values[7], formatted("/dev/sdd1", "uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33"));
    assert_eq!(*values[8], formatted("/dev/sdc1", ID));
    assert_eq!(*values[9], Value::Null);
    assert_eq!(*values[10], json!({"vmid": 101, "ejected": "/mnt/x", "dependent_guests": []}));
    assert_eq!(*values[11], json!("0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10"));
    assert_eq!(*values[12], json!(""));
    assert_eq!(*values[13], json!("felhom-opsign -op o -host 'a b' -durable-id d"));
    let echoed = requests.iter().zip(&answers).all(|(request, answer)| request["id"] == answer["id"]);
    assert!(echoed && answers.iter().all(|answer| answer["ok"] == true), "{answers:?}");
}

#[test]
fn all_lines_share_one_connection() {
    let fixture = Fixture::start();
    let input = "{\"op\":\"storage\"}\n{\"op\":\"start-backup\"}\n".repeat(25);
    assert_eq!(fixture.call(input.as_bytes()).len(), 50);
    assert_eq!((fixture.agent.requests().len(), fixture.agent.connections()), (50, 1));
}

#[test]
fn a_persons_turn_is_an_error_that_carries_the_result() {
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
    let status =
        json!({"ok": false, "error": {"kind": "http-status", "message": "GET /storage: HTTP 500", "status": 500}});
    assert_eq!(answers[0], status);
    let kinds: Vec<_> = answers[1..4].iter().map(|answer| answer["error"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["bad-envelope", "interrupted", "deadline"]);
    assert_eq!(answers[4]["ok"], true);
}

#[test]
fn an_agent_that_is_down_or_another_is_an_error_of_each_request() {
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
fn where_connecting_fails_every_line_gets_that_error() {
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
    assert!(answers.iter().all(|answer| answer["error"]["kind"] == "internal"), "{answers:?}");
}

#[test]
fn wrong_usage_answers_nothing() {
    let input = b"{\"op\":\"new\"}\n";
    let ended = run_with(command(&["call"]), input);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    let ended = run_with(Fixture::start().command(&["call", "--nonsense"]), input);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
}

#[test]
fn without_lines_there_are_no_answers() {
    assert_eq!(answers(run(Fixture::start().command(&["call"]))), Vec::<Value>::new());
}
