//! `[fleet]`: what the file says is wrong with it.

use super::{AGENT, Folder};

#[test]
fn a_fleet_that_changes_an_extension_needs_somebody_who_signs_it_and_no_digest() {
    let folder = Folder::new();
    let text = |extension: &str, fleet: &str| {
        format!(
            "{AGENT}[[extension]]\nname = \"e\"\nfile = \"a.wasm\"\n{extension}\n[fleet]\nserver = \"a\"\n\
             fingerprints = [\"{}\"]\nkey_file = \"secret\"\nhost = \"pve1\"\n{fleet}\n",
            "3f".repeat(32)
        )
    };
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
