//! The order in which the component calls its host, which `docs/hosting.md` shows to those who write one.

mod noting_host;

use std::fs;
use std::path::Path;

use wasmtime::component::Val;

use self::noting_host::Noted;

const STORAGE: &str = r#"{"ok":true,"data":{"vmid":101}}"#;
const DONE: &str = r#"{"ok":true}"#;

/// A block of the page: the calls of an operation, a line each. What follows two blanks is for people.
fn documented(operation: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hosting.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) =
        page.split_once(&format!("```text calls of {operation}\n")).unwrap_or_else(|| panic!("{operation}"));
    let (block, _) = rest.split_once("```").unwrap();
    block.lines().map(|line| line.split("  ").next().unwrap_or_default().to_owned()).collect()
}

fn text(text: &str) -> Val {
    Val::String(text.into())
}

fn connected(blocks_in_get: bool) -> (Noted, Vec<String>) {
    let mut component = Noted::new(blocks_in_get);
    let arguments = [text("agent:8443"), text("stand-in"), Val::List(vec![text(&"ab".repeat(32))])];
    let (outcome, calls) = component.call("session", "connect", &arguments, "");
    assert_eq!(outcome, Val::Result(Ok(None)));
    (component, calls)
}

#[track_caller]
fn assert_succeeded(outcome: &Val) {
    assert!(matches!(outcome, Val::Result(Ok(_))), "{outcome:?}");
}

#[test]
fn connecting_pins_and_asks_nobody() {
    let (_, calls) = connected(false);
    assert_eq!(calls, documented("session.connect"));
}

#[test]
fn a_get_calls_as_the_page_says() {
    let (mut component, _) = connected(false);
    for _ in 0..2 {
        let (outcome, calls) = component.call("storage", "mounts", &[], STORAGE);
        assert_succeeded(&outcome);
        assert_eq!(calls, documented("storage.mounts"));
    }
}

#[test]
fn a_host_that_blocks_in_the_first_get_is_not_asked_to_wait() {
    let (mut component, _) = connected(true);
    let (outcome, calls) = component.call("storage", "mounts", &[], STORAGE);
    assert_succeeded(&outcome);
    let wait = ["subscribe", "pollable"];
    let mut expected = documented("storage.mounts");
    expected.retain(|call| !wait.iter().any(|word| call.contains(word)));
    // Of the two that the page shows, the second is the one after waiting.
    let second = expected.iter().rposition(|call| call.ends_with(".get")).unwrap();
    expected.remove(second);
    assert_eq!(calls, expected);
}

#[test]
fn a_post_writes_its_body_in_pieces_after_handle() {
    let (mut component, _) = connected(false);
    let options = text(&"o".repeat(5000));
    let assignment = Val::Record(
        [("uuid", text("1")), ("mount-path", text("/mnt")), ("fstype", text("ext4")), ("options", options)]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
    );
    let (outcome, calls) = component.call("disks", "assign", &[assignment], DONE);
    assert_succeeded(&outcome);
    assert_eq!(calls, documented("disks.assign"));
}
