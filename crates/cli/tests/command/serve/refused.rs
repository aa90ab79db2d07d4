//! Controllers that must not start: what is said, and that nothing is left.

use std::fs;

use rustix::process::Signal;

use crate::support::controller::{BACKUP, FREEZING_BACKUP};
use crate::support::{Beside, ENDLESS, FREEZE, Fixture, QUICK, THAW, TOKEN, run, wait_until};

/// An extension that asks for more than it is granted here.
const BACKUP_LOOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host-harness/component/backup_loop.wasm");

fn assert_no_sockets(fixture: &Fixture) {
    let sockets = fs::read_dir(fixture.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let sockets: Vec<_> = sockets.filter(|name| name.to_string_lossy().contains(".sock")).collect();
    assert!(sockets.is_empty(), "{sockets:?}");
}

#[test]
fn all_mistakes_of_a_configuration_are_named_with_their_places_and_nothing_is_started() {
    let fixture = Fixture::start();
    fixture.configure("[backup]\nevry = \"1h\"\naccept_crash_consistent = 7\n\n[quiesce]\napplications = []\n");
    let said = fixture.refuse_to_serve(2);
    let file = fixture.path("controller.toml");
    for (place, text) in [("17:1", "every"), ("18:27", "accept_crash_consistent"), ("21:16", "applications")] {
        let place = format!("{}:{place}:", file.display());
        // A line of its own.
        assert!(
            said.lines().any(|line| line.trim().starts_with(&place) && line.contains(text)),
            "{place} {text}: {said}"
        );
    }
    assert!(!said.contains(TOKEN), "{said}");
    assert!(!said.contains("Usage:"), "the command was called rightly: {said}");
    assert!(!fixture.path("state").exists() && fixture.agent.requests().is_empty());
    assert_no_sockets(&fixture);
}

#[test]
fn a_check_prints_five_times_of_each_schedule_and_no_secret_and_starts_nothing() {
    let fixture = Fixture::start();
    let extension = format!(
        "[[extension]]\nname = \"nightly\"\nfile = '{BACKUP_LOOP}'\ncron = \"5 3 * * *\"\ninput = {{ password = \"hunter2-input\" }}\n"
    );
    fixture.configure(&[BACKUP, &extension].concat());
    let outcome = run(fixture.serve_command(&["--check"]));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout.lines().filter(|line| line.starts_with("  next")).count(), 10, "{}", outcome.stdout);
    for secret in [TOKEN, "hunter2"] {
        assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{outcome:?}");
    }
    assert!(!fixture.path("state").exists() && fixture.agent.requests().is_empty());
    assert_no_sockets(&fixture);
}

#[test]
fn a_second_controller_of_a_state_folder_is_refused_and_thaws_nothing_of_the_first() {
    let fixture = Fixture::with(ENDLESS);
    fixture.configure(&[FREEZING_BACKUP, &fixture.quiesce(FREEZE, THAW)].concat());
    let mut controller = fixture.serve();
    fixture.run_backup();
    wait_until("a backup is started", || fixture.starts() == 1);
    // Sockets of its own, so that it is the state folder that is in use.
    let text = fs::read_to_string(fixture.path("controller.toml")).unwrap();
    fs::write(fixture.path("controller.toml"), text.replace("main.sock", "a.sock").replace("ro.sock", "b.sock"))
        .unwrap();
    let outcome = run(fixture.serve_command(&[]));
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    assert!(outcome.stderr.contains("in use") && !outcome.stderr.contains("is ready"), "{outcome:?}");
    assert_eq!(fixture.marks().last().unwrap(), "freeze");
    assert!(!fixture.path("a.sock").exists() && !fixture.path("b.sock").exists());
    assert_eq!(fixture.get("/v1/live").0, 200);
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0);
}

#[test]
fn without_anything_to_freeze_a_state_folder_has_one_controller_too() {
    let fixture = Fixture::with(QUICK);
    fixture.configure(BACKUP);
    let _controller = fixture.serve();
    let said = fixture.refuse_to_serve(1);
    assert!(said.contains("is in use by another controller"), "{said}");
    assert_eq!(fixture.get("/v1/live").0, 200, "the sockets are still those of the first");
}

#[test]
fn a_regular_file_in_the_place_of_a_socket_is_left_as_it_is() {
    for (taken, other) in [("main.sock", "ro.sock"), ("ro.sock", "main.sock")] {
        let fixture = Fixture::start();
        fixture.configure(BACKUP);
        fs::write(fixture.path(taken), "somebody's notes").unwrap();
        let said = fixture.refuse_to_serve(1);
        assert!(said.contains("expected a socket or nothing") && said.contains(taken), "{said}");
        assert_eq!(fs::read_to_string(fixture.path(taken)).unwrap(), "somebody's notes");
        assert!(!fixture.path(other).exists());
    }
}

#[test]
fn an_extension_that_is_refused_is_named_and_nothing_is_started() {
    let zeros = "0".repeat(64);
    let fixture = Fixture::start();
    fs::write(fixture.path("text.wasm"), "not a component").unwrap();
    let wrong_digest = format!("ungranted = \"deny\"\nsha256 = \"{zeros}\"\n");
    for (file, more, expected) in [
        (BACKUP_LOOP, "", "granted are none; missing are backup.due"),
        (BACKUP_LOOP, &wrong_digest, "expected the SHA-256 0000"),
        ("text.wasm", "", "no component that can be run"),
    ] {
        fixture.configure(&format!("[[extension]]\nname = \"nightly\"\nfile = '{file}'\n{more}"));
        let said = fixture.refuse_to_serve(1);
        assert!(said.contains("extension nightly") && said.contains(expected), "{expected}: {said}");
        assert_no_sockets(&fixture);
    }
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn a_receiver_that_this_build_does_not_have_is_refused_by_the_check_too() {
    let fixture = Fixture::start();
    let mail = "[[notify]]\nkind = \"smtp\"\nserver = \"mail.example.org:587\"\nsender = \"a@example.org\"\nrecipients = [\"b@example.org\"]\n";
    fixture.configure(mail);
    let outcome = run(fixture.serve_command(&["--check"]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
    assert!(outcome.stderr.contains("found smtp, which is not in this build"), "{outcome:?}");
}

#[test]
fn traces_that_this_build_does_not_send_are_refused_by_the_check_too() {
    let fixture = Fixture::start();
    fixture.configure("[traces]\nurl = \"http://127.0.0.1:4318\"\n");
    let outcome = run(fixture.serve_command(&["--check"]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
    let said = fixture.refuse_to_serve(1);
    for said in [&outcome.stderr, &said] {
        assert!(said.contains("traces: expected no [traces]") && said.contains("the feature `otlp` is off"), "{said}");
    }
    assert_no_sockets(&fixture);
}

#[cfg(not(feature = "fleet"))]
#[test]
fn a_fleet_that_this_build_cannot_be_in_is_refused_by_the_check_too() {
    let fixture = Fixture::start();
    let pin = fixture.agent.fingerprint();
    let bus = format!("server = \"127.0.0.1:1\"\nfingerprints = [\"{pin}\"]\nkey_file = \"token\"\nhost = \"pve1\"\n");
    fixture.configure(&format!("[fleet]\n{bus}"));
    // Keys stand before tables, and the machine may have a name that no guest in a fleet can have.
    let file = fixture.path("controller.toml");
    fs::write(&file, format!("guest = \"web1\"\n{}", fs::read_to_string(&file).unwrap())).unwrap();
    let outcome = run(fixture.serve_command(&["--check"]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
    let said = fixture.refuse_to_serve(2);
    let ls = run(crate::support::command(&["fleet", "ls"]));
    assert_eq!(ls.status, Some(2), "{ls:?}");
    for said in [&outcome.stderr, &said, &ls.stderr] {
        assert!(said.contains("the feature `fleet` is off"), "{said}");
    }
    assert_no_sockets(&fixture);
}

#[test]
fn an_approver_that_is_no_user_is_refused_by_the_check_too_and_before_anything_is_made() {
    let fixture = Fixture::start();
    fixture.configure("");
    let file = fixture.path("controller.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text
        .replace("[api]\n", "[api]\napprovers = [\"nobody-of-that-name\"]\n")
        .replace("main.sock", "folder/main.sock");
    fs::write(&file, text).unwrap();
    for more in [&["--check"][..], &[]] {
        let outcome = run(fixture.serve_command(more));
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        assert!(outcome.stderr.contains("api.approvers: there is no user nobody-of-that-name"), "{outcome:?}");
    }
    assert!(!fixture.path("folder").exists());
}

#[test]
fn a_signal_while_what_was_left_frozen_is_thawed_ends_it_thawed_and_not_started() {
    let fixture = Fixture::with(ENDLESS);
    let held = "test ! -e held || exit 1; rm -f frozen";
    fixture.configure(&[FREEZING_BACKUP, &fixture.quiesce("touch frozen held", held)].concat());
    let mut controller = fixture.serve();
    fixture.run_backup();
    wait_until("a backup is started", || fixture.starts() == 1);
    controller.signal(Signal::KILL);
    assert_eq!(controller.status(), 137);

    let mut controller = Beside::spawn(fixture.serve_command(&[]));
    controller.wait_for("not thawed yet: backup-loop: ");
    controller.signal(Signal::TERM);
    controller.wait_for("another signal ends this command without it");
    assert!(controller.is_running() && fixture.path("frozen").exists());
    fs::remove_file(fixture.path("held")).unwrap();
    assert_eq!(controller.status(), 128 + 15, "{}", controller.stderr());
    assert!(
        !fixture.path("frozen").exists() && controller.stderr().contains("nothing was started"),
        "{}",
        controller.stderr()
    );
}
