//! The public API of the libraries is the one in `docs/api`.
//!
//! A change there is a change for somebody: it is looked at like any other line. `tools/update-public-api` writes the lists.

use std::fs;
use std::path::{Path, PathBuf};

use public_api::Builder;

use crate::support::{alone, cargo, output_of, root, script};

const LIBRARIES: [&str; 4] = ["agentapi-contract", "agentapi-host", "agentapi-mock", "agentapi-quiesce"];

#[test]
fn the_public_api_is_the_one_that_is_written_down() {
    let _alone = alone();
    let documents = document_as_json();
    let mut changed = Vec::new();
    for library in LIBRARIES {
        let document = documents.join(library.replace('-', "_") + ".json");
        let api = Builder::from_rustdoc_json(&document).omit_auto_trait_impls(true).omit_blanket_impls(true).build();
        let api = api.unwrap().to_string();
        assert!(api.lines().count() > 10, "{library}: {api}");
        let written = root().join("docs/api").join(library.to_string() + ".txt");
        if std::env::var_os("AGENTAPI_UPDATE_PUBLIC_API").is_some() {
            fs::create_dir_all(written.parent().unwrap()).unwrap();
            fs::write(&written, &api).unwrap();
        }
        let expected = fs::read_to_string(&written).unwrap_or_default();
        changed.extend(differences(&expected, &api).map(|line| format!("{library}: {line}")));
    }
    assert!(changed.is_empty(), "{}\nif that is meant, type: tools/update-public-api", changed.join("\n"));
}

/// A new major version of one of these must not be one of ours. What wasmtime derives for the records is no signature.
#[test]
fn no_type_of_wasmtime_toml_or_tokio_is_in_a_signature_of_the_host() {
    let api = fs::read_to_string(root().join("docs/api/agentapi-host.txt")).unwrap();
    let mut signatures = api.lines().filter(|line| !line.starts_with("impl "));
    let is_foreign = |line: &&str| ["wasmtime", "toml::", "tokio::", "RawValue"].iter().any(|name| line.contains(name));
    assert!(signatures.clone().count() > 100, "{api}");
    assert_eq!(signatures.find(is_foreign), None);
}

/// Lines that are in one text only. Both are sorted lists, without a line twice.
fn differences<'a>(expected: &'a str, found: &'a str) -> impl Iterator<Item = String> + 'a {
    let gone =
        expected.lines().filter(|line| !found.lines().any(|other| other == *line)).map(|line| format!("- {line}"));
    let new =
        found.lines().filter(|line| !expected.lines().any(|other| other == *line)).map(|line| format!("+ {line}"));
    gone.chain(new)
}

/// What rustdoc knows of the libraries, as JSON files in the folder that is returned.
fn document_as_json() -> PathBuf {
    // rustdoc writes JSON only where unstable options are allowed. They are not allowed by cargo's own environment: build
    // scripts look for that variable, and everything would be built again.
    let rustdoc = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rustdoc-for-json");
    script(&rustdoc, "RUSTC_BOOTSTRAP=1 exec rustdoc \"$@\" -Zunstable-options --output-format=json");
    let mut doc = cargo(&root());
    doc.args(["doc", "--locked", "--no-deps", "--lib"]).env("RUSTDOC", rustdoc);
    output_of(doc.args(LIBRARIES.iter().flat_map(|library| ["--package", library])));
    // Where the crates are checked for clippy and the other docs, so that they are checked once.
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../doc")
}
