//! `policy push`, `pull` and `inspect` with a real registry: Debian's `docker-registry`.

mod server;

use std::fs;

use agentapi_registry::sha256_hex;
use serde_json::{Value, json};

use crate::registry::server::Server;
use crate::trust::{EMPTY, Workshop, nightly};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

impl Workshop {
    /// The text of a failure, in one line.
    #[track_caller]
    fn refused(&self, line: &str, expected: &str) {
        let said = self.fail(line);
        assert!(said.contains(expected), "{line}: expected {expected:?}, found {said}");
    }

    fn digest(&self, line: &str) -> String {
        self.json(line)["digest"].as_str().unwrap().to_owned()
    }
}

#[test]
fn what_is_pushed_is_pulled_by_digest_and_verified_without_the_registry() {
    let (server, workshop) = (Server::start(), Workshop::new());
    let id = workshop.key("felhom.key");
    let at = format!("{}/team/nightly", server.host);
    let reference = workshop.succeed(&format!("push nightly.wasm {at}:1.0.0 --sign-key felhom.key"));
    let digest = reference.trim_end().strip_prefix(&format!("{at}@")).expect("the reference by digest").to_owned();
    assert_eq!(workshop.digest(&format!("push nightly.wasm {at}:again")), digest, "the same file, the same digest");

    let shown = workshop.json(&format!("inspect {at}:1.0.0"));
    let sha256 = sha256_hex(&nightly("1.0.0"));
    assert_eq!(
        (&shown["digest"], &shown["sha256"], &shown["size"]),
        (&json!(digest), &json!(sha256), &json!(nightly("1.0.0").len()))
    );
    assert_eq!(shown["manifest"]["wishes"], json!({ "functions": ["backup.due"], "limits": { "cpu_ms": 500 } }));
    assert_eq!(shown["signature"]["key"], json!(id));
    assert!(!workshop.path().join("nightly.wasm.from").exists(), "to look is not to pull");

    let line = format!("pull {at}@{digest} --out pulled.wasm --signed-by felhom.key.pub");
    let said = workshop.succeed(&line);
    let signed = format!("signed by key {id}: name=nightly version=1.0.0 sha256={sha256}");
    assert_eq!(said, format!("{at}@{digest}\n  pulled.wasm, {} bytes, {signed}\n", nightly("1.0.0").len()));
    drop(server);
    assert_eq!(workshop.read("pulled.wasm"), nightly("1.0.0"));
    assert_eq!(workshop.text("pulled.wasm.minisig"), workshop.text("nightly.wasm.minisig"));
    let origin = workshop.text("pulled.wasm.from");
    assert!(origin.starts_with(&format!("ref = \"{at}@{digest}\"\ndigest = \"{digest}\"\nwhen = \"20")), "{origin}");
    workshop.succeed("verify pulled.wasm --signed-by felhom.key.pub");
    let shown = workshop.succeed("inspect pulled.wasm");
    assert!(shown.contains(&format!("from         {digest} as {at}@{digest}\n")), "{shown}");
}

#[test]
fn a_tag_that_moved_is_refused_by_both_digests_until_somebody_allows_it() {
    let (server, workshop) = (Server::start(), Workshop::new());
    let at = format!("{}/nightly:1", server.host);
    let old = workshop.digest(&format!("push nightly.wasm {at}"));
    let pull = format!("pull {at}");
    assert_eq!(workshop.digest(&pull), old);
    assert_eq!(workshop.digest(&pull), old, "it has not moved");
    workshop.write("new.wasm", &nightly("2.0.0"));
    let new = workshop.digest(&format!("push new.wasm {at}"));
    assert_ne!(new, old);
    let said = workshop.fail(&pull);
    assert!(said.contains(&format!("the tag moved from {old} to {new}: {at}; nothing is written")), "{said}");
    assert_eq!(workshop.read("nightly.wasm"), nightly("1.0.0"));
    assert!(workshop.text("nightly.wasm.from").contains(&old));
    assert_eq!(workshop.digest(&format!("{pull} --allow-moved-tag")), new);
    assert_eq!(workshop.read("nightly.wasm"), nightly("2.0.0"));
    // What was pulled by digest is there as long as the registry keeps it.
    let by_digest = format!("pull {}/nightly@{old} --out old.wasm", server.host);
    assert_eq!(workshop.digest(&by_digest), old);
}

#[test]
fn an_extension_that_is_not_signed_as_asked_is_not_written() {
    let (server, workshop) = (Server::start(), Workshop::new());
    let (id, other) = (workshop.key("felhom.key"), workshop.key("other.key"));
    let at = format!("{}/nightly", server.host);
    let pull = |tag: &str| format!("pull {at}:{tag} --out pulled.wasm --signed-by felhom.key.pub");
    workshop.succeed(&format!("push nightly.wasm {at}:unsigned"));
    workshop.refused(&pull("unsigned"), &format!("expected a signature by key {id}, found none"));
    workshop.succeed(&format!("push nightly.wasm {at}:other --sign-key other.key"));
    workshop
        .refused(&pull("other"), &format!("unknown key: expected a signature by key {id}, found one by key {other}"));
    workshop.succeed("sign nightly.wasm --key felhom.key");
    let good = workshop.text("nightly.wasm.minisig");
    workshop.write("nightly.wasm.minisig", good.replace("1.0.0", "1.0.9").as_bytes());
    workshop.succeed(&format!("push nightly.wasm {at}:wrong"));
    workshop.refused(&pull("wrong"), &format!("wrong signature: it names key {id}, which did not make it"));
    workshop.write("nightly.wasm.minisig", good.as_bytes());
    workshop.write("nightly.wasm", &nightly("1.0.1"));
    workshop.succeed(&format!("push nightly.wasm {at}:changed"));
    workshop.refused(&pull("changed"), &format!("changed bytes: the signature by key {id} is for other bytes"));
    let names: Vec<_> = fs::read_dir(workshop.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_str().unwrap().starts_with("pulled")), "{names:?}");
}

#[test]
fn what_the_registry_changes_is_noticed() {
    let (server, workshop) = (Server::start(), Workshop::new());
    let at = format!("{}/nightly", server.host);
    let digest = workshop.digest(&format!("push nightly.wasm {at}:1"));
    let wasm = format!("sha256:{}", sha256_hex(&nightly("1.0.0")));
    let mut changed = nightly("1.0.0");
    *changed.last_mut().unwrap() ^= 1;
    fs::write(server.blob(&wasm), &changed).unwrap();
    workshop.refused(
        &format!("pull {at}:1 --out pulled.wasm"),
        &format!("expected the digest {wasm}, found sha256:{}", sha256_hex(&changed)),
    );
    // The manifest: the registry names it by its digest, and gives another.
    let file = server.blob(&digest);
    let manifest = fs::read_to_string(&file).unwrap();
    fs::write(file, manifest.replace("1.0.0", "1.0.1")).unwrap();
    workshop.refused(
        &format!("pull {at}@{digest} --out pulled.wasm"),
        &format!("expected the digest {digest}, found sha256:"),
    );
    assert!(!workshop.path().join("pulled.wasm").exists());
}

/// A manifest as the layout of the CNCF's working group has it, with the config that is given.
fn manifest(server: &Server, config_type: &str, config: &[u8], wasm: &[u8]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": config_type, "digest": server.upload("theirs", config), "size": config.len() },
        "layers": [{ "mediaType": "application/wasm", "digest": server.upload("theirs", wasm), "size": wasm.len() }],
    })
}

#[test]
fn what_another_tool_pushed_in_the_common_layout_is_pulled() {
    let (server, workshop) = (Server::start(), Workshop::new());
    let config = json!({
        "created": "2024-09-25T12:00:00.123456789Z", "author": "Ada", "architecture": "wasm", "os": "wasip2",
        "layerDigests": [format!("sha256:{}", sha256_hex(EMPTY))],
        "component": { "exports": ["felhom:agentapi/policy@0.2.0"], "imports": [], "target": null },
    });
    let mut new = manifest(&server, "application/vnd.wasm.config.v0+json", config.to_string().as_bytes(), EMPTY);
    new["annotations"] =
        json!({ "org.opencontainers.image.version": "0.3.0", "org.opencontainers.image.licenses": "MIT" });
    let digest = server.put("theirs", "new", MANIFEST, &new);
    let at = format!("{}/theirs", server.host);
    assert_eq!(workshop.digest(&format!("pull {at}:new")), digest);
    assert_eq!(workshop.read("theirs.wasm"), EMPTY);
    let shown = workshop.json(&format!("inspect {at}:new"));
    assert_eq!((&shown["manifest"]["version"], &shown["manifest"]["licenses"]), (&json!("0.3.0"), &json!("MIT")));
    let mut old = manifest(&server, "application/vnd.wasm.config.v1+json", b"{}", EMPTY);
    old.as_object_mut().unwrap().remove("mediaType");
    let digest = server.put("theirs", "old", MANIFEST, &old);
    assert_eq!(workshop.digest(&format!("pull {at}:old --out old.wasm")), digest);
}

#[test]
fn what_is_no_extension_is_refused_by_name() {
    let (server, workshop) = (Server::start(), Workshop::new());
    let at = format!("{}/theirs", server.host);
    let good = manifest(&server, "application/vnd.wasm.config.v0+json", b"{}", EMPTY);
    let refused = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut changed = good.clone();
        change(&mut changed);
        server.put("theirs", "wrong", MANIFEST, &changed);
        workshop.refused(&format!("pull {at}:wrong"), expected);
    };
    let layer = good["layers"][0].clone();
    refused(&|m| m["layers"] = json!([layer, layer]), "expected exactly one layer, found 2");
    refused(
        &|m| m["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar"),
        "expected a layer of the type application/wasm, found application/vnd.oci.image.layer.v1.tar",
    );
    refused(
        &|m| m["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json"),
        "expected a config of the type application/vnd.wasm.config.v0+json, found application/vnd.oci.image.config.v1+json",
    );
    refused(&|m| m["layers"][0]["size"] = json!(300 << 20), "expected up to 268435456 bytes, found more");
    refused(&|m| m["layers"][0]["size"] = json!(7), "expected 7 bytes, found 8");
    let text = manifest(&server, "application/vnd.wasm.config.v0+json", b"{}", b"text");
    server.put("theirs", "text", MANIFEST, &text);
    workshop.refused(&format!("pull {at}:text"), "expected a WebAssembly component, found something else");
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "mediaType": MANIFEST, "digest": server.put("theirs", "good", MANIFEST, &good), "size": good.to_string().len() }],
    });
    server.put("theirs", "index", "application/vnd.oci.image.index.v1+json", &index);
    workshop.refused(&format!("pull {at}:index"), "expected a manifest of the type application/vnd.oci.image.manifest.v1+json, found application/vnd.oci.image.index.v1+json");
    assert!(!workshop.path().join("theirs.wasm").exists());
}

#[test]
fn what_is_not_there_and_what_nobody_answers_are_told_apart() {
    let (server, workshop) = (Server::start(), Workshop::new());
    let at = format!("{}/nothing:1", server.host);
    workshop.refused(&format!("pull {at}"), &format!("{at} is not in the registry"));
    workshop.refused(&format!("inspect {at}"), &format!("{at} is not in the registry"));
    let host = server.host.clone();
    drop(server);
    workshop.refused(&format!("pull {at}"), &format!("{host} cannot be asked"));
    for (line, expected) in [
        ("pull nightly:1".to_owned(), "expected HOST/NAME:TAG or HOST/NAME@sha256:.., found \"nightly:1\""),
        (format!("push nightly.wasm a.b/c@sha256:{}", "0".repeat(64)), "expected HOST/NAME:TAG, found a digest"),
        ("inspect nothing.wasm".to_owned(), "nothing.wasm is no file, and no place in a registry"),
    ] {
        let outcome = workshop.policy(&line);
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(expected), "{outcome:?}");
    }
}

#[test]
fn a_registry_that_asks_who_it_is_takes_credentials_from_docker_and_from_options() {
    let workshop = Workshop::new();
    // The password is s3cret.
    workshop.write("users", b"ada:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n");
    let users = workshop.path().join("users");
    let server = Server::with(&format!("auth: {{ htpasswd: {{ realm: test, path: '{}' }} }}\n", users.display()));
    let at = format!("{}/nightly:1", server.host);
    workshop.refused(
        &format!("push nightly.wasm {at}"),
        "refuses access: expected credentials in docker's configuration or by --username, found none",
    );
    workshop.secret("password", "s3cret\n");
    workshop.secret("other", "other\n");
    workshop.refused(
        &format!("push nightly.wasm {at} --username ada --password-file other"),
        "found some that it does not accept",
    );
    workshop.succeed(&format!("push nightly.wasm {at} --username ada --password-file password"));
    workshop.refused(&format!("pull {at}"), "found none");
    fs::create_dir(workshop.path().join(".docker")).unwrap();
    // ada:s3cret
    let configuration = json!({ "auths": { server.host.as_str(): { "auth": "YWRhOnMzY3JldA==" } } });
    workshop.write(".docker/config.json", configuration.to_string().as_bytes());
    workshop.succeed(&format!("pull {at}"));
}
