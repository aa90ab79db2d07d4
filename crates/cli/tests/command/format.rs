//! `agentapi disks format` without a terminal. The question at a terminal is tested beside its code.

use serde_json::json;

use crate::support::{Fixture, one_line_of_json, run};

const ID: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
const MEDIA: [&str; 5] = ["disks", "format", "/dev/sdc1", "--fstype", "ext4"];

fn bodies(fixture: &Fixture) -> Vec<serde_json::Value> {
    fixture.agent.requests().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

#[test]
fn without_a_terminal_user_data_is_not_wiped() {
    let fixture = Fixture::start();
    let message = fixture.fail(&MEDIA);
    let expected = format!(
        "/dev/sdc1 (user data) is to be wiped.\n  found on it: ext4 filesystem\n  durable id:  {ID}\nerror: nothing was \
         done: /dev/sdc1 needs a person's confirmation, and stdin is no terminal; a script that may wipe this very \
         disk says --confirm {ID}\n"
    );
    assert_eq!(message, expected);
    let bodies = bodies(&fixture);
    assert_eq!((bodies.len(), &bodies[0]["confirmed"]), (1, &json!(false)));
}

#[test]
fn a_script_confirms_with_the_durable_id() {
    let fixture = Fixture::start();
    assert_eq!(fixture.succeed(&[&MEDIA[..], &["--confirm", ID]].concat()), "Formatted /dev/sdc1 as ext4.\n");
    let sent = json!({"device": "/dev/sdc1", "fstype": "ext4", "confirmed": true, "durable_id": ID});
    assert_eq!(bodies(&fixture), [sent]);
}

#[test]
fn the_durable_id_of_another_disk_confirms_nothing() {
    let fixture = Fixture::start();
    let message = fixture.fail(&[&MEDIA[..], &["--confirm", "uuid:another"]].concat());
    let expected = format!("error: nothing was done: the durable id of /dev/sdc1 is {ID}, another one was confirmed\n");
    assert_eq!(message, expected);
    assert_eq!(bodies(&fixture).len(), 1);
}

#[test]
fn an_empty_confirmation_is_wrong_usage_and_sends_nothing() {
    let fixture = Fixture::start();
    let outcome = run(fixture.command(&[&MEDIA[..], &["--confirm", ""]].concat()));
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn a_blank_disk_is_formatted_without_a_confirmation() {
    let fixture = Fixture::start();
    let text = fixture.succeed(&["disks", "format", "/dev/sdd1", "--fstype", "xfs"]);
    assert_eq!(text, "Formatted /dev/sdd1 as xfs.\n");
}

#[test]
fn a_system_disk_is_refused_with_the_operators_command() {
    let message = Fixture::start().fail(&["disks", "format", "/dev/nvme0n1p3", "--fstype", "ext4"]);
    let expected = "error: nothing was done: /dev/nvme0n1p3 is not yours to format (holds the running system); the \
                    host's operator can allow it: felhom-opsign -op storage_wipe -host host-7f3a -durable-id \
                    byid:nvme-Samsung_SSD_970_PRO_512GB_S463NF0M\n";
    assert_eq!(message, expected);
}

#[test]
fn a_signing_command_with_hidden_characters_is_not_shown() {
    // A NUL cannot be in a command at all. The disk was asked for and refused all the same, so that is what is said.
    for id in [r"x\u001b[2J\n", r"x\u0000y"] {
        let scenario = format!("[[disks]]\nbacking_device = \"/dev/sda\"\nrole = \"system\"\ndurable_id = \"{id}\"");
        let message = Fixture::with(&scenario).fail(&["disks", "format", "/dev/sda", "--fstype", "ext4"]);
        assert!(message.starts_with("error: nothing was done: /dev/sda is not yours to format"), "{message}");
        assert!(
            message.contains("characters that cannot be seen, so sign nothing") && !message.contains("opsign"),
            "{message}"
        );
        assert!(!message.contains(['\u{1b}', '\0']) && message.lines().count() == 1, "{message:?}");
    }
}

#[test]
fn with_json_a_needed_confirmation_is_an_error_object() {
    let fixture = Fixture::start();
    let message = one_line_of_json(&fixture.fail(&[&MEDIA[..], &["--json"]].concat()));
    assert_eq!((&message["kind"], &message["value"]["durable_id"]), (&json!("needs-confirmation"), &json!(ID)));
    let refused = ["disks", "format", "/dev/sdb1", "--fstype", "ext4", "--json"];
    let message = one_line_of_json(&fixture.fail(&refused));
    assert_eq!(
        (&message["kind"], &message["value"]["pending_op"]["op"]),
        (&json!("format-refused"), &json!("storage_wipe"))
    );
    let formatted = fixture.json(&[&MEDIA[..], &["--confirm", ID]].concat());
    assert_eq!((&formatted["formatted"], &formatted["role"]), (&json!(true), &json!("user-data")));
}
