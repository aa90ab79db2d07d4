use jiff::tz::TimeZone;
use ssh_key::PublicKey;

use super::AllowedSigners;
use crate::signed::Refusal;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti a comment";
/// For what no key is ever asked.
const NAMESPACE: &str = "agentapi-order";

fn parse(text: &str) -> Result<AllowedSigners, (usize, String)> {
    AllowedSigners::parse(text, &TimeZone::get("Europe/Berlin").unwrap())
}

/// Whether the key may sign as this name at this time.
fn may_sign(line: &str, name: &str, at: &str) -> Result<bool, Refusal> {
    let key = PublicKey::from_openssh(KEY).unwrap();
    parse(line).unwrap().may_sign(key.key_data(), name, NAMESPACE, at.parse().unwrap())
}

#[test]
fn a_key_signs_as_its_principals_in_its_namespaces_at_its_time() {
    let now = "2026-11-27T12:00:00Z";
    for (line, name, expected) in [
        (format!("alice {KEY}"), "alice", true),
        (format!("alice {KEY}"), "bob", false),
        (format!("\t alice,bob   {KEY}\r"), "bob", true),
        (format!("\"alice\" {KEY}"), "alice", true),
        (format!("*@example.org,!eve@* {KEY}"), "eve@example.org", false),
        (format!("alice namespaces=\"file,agentapi-*\" {KEY}"), "alice", true),
        (format!("alice NAMESPACES=agentapi-order {KEY}"), "alice", true),
        (format!("alice valid-after=\"20261127\",valid-before=\"20261128\" {KEY}"), "alice", true),
        (format!("alice valid-after=\"202611271200Z\" {KEY}"), "alice", true),
        (format!("alice valid-after=\"20261127120001Z\" {KEY}"), "alice", false),
        (format!("alice valid-before=\"202611271159Z\" {KEY}"), "alice", false),
        // Without a Z by the zone's clock, which is an hour ahead.
        (format!("alice valid-before=\"202611271259\" {KEY}"), "alice", false),
        (format!("alice valid-before=\"202611271300\" {KEY}"), "alice", true),
        // One line for this, one for that.
        (format!("alice namespaces=\"file\" {KEY}\nalice namespaces=\"agentapi-order\" {KEY}"), "alice", true),
        ("# nobody\n\n".to_owned(), "alice", false),
    ] {
        assert_eq!(may_sign(&line, name, now), Ok(expected), "{line}");
    }
    let found = "a key for file,git alone".to_owned();
    let refused = may_sign(&format!("alice namespaces=\"file,git\" {KEY}"), "alice", now);
    assert_eq!(refused, Err(Refusal::WrongNamespace { expected: NAMESPACE, found }));
}

#[test]
fn a_wrong_line_is_named_with_what_was_expected() {
    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCy88GdCHvCZF/fwj5MdD2s7gkfJY0+Z8v8TZjkESfQsKZyc0tlONwC/K7uI2Mx9S+dRO1gGDLmS93PlkvwDfDP15k3e53YWOCvnqVfGxKtWfM+BA1fTVlVEhqlACwlhJngbWAZTVdZIQnoDqAEo/x1jK7eac8E7BlFb05kmPcJrQ==";
    for (line, expected) in [
        ("alice".to_owned(), "found \"nothing\""),
        (KEY.to_owned(), "expected principals, options, and a key as in a .pub file"),
        (format!("alice cert-authority {KEY}"), "found a cert-authority"),
        (format!("alice namespaces=\"a\",cert-authority {KEY}"), "found a cert-authority"),
        (format!("alice colour=\"red\" {KEY}"), "found \"colour=\\\"red\\\"\""),
        (format!("alice namespaces=\"\" {KEY}"), "expected namespaces"),
        (
            format!("alice valid-after=\"tomorrow\" {KEY}"),
            "expected YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z], found \"tomorrow\"",
        ),
        (format!("alice valid-after=\"20261301\" {KEY}"), "found \"20261301\""),
        (format!("alice valid-after=\"20260102\",valid-before=\"20260101\" {KEY}"), "before valid-before"),
        (format!("alice namespaces=\"a {KEY}"), "expected a second '\"'"),
        (format!("alice {rsa}"), "expected ed25519 or ecdsa-sha2-nistp256"),
        ("alice ssh-ed25519 AAAA".to_owned(), "found \"ssh-ed25519\""),
    ] {
        let (number, text) = parse(&format!("# first\n\nbob {KEY}\n{line}\n")).unwrap_err();
        assert_eq!(number, 4, "{line}");
        assert!(text.contains(expected), "{line}: {text}");
    }
}

#[test]
fn a_file_that_is_not_there_or_wrong_says_so_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signers");
    let missing = AllowedSigners::read(&file).unwrap_err().to_string();
    assert_eq!(missing, format!("{} cannot be read", file.display()));
    std::fs::write(&file, format!("alice {KEY}\nbob\n")).unwrap();
    let wrong = AllowedSigners::read(&file).unwrap_err().to_string();
    assert!(wrong.starts_with(&format!("{}:2: expected ", file.display())), "{wrong}");
}
