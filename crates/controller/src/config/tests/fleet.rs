//! `[fleet]`: what the file says is wrong with it.

use std::fs;
use std::os::unix::fs::symlink;

use super::{AGENT, Folder};
use crate::config::fleet::chosen;

/// An extension `e` in `a.wasm`, and a fleet, with more keys of each.
fn text(extension: &str, fleet: &str) -> String {
    format!(
        "{AGENT}[state]\nfolder = \"state\"\n[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\n{extension}\n[fleet]\n\
         server = \"a\"\nfingerprints = [\"{}\"]\nkey_file = \"secret\"\nhost = \"pve1\"\n{fleet}\n",
        "3f".repeat(32)
    )
}

#[test]
fn a_fleet_that_changes_an_extension_needs_somebody_who_signs_it_and_no_digest() {
    let folder = Folder::new();
    let digest = format!("sha256 = \"{}\"\nsigned_by = \"x\"", "3f".repeat(32));
    for (extension, fleet, part) in [
        ("", "extensions = [\"e\"]", "extension.signed_by: expected a key for an extension that [fleet] may change"),
        (digest.as_str(), "extensions = [\"e\"]", "expected no digest of an extension that [fleet] may change"),
        ("", "extensions = [\"f\"]", "fleet.extensions: expected names of extensions in this file, found \"f\""),
        ("", "ring = 10", "fleet.ring: expected a ring from 1 to 9, found 10"),
        ("", "slots = \"a.b\"", "fleet.slots: expected up to 63 letters"),
        ("", "coordinator = true", "fleet.coordinator: expected coordinator_key_file beside it"),
        ("", "coordinator_key_file = \"secret\"", "expected coordinator = true beside it"),
    ] {
        let mistakes = folder.mistakes(&text(extension, fleet)).join("\n");
        assert!(mistakes.contains(part), "{mistakes}");
    }
}

#[test]
fn what_is_missing_or_is_no_part_of_a_subject_is_said_once() {
    let folder = Folder::new();
    let mistakes = folder.mistakes(&text("", "").replace("host = \"pve1\"", ""));
    let expected = "fleet.host: expected the name of the host that this guest is on, found none";
    assert!(mistakes.len() == 1 && mistakes[0].ends_with(expected), "{mistakes:#?}");
    let mistakes = folder.mistakes(&format!("guest = \"a.b\"\n{}", text("", "")));
    let expected = "fleet: as the guest's name in a fleet, expected up to 63 letters, digits, '-' and '_', the first a letter or digit, found \"a.b\"";
    assert!(mistakes.len() == 1 && mistakes[0].ends_with(expected), "{mistakes:#?}");
}

#[test]
fn what_a_fleet_has_chosen_takes_the_place_of_the_file_and_is_not_passed_over_where_it_cannot_be_looked_up() {
    let folder = Folder::new();
    let text =
        text(r#"signed_by = ["RWRlvaRV70CpJZFNEgC8x3LzVapHGsbk9afKMYEGw/vP9a9tRWCmkcx/"]"#, "extensions = [\"e\"]");
    let file = || folder.config(&text).live.extensions[0].file.clone();
    assert_eq!(file(), folder.file("a.wasm"), "nothing is chosen");
    let link = chosen(&folder.file("state"), "e");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(folder.file("b.wasm"), &link).unwrap();
    assert_eq!(file(), folder.file("b.wasm").canonicalize().unwrap());
    fs::remove_file(&link).unwrap();
    symlink("e.wasm", &link).unwrap();
    let mistakes = folder.mistakes(&text).join("\n");
    let expected =
        "extension.file: expected what the fleet has chosen, or nothing, at state/fleet/e.wasm, found: Too many";
    assert!(mistakes.contains(expected), "{mistakes}");
}
