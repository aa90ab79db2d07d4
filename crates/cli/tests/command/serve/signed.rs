//! `signed_by`: an extension that is not signed as the configuration says is neither started with nor reloaded to.

use std::fs;

use agentapi_registry::{Manifest, embed};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Fixture, command, run, wait_until};

const BACKUP_LOOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host-harness/component/backup_loop.wasm");

impl Fixture {
    /// The bytes of an extension that can be loaded, of this version.
    fn extension(version: &str) -> Vec<u8> {
        let manifest = Manifest { version: Some(version.to_owned()), ..Manifest::default() };
        embed(&fs::read(BACKUP_LOOP).unwrap(), &manifest).unwrap()
    }

    #[track_caller]
    fn policy(&self, arguments: &[&str]) {
        let mut command = command(&[&["policy"], arguments].concat());
        command.current_dir(self.path(""));
        let outcome = run(command);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }

    fn sign(&self, key: &str) {
        self.policy(&["sign", "nightly.wasm", "--key", key]);
    }

    /// With the keys of the whole file before its first table.
    fn configure_signed(&self, signed_by: &str) {
        self.configure("[[extension]]\nname = \"nightly\"\nfile = 'nightly.wasm'\nungranted = \"deny\"\n");
        let file = self.path("controller.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("signed_by = [\"{signed_by}\"]\n{text}")).unwrap();
    }

    fn events(&self, kind: &str) -> Vec<String> {
        let (_, answer) = self.get("/v1/events?limit=1000");
        let events = answer["events"].as_array().unwrap().iter().filter(|event| event["kind"] == kind);
        events.map(Value::to_string).collect()
    }
}

#[test]
fn an_extension_that_is_not_signed_as_configured_is_refused_by_name_at_the_start() {
    let fixture = Fixture::start();
    fixture.policy(&["keygen", "ours", "--no-password"]);
    fixture.policy(&["keygen", "other", "--no-password"]);
    fs::write(fixture.path("nightly.wasm"), Fixture::extension("1")).unwrap();
    fixture.configure_signed("ours.pub");
    let refused = |expected: &str| {
        let said = fixture.refuse_to_serve(1);
        assert!(said.contains("extension nightly is not trusted") && said.contains(expected), "{expected}: {said}");
    };
    refused("expected a signature by key");
    fixture.sign("other");
    refused("unknown key: expected a signature by key");
    fixture.sign("ours");
    fs::write(fixture.path("nightly.wasm"), Fixture::extension("2")).unwrap();
    refused("changed bytes: the signature by key");
    let file = fixture.path("nightly.wasm.minisig");
    let forged = fs::read_to_string(&file).unwrap().replace("version=1", "version=2");
    fs::write(&file, forged).unwrap();
    refused("wrong signature: it names key");
    assert!(fixture.agent.requests().is_empty());
    fixture.sign("ours");
    let mut controller = fixture.serve();
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}

#[test]
fn a_changed_extension_is_taken_up_when_its_signature_comes_and_not_before() {
    let fixture = Fixture::start();
    fixture.policy(&["keygen", "ours", "--no-password"]);
    fs::write(fixture.path("nightly.wasm"), Fixture::extension("1")).unwrap();
    fixture.sign("ours");
    fixture.configure_signed("ours.pub");
    let mut controller = fixture.serve();
    let before = fixture.get("/v1/config").1["extension"][0]["signed_by"].clone();
    assert_eq!(before.as_array().map(Vec::len), Some(1), "{before}");
    fs::write(fixture.path("nightly.wasm"), Fixture::extension("2")).unwrap();
    // Nobody asks for it: the files are looked at.
    wait_until("it is refused", || !fixture.events("reload-refused").is_empty());
    let refused = fixture.events("reload-refused").concat();
    assert!(refused.contains("extension nightly is not trusted: changed bytes: the signature by key"), "{refused}");
    assert!(fixture.events("reloaded").is_empty());
    fixture.sign("ours");
    wait_until("it is taken up", || !fixture.events("reloaded").is_empty());
    fs::remove_file(fixture.path("nightly.wasm.minisig")).unwrap();
    wait_until("that is refused too", || fixture.events("reload-refused").len() == 2);
    assert!(fixture.events("reload-refused").concat().contains("found none: there is no"));
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
}
