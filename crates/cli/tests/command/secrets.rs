//! The token is in nothing that is printed: not in results, errors, help or the log, however much is logged.

use crate::support::{Fixture, TOKEN, ZEROS, command, run, run_with};

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
    let mut logged = 0;
    for arguments in commands {
        for log in [&["-vv"][..], &["-vvv"], &["--log", "trace"]] {
            let outcome = run(fixture.command(&[arguments, log].concat()));
            assert!(!outcome.stdout.contains(TOKEN) && !outcome.stderr.contains(TOKEN), "{arguments:?}: {outcome:?}");
            logged += outcome.stderr.matches(" TRACE ").count();
        }
    }
    assert!(logged > 100, "only {logged} lines were logged");
    let mut call = fixture.command(&["call"]);
    call.env("AGENTAPI_LOG", "trace");
    let outcome = run_with(call, b"{\"op\":\"storage\"}\n{\"op\":\"disks\"}\n{\"op\":\"start-backup\"}\nx\n");
    assert!(outcome.stderr.contains("TRACE"), "nothing was logged: {outcome:?}");
    assert!(!outcome.stdout.contains(TOKEN) && !outcome.stderr.contains(TOKEN), "{outcome:?}");
}

#[test]
fn the_message_about_an_invalid_token_does_not_repeat_it() {
    let token = format!("{TOKEN}\twith a tab");
    let mut storage = command(&["storage", "--endpoint", "127.0.0.1:1", "--fingerprint", ZEROS, "-vvv"]);
    storage.env("AGENTAPI_TOKEN", &token);
    let outcome = run(storage);
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("token: expected printable ASCII, no blank at either end"), "{outcome:?}");
    assert!(!outcome.stderr.contains(TOKEN), "{outcome:?}");
}
