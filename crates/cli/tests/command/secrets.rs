//! The token is in nothing that is printed: not in results, errors, help or the log, however much is logged.

use crate::support::{Fixture, TOKEN, command, run, run_with};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn the_token_is_printed_nowhere() {
    let fixture =
        Fixture::with(r#"faults = ["disks:status=500", "host-metrics:reset-at=10", "backup-due:unauthorized"]"#);
    let commands: [&[&str]; 10] = [
        &["storage"],
        &["storage", "--json"],
        &["disks", "list"],
        &["metrics"],
        &["backup", "due"],
        &["disks", "format", "/dev/sdc1", "--fstype", "ext4"],
        &["storage", "--fingerprint", ZEROS],
        &["storage", "--endpoint", "127.0.0.1:1"],
        &["storage", "--endpoint", "https://x"],
        &["storage", "--help"],
    ];
    for arguments in commands {
        for log in [&["-vv"][..], &["-vvv"], &["--log", "trace"]] {
            let ended = run(fixture.command(&[arguments, log].concat()));
            assert!(!ended.stdout.contains(TOKEN) && !ended.stderr.contains(TOKEN), "{arguments:?}: {ended:?}");
        }
    }
    let mut call = fixture.command(&["call"]);
    call.env("AGENTAPI_LOG", "trace");
    let ended = run_with(call, b"{\"op\":\"storage\"}\n{\"op\":\"disks\"}\n{\"op\":\"start-backup\"}\nx\n");
    assert!(ended.stderr.contains("TRACE"), "nothing was logged: {ended:?}");
    assert!(!ended.stdout.contains(TOKEN) && !ended.stderr.contains(TOKEN), "{ended:?}");
}

#[test]
fn a_token_that_is_none_is_not_repeated() {
    let token = format!("{TOKEN}\twith a tab");
    let mut storage = command(&["storage", "--endpoint", "127.0.0.1:1", "--fingerprint", ZEROS, "-vvv"]);
    storage.env("AGENTAPI_TOKEN", &token);
    let ended = run(storage);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("token: expected printable ASCII, no blank at either end"), "{ended:?}");
    assert!(!ended.stderr.contains(TOKEN), "{ended:?}");
}
