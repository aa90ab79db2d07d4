//! How the command learns which agent to talk to, and what it says about wrong usage.

use std::fs;
use std::process::Command;

use crate::support::{Fixture, Outcome, TOKEN, command, run};

/// A command that has endpoint and fingerprint, but no token.
fn without_token(fixture: &Fixture) -> Command {
    let mut command = fixture.command(&["storage"]);
    command.env_remove("AGENTAPI_TOKEN");
    command
}

#[track_caller]
fn assert_usage(outcome: &Outcome, texts: &[&str]) {
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
    for text in texts {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn all_missing_options_are_named_at_once_with_their_variables() {
    let all =
        ["--endpoint ENDPOINT or AGENTAPI_ENDPOINT", "--fingerprint SHA256", "--token-file FILE", "agentapi mock"];
    for arguments in [&["storage"][..], &["disks", "list"], &["call"], &["backup", "start", "--json"]] {
        assert_usage(&run(command(arguments)), &all);
    }
    let outcome = run(command(&["storage", "--endpoint", "x", "--fingerprint", "y"]));
    assert_usage(&outcome, &["--token-file FILE"]);
    assert!(!outcome.stderr.contains("--endpoint ENDPOINT"), "{}", outcome.stderr);
}

#[test]
fn wrong_values_are_wrong_usage() {
    let fixture = Fixture::start();
    let cases = [
        (["--endpoint", "https://agent"], "error: endpoint: expected host, host:port"),
        (["--endpoint", ""], "found nothing"),
        (["--fingerprint", "abc"], "error: fingerprint: expected 64 hex digits (a SHA-256), found 3; nothing was sent"),
        (["--deadline-ms", "0"], "0 is not in 1..="),
        (["--log", "a=b=c"], "the log filter \"a=b=c\" cannot be read"),
        (["--nonsense", "x"], "unexpected argument '--nonsense'"),
    ];
    for (option, text) in cases {
        assert_usage(&run(fixture.command(&[&["storage"], &option[..]].concat())), &[text]);
    }
}

#[test]
fn the_token_is_never_an_argument() {
    for arguments in
        [&["storage", "--token", TOKEN][..], &["storage", &format!("--token={TOKEN}")], &["--token", TOKEN]]
    {
        let outcome = run(Fixture::start().command(arguments));
        assert_usage(&outcome, &["the token is never an argument", "--token-file FILE"]);
        assert!(!outcome.stderr.contains(TOKEN), "{}", outcome.stderr);
    }
}

#[test]
fn a_token_file_comes_before_a_token_and_loses_one_line_end() {
    let fixture = Fixture::start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    for text in [TOKEN.to_owned(), format!("{TOKEN}\n"), format!("{TOKEN}\r\n")] {
        fs::write(&file, text).unwrap();
        let mut by_option = without_token(&fixture);
        by_option.arg("--token-file").arg(&file).env("AGENTAPI_TOKEN", "wrong");
        let mut by_variable = without_token(&fixture);
        by_variable.env("AGENTAPI_TOKEN_FILE", &file).env("AGENTAPI_TOKEN", "wrong");
        for command in [by_option, by_variable] {
            let outcome = run(command);
            assert_eq!(outcome.status, Some(0), "{outcome:?}");
        }
    }
    fs::write(&file, format!("{TOKEN}\n\n")).unwrap();
    let mut two_line_ends = without_token(&fixture);
    two_line_ends.arg("--token-file").arg(&file);
    assert_usage(
        &run(two_line_ends),
        &["token: expected printable ASCII, no blank at either end, found a line end at the end, character "],
    );
}

#[test]
fn a_token_file_that_cannot_be_read_is_not_named_because_it_may_be_the_token() {
    let mut command = without_token(&Fixture::start());
    command.env("AGENTAPI_TOKEN_FILE", TOKEN);
    let outcome = run(command);
    assert_usage(&outcome, &["error: token: the file that AGENTAPI_TOKEN_FILE names cannot be read: No such file"]);
    assert!(!outcome.stderr.contains(TOKEN), "{}", outcome.stderr);
}

#[test]
fn options_may_stand_before_the_command() {
    let fixture = Fixture::start();
    let (endpoint, pin) = (fixture.agent.endpoint(), fixture.agent.fingerprint().to_string());
    let arguments = ["--endpoint", &endpoint, "--fingerprint", &pin, "--json", "disks", "list"];
    let mut command = command(&arguments);
    command.env("AGENTAPI_TOKEN", TOKEN);
    let outcome = run(command);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.starts_with(r#"{"vmid":101,"disks":[{"#), "{}", outcome.stdout);
}

#[test]
fn options_without_effect_are_refused() {
    let cases = [
        (&["--endpoint", "x", "demo"][..], "give it no --endpoint"),
        (&["--fingerprint", "x"], "demo connects to no agent of yours: give it no --fingerprint"),
        (&["--token-file", "x", "mock"], "give it no --token-file"),
        (&["demo", "--json"], "demo prints for people only"),
        (&["mock", "--endpoint", "x"], "unexpected argument '--endpoint'"),
    ];
    for (arguments, text) in cases {
        assert_usage(&run(command(arguments)), &[text]);
    }
}

#[test]
fn help_and_version_succeed_and_show_no_value_of_the_environment() {
    let fixture = Fixture::start();
    let commands: [&[&str]; 8] = [
        &[],
        &["demo"],
        &["mock"],
        &["call"],
        &["fingerprint"],
        &["storage"],
        &["disks", "format"],
        &["backup", "start"],
    ];
    for arguments in commands {
        for help in ["-h", "--help"] {
            let text = fixture.succeed(&[arguments, &[help]].concat());
            assert!(!text.contains(TOKEN) && !text.contains(&fixture.agent.endpoint()), "{text}");
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(120), "{longest:?}: {text}");
        }
    }
    assert_eq!(fixture.succeed(&["--version"]), format!("agentapi {}\n", env!("CARGO_PKG_VERSION")));
}
