//! Inputs as people have them at night, and what they are told: one table for each kind of input. What is accepted and
//! refused in which spelling is tested where it is parsed, in `agentapi-contract`; here is what the command says, and that
//! nothing was sent.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use crate::support::{Fixture, Process, TOKEN, command, run};

const NOTHING_SENT: &str = "nothing was sent";

/// A command that has endpoint and fingerprint, but no token.
fn without_token(fixture: &Fixture, arguments: &[&str]) -> Command {
    let mut command = fixture.command(&[&["storage"], arguments].concat());
    command.env_remove("AGENTAPI_TOKEN");
    command
}

fn write(path: &Path, text: &[u8], mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_fingerprint_is_accepted_as_it_is_shown_elsewhere() {
    let fixture = Fixture::start();
    let upper = fixture.agent.fingerprint().to_string();
    let (lower, plain) = (upper.to_lowercase(), upper.replace(':', ""));
    let pasted = [
        format!("sha256 Fingerprint={upper}"),
        format!("SHA256 Fingerprint={upper}"),
        format!("Fingerprint (sha256): {lower}"),
        format!("SHA256:{plain}"),
        format!("{upper}\n"),
        upper.replace(':', "\u{a0}"),
        upper.replace(':', "-"),
        format!("\u{200e}{upper}"),
        format!("\"{upper}\""),
    ];
    for text in pasted {
        fixture.succeed(&["storage", "--fingerprint", &text]);
    }
    assert_eq!(fixture.agent.requests().len(), 9);
}

#[test]
fn a_fingerprint_of_another_kind_is_named() {
    let fixture = Fixture::start();
    let cases = [
        ("ab".repeat(20), "40: that is a SHA-1"),
        (
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".into(),
            "what looks like base64, perhaps of the key (an SPKI pin); the SHA-256 of the certificate in hex is needed: \
             `agentapi fingerprint`",
        ),
    ];
    for (text, found) in cases {
        let outcome = run(fixture.command(&["storage", "--fingerprint", &text]));
        let expected =
            format!("error: fingerprint: expected 64 hex digits (a SHA-256), found {found}; {NOTHING_SENT}\n");
        assert_eq!((outcome.status, outcome.stderr), (Some(2), expected));
    }
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn an_endpoint_that_cannot_be_right_is_wrong_usage() {
    let fixture = Fixture::start();
    let link_local = "a link-local address, which needs its interface, and zones are not supported: give the agent's other \
                      address, or its name";
    let cases = [
        ("https://10.0.0.1:8443/", "a scheme ('/'): drop https:// and the final /"),
        (
            "[fe80::1%eth0]:8443",
            "a zone ('%'), which is not supported: give the agent's address that is not link-local, or its name",
        ),
        ("[fe80::1]:8443", link_local),
        ("fe80::1", link_local),
        ("127.1", "'127.1', which is not an IPv4 address of four numbers up to 255"),
        ("10.0.0.256", "'10.0.0.256', which is not an IPv4 address of four numbers up to 255"),
        ("a..b", "'a..b', which is no host name: there is nothing between two dots, or before the first"),
    ];
    for (endpoint, found) in cases {
        let outcome = run(fixture.command(&["storage", "--endpoint", endpoint]));
        let expected =
            format!("error: endpoint: expected host, host:port, [v6] or [v6]:port, found {found}; {NOTHING_SENT}\n");
        assert_eq!((outcome.status, outcome.stderr), (Some(2), expected));
    }
}

#[test]
fn a_token_file_with_a_slip_in_it_says_which_and_where_and_never_shows_it() {
    let fixture = Fixture::start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(TOKEN.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let length = TOKEN.len();
    let half = length / 2;
    let cases: [(Vec<u8>, String); 8] = [
        (format!("{TOKEN}\n\n").into(), format!("a line end at the end, character {0} of {0}", length + 1)),
        (format!("{TOKEN} \n").into(), format!("a blank at the end, character {0} of {0}", length + 1)),
        (
            format!("{}\n{}", &TOKEN[..half], &TOKEN[half..]).into(),
            format!("a line end inside, character {} of {}", half + 1, length + 1),
        ),
        (format!(" {TOKEN}").into(), format!("a blank at the beginning, character 1 of {}", length + 1)),
        (
            format!("\u{feff}{TOKEN}").into(),
            "a byte-order mark at the beginning: save the file as UTF-8 without one".into(),
        ),
        (utf16, "what looks like UTF-16: save the file as UTF-8".into()),
        (b"caf\xe9s".into(), "what is not UTF-8 inside, character 4 of 5".into()),
        (b"\n".into(), "nothing".into()),
    ];
    for (text, found) in cases {
        write(&file, &text, 0o600);
        let outcome = run(without_token(&fixture, &["--token-file", file.to_str().unwrap()]));
        let expected =
            format!("error: token: expected printable ASCII, no blank at either end, found {found}; {NOTHING_SENT}\n");
        assert_eq!((outcome.status, outcome.stderr), (Some(2), expected));
    }
    assert!(fixture.agent.requests().is_empty());
}

#[test]
fn what_is_no_file_is_named_at_once() {
    let fixture = Fixture::start();
    let dir = tempfile::tempdir().unwrap();
    let (fifo, socket) = (dir.path().join("fifo"), dir.path().join("socket"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let _listener = UnixListener::bind(&socket).unwrap();
    let cases = [
        (fifo.as_path(), "a FIFO (named pipe)"),
        (dir.path(), "a folder"),
        (&socket, "a socket"),
        (Path::new("/dev/zero"), "a device"),
    ];
    for (path, what) in cases {
        // Nobody ever writes to the FIFO: a command that waits for it does not end.
        Process::spawn(without_token(&fixture, &["--token-file", path.to_str().unwrap()])).wait();
        let outcome = run(without_token(&fixture, &["--token-file", path.to_str().unwrap()]));
        let expected = format!(
            "error: token: the file that --token-file names cannot be read: it is {what}, expected a regular file; \
             {NOTHING_SENT}\n"
        );
        assert_eq!((outcome.status, outcome.stderr), (Some(2), expected));
    }
}

#[test]
fn a_pipe_of_the_shell_is_read_to_its_end() {
    let fixture = Fixture::start();
    let mut command = Command::new("bash");
    let program = env!("CARGO_BIN_EXE_agentapi");
    command.args(["-c", "\"$0\" storage --token-file <(sleep 0.2; echo \"$TOKEN_TO_PIPE\")", program]);
    let (endpoint, pin) = (fixture.agent.endpoint(), fixture.agent.fingerprint().to_string());
    command.envs([("TOKEN_TO_PIPE", TOKEN), ("AGENTAPI_ENDPOINT", &endpoint), ("AGENTAPI_FINGERPRINT", &pin)]);
    let outcome = run(command);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_token_file_that_others_may_read_is_told_and_one_of_a_group_is_not() {
    let fixture = Fixture::start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    for (mode, warns) in [(0o600, false), (0o640, false), (0o400, false), (0o644, true), (0o604, true)] {
        write(&file, TOKEN.as_bytes(), mode);
        let outcome = run(without_token(&fixture, &["--token-file", file.to_str().unwrap()]));
        let warning = format!(
            "the file that --token-file names can be read by every user of this machine (mode {mode:03o}): chmod o-r\n"
        );
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert_eq!(outcome.stderr.ends_with(&warning), warns, "{mode:o}: {}", outcome.stderr);
        assert_eq!(outcome.stderr.is_empty(), !warns, "{mode:o}: {}", outcome.stderr);
    }
}

#[test]
fn the_word_bearer_in_front_of_a_token_is_told() {
    let fixture = Fixture::start();
    let mut command = without_token(&fixture, &[]);
    command.env("AGENTAPI_TOKEN", format!("Bearer {TOKEN}"));
    let outcome = run(command);
    let (warning, error) = outcome.stderr.split_once('\n').unwrap();
    let expected =
        "the token begins with the word Bearer, which the client adds by itself: give it without the word Bearer";
    assert!(warning.ends_with(expected), "{warning}");
    assert!(error.starts_with("error: GET /storage: HTTP 401"), "{error}");
    assert!(!outcome.stderr.contains(TOKEN));
}

#[test]
fn the_credential_of_systemd_is_found_by_its_name() {
    let fixture = Fixture::start();
    let dir = tempfile::tempdir().unwrap();
    let with_credentials = || {
        let mut command = without_token(&fixture, &[]);
        command.env("CREDENTIALS_DIRECTORY", dir.path());
        command
    };
    let missing = run(with_credentials());
    assert_eq!(missing.status, Some(2));
    assert!(missing.stderr.contains("the token: --token-file FILE"), "{missing:?}");
    write(&dir.path().join("agentapi-token"), TOKEN.as_bytes(), 0o400);
    let found = run(with_credentials());
    assert_eq!((found.status, found.stderr.as_str()), (Some(0), ""));
}

#[test]
fn an_argument_that_cannot_be_seen_is_repeated_escaped() {
    for arguments in [&["storage", "--no\u{202e}nse\u{1b}[2Jnse"][..], &["storage", "--log", "a=b=\u{202e}"]] {
        let outcome = run(command(arguments));
        assert_eq!(outcome.status, Some(2));
        assert!(outcome.stderr.contains(r"\u{202e}") && !outcome.stderr.contains('\u{202e}'), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains('\u{1b}'), "{:?}", outcome.stderr);
    }
}
