//! `policy keygen`, `sign`, `verify` and `inspect`, in every build, beside the tool `minisign`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use agentapi_registry::{Manifest, Wishes, embed, sha256_hex};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Outcome, command, one_line_of_json, run};

/// A component with nothing in it.
pub(crate) const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

/// A folder in which commands run, with an extension that says what it is.
pub(crate) struct Workshop(TempDir);

impl Workshop {
    pub(crate) fn new() -> Self {
        let workshop = Self(tempfile::tempdir().unwrap());
        workshop.write("nightly.wasm", &nightly("1.0.0"));
        workshop
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    /// Writes a file that others may not read.
    pub(crate) fn secret(&self, name: &str, text: &str) {
        self.write(name, text.as_bytes());
        fs::set_permissions(self.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn policy(&self, line: &str) -> Outcome {
        let words = shlex::split(line).unwrap();
        let words: Vec<_> = ["policy"].into_iter().chain(words.iter().map(String::as_str)).collect();
        let mut command = command(&words);
        // Docker's configuration is looked for in it.
        command.current_dir(self.path()).env("HOME", self.path());
        run(command)
    }

    #[track_caller]
    pub(crate) fn succeed(&self, line: &str) -> String {
        let outcome = self.policy(line);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{line}: {outcome:?}");
        outcome.stdout
    }

    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> Value {
        one_line_of_json(&self.succeed(&format!("{line} --json")))
    }

    /// What a command that must fail says, without the line breaks of its presentation.
    #[track_caller]
    pub(crate) fn fail(&self, line: &str) -> String {
        let outcome = self.policy(line);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{line}: {outcome:?}");
        outcome.stderr
    }

    /// Makes a key without a password and returns its number.
    pub(crate) fn key(&self, name: &str) -> String {
        self.json(&format!("keygen {name} --no-password"))["key"].as_str().unwrap().to_owned()
    }

    fn minisign(&self, arguments: &[&str], input: &str) -> bool {
        use std::io::Write;
        let mut minisign = Command::new("minisign");
        minisign
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut minisign = minisign.spawn().expect("minisign, of the package of this name");
        // It may need no input, and end before it could read any. Whether all was well, its status says.
        let _ = minisign.stdin.take().unwrap().write_all(input.as_bytes());
        minisign.wait().unwrap().success()
    }
}

/// An extension of this version.
pub(crate) fn nightly(version: &str) -> Vec<u8> {
    let wishes = Wishes {
        functions: vec!["backup.due".into()],
        limits: [("cpu_ms".to_owned(), 500)].into(),
        ..Wishes::default()
    };
    let text = |text: &str| Some(text.to_owned());
    let (name, version, description) = (text("nightly"), text(version), text("Says whether a backup is due"));
    embed(EMPTY, &Manifest { name, version, description, wishes, ..Manifest::default() }).unwrap()
}

#[test]
fn what_is_signed_is_verified_with_who_signed_it_and_what_they_say() {
    let workshop = Workshop::new();
    let id = workshop.key("felhom.key");
    let mode = fs::metadata(workshop.path().join("felhom.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let comment = format!("name=nightly version=1.0.0 sha256={} of ours", sha256_hex(&nightly("1.0.0")));
    let signed = workshop.json("sign nightly.wasm --key felhom.key --comment 'of ours'");
    let expected =
        json!({ "file": "nightly.wasm", "signature": "nightly.wasm.minisig", "key": id, "trusted_comment": comment });
    assert_eq!(signed, expected);
    let verified = format!("nightly.wasm by key {id}\n  {comment}\n");
    assert_eq!(workshop.succeed("verify nightly.wasm --signed-by felhom.key.pub"), verified);
    // The key itself, and one of several.
    workshop.key("other.key");
    let word = workshop.text("felhom.key.pub").lines().nth(1).unwrap().to_owned();
    assert_eq!(
        workshop.succeed(&format!("verify nightly.wasm --signed-by other.key.pub --signed-by {word}")),
        verified
    );
}

#[test]
fn a_wrong_signature_changed_bytes_an_unknown_key_and_no_signature_are_told_apart() {
    let workshop = Workshop::new();
    let (id, other) = (workshop.key("felhom.key"), workshop.key("other.key"));
    let verify = "verify nightly.wasm --signed-by felhom.key.pub";
    let missing = format!(
        "error: nightly.wasm is not trusted\n  caused by: expected a signature by key {id}, found none: there is no nightly.wasm.minisig\n"
    );
    assert_eq!(workshop.fail(verify), missing);
    workshop.succeed("sign nightly.wasm --key felhom.key");
    let unknown = workshop.fail("verify nightly.wasm --signed-by other.key.pub");
    assert!(
        unknown.contains(&format!("unknown key: expected a signature by key {other}, found one by key {id}\n")),
        "{unknown}"
    );
    let good = workshop.text("nightly.wasm.minisig");
    workshop.write("nightly.wasm.minisig", good.replace("version=1.0.0", "version=9.9.9").as_bytes());
    let wrong = workshop.fail(verify);
    assert!(wrong.contains(&format!("wrong signature: it names key {id}, which did not make it\n")), "{wrong}");
    workshop.write("nightly.wasm.minisig", good.as_bytes());
    workshop.write("nightly.wasm", &nightly("1.0.1"));
    let changed = workshop.fail(verify);
    let (before, now) = (sha256_hex(&nightly("1.0.0")), sha256_hex(&nightly("1.0.1")));
    let expected = format!(
        "changed bytes: the signature by key {id} is for other bytes (name=nightly version=1.0.0 sha256={before}), found sha256={now}\n"
    );
    assert!(changed.contains(&expected), "{changed}");
    workshop.write("nightly.wasm.minisig", b"text");
    assert!(workshop.fail(verify).contains("expected a signature of minisign in four lines, found something else"));
    let as_json: Value = serde_json::from_str(&workshop.fail(&format!("{verify} --json"))).unwrap();
    assert!(as_json["message"].as_str().unwrap().starts_with("nightly.wasm is not trusted: expected a signature"));
}

#[test]
fn the_tool_minisign_checks_our_signatures_and_we_check_its() {
    let workshop = Workshop::new();
    workshop.secret("password", "pass word\n");
    for name in ["plain", "locked"] {
        let option = if name == "plain" { "--no-password" } else { "--key-password-file password" };
        workshop.succeed(&format!("keygen {name} {option}"));
        let (key, public) = (name.to_owned(), format!("{name}.pub"));
        workshop.succeed(&format!("sign nightly.wasm --key {key} --key-password-file password"));
        assert!(workshop.minisign(&["-V", "-m", "nightly.wasm", "-p", &public], ""), "{name}: our key, our signature");
        fs::remove_file(workshop.path().join("nightly.wasm.minisig")).unwrap();
        assert!(
            workshop.minisign(&["-S", "-m", "nightly.wasm", "-s", &key], "pass word\n"),
            "{name}: our key, its signature"
        );
        workshop.succeed(&format!("verify nightly.wasm --signed-by {public}"));
    }
    assert!(workshop.minisign(&["-G", "-W", "-p", "its.pub", "-s", "its.key"], ""));
    assert!(workshop.minisign(&["-G", "-p", "its2.pub", "-s", "its2.key"], "pass word\npass word\n"));
    for name in ["its", "its2"] {
        workshop.succeed(&format!("sign nightly.wasm --key {name}.key --key-password-file password"));
        workshop.succeed(&format!("verify nightly.wasm --signed-by {name}.pub"));
        assert!(workshop.minisign(&["-V", "-m", "nightly.wasm", "-p", &format!("{name}.pub")], ""), "{name}: its key");
    }
}

#[test]
fn a_key_that_cannot_be_used_signs_nothing() {
    let workshop = Workshop::new();
    workshop.secret("password", "right");
    workshop.secret("wrong", "wrong");
    workshop.succeed("keygen locked --key-password-file password");
    let before = workshop.text("locked");
    let again = workshop.fail("keygen locked --key-password-file password");
    assert!(again.contains("locked cannot be written") && again.contains("File exists"), "{again}");
    assert_eq!(workshop.text("locked"), before);
    let wrong = workshop.fail("sign nightly.wasm --key locked --key-password-file wrong");
    assert!(wrong.contains("the key cannot be opened: wrong password, or a damaged file"), "{wrong}");
    let public = workshop.fail("sign nightly.wasm --key locked.pub");
    assert!(public.contains("expected a secret key of minisign in two lines, found something else"), "{public}");
    let nobody = workshop.policy("sign nightly.wasm --key locked");
    assert_eq!(nobody.status, Some(2), "{nobody:?}");
    assert!(nobody.stderr.contains("nobody is asked here: give --key-password-file"), "{nobody:?}");
    workshop.write("text.wasm", b"text");
    let text = workshop.fail("sign text.wasm --key locked --key-password-file password");
    assert!(text.contains("text.wasm is no extension") && text.contains("expected a WebAssembly component"), "{text}");
    assert!(
        !workshop.path().join("nightly.wasm.minisig").exists() && !workshop.path().join("text.wasm.minisig").exists()
    );
}

#[test]
fn a_file_says_what_it_is_and_nothing_runs() {
    let workshop = Workshop::new();
    let sha256 = sha256_hex(&nightly("1.0.0"));
    let expected = |signature: &str| {
        format!(
            "name         nightly\nversion      1.0.0\ndescription  Says whether a backup is due\nfunctions    backup.due\n\
             limits       cpu_ms = 500\nsize         {} bytes\nsha256       {sha256}\nsignature    {signature}\n",
            nightly("1.0.0").len()
        )
    };
    assert_eq!(workshop.succeed("inspect nightly.wasm"), expected("none"));
    let id = workshop.key("k");
    workshop.succeed("sign nightly.wasm --key k");
    let says = format!("says key {id}, which `verify` checks: name=nightly version=1.0.0 sha256={sha256}");
    assert_eq!(workshop.succeed("inspect nightly.wasm"), expected(&says));
    let json = workshop.json("inspect nightly.wasm");
    assert_eq!((&json["sha256"], &json["signature"]["key"]), (&json!(sha256), &json!(id)));
    assert_eq!(json["manifest"]["wishes"], json!({ "functions": ["backup.due"], "limits": { "cpu_ms": 500 } }));
    // What somebody has put into a name is shown and not obeyed.
    let odd = Manifest { description: Some("\u{1b}[31mred\n".into()), ..Manifest::default() };
    workshop.write("odd.wasm", &embed(EMPTY, &odd).unwrap());
    assert!(workshop.succeed("inspect odd.wasm").starts_with("description  \\u{1b}[31mred\\n\n"));
}

#[cfg(not(feature = "registry"))]
#[test]
fn without_registries_the_commands_say_which_feature_is_missing() {
    let workshop = Workshop::new();
    for line in ["push nightly.wasm a.b/c:1", "pull a.b/c:1", "inspect a.b/c:1"] {
        let said = workshop.fail(line);
        let expected =
            "this build asks no registries: it lacks the feature registry of agentapi-cli, which releases have";
        assert!(said.contains(expected), "{line}: {said}");
    }
}
