//! What the workspace depends on, and what the host library brings to those who embed it.

use std::collections::BTreeSet;
use std::fs;

use serde::Deserialize;

use crate::deny::{Package, Rules};
use crate::support::{cargo, output_of, root};

/// What only a command or a mock agent needs, and each other way to speak HTTP or TLS.
const NOT_IN_THE_HOST: [&str; 24] = [
    "attohttpc",
    "awc",
    "aws-lc-rs",
    "axum",
    "clap",
    "comfy-table",
    "curl",
    "hyper-rustls",
    "hyper-tls",
    "indicatif",
    "isahc",
    "minreq",
    "native-tls",
    "openssl",
    "rcgen",
    "regex",
    "reqwest",
    "rustls-native-certs",
    "rustls-platform-verifier",
    "surf",
    "tracing-subscriber",
    "ureq",
    "webpki-root-certs",
    "webpki-roots",
];

/// As many crates an embedder compiles at most: a few more than there are, for what dependencies split off.
const CRATES_OF_THE_HOST: usize = 200;

#[test]
fn every_dependency_may_be_used() {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
        workspace_root: String,
    }

    let rules = Rules::parse(&fs::read_to_string(root().join("deny.toml")).unwrap()).unwrap();
    let metadata = output_of(cargo(&root()).args(["metadata", "--locked", "--all-features", "--format-version", "1"]));
    let metadata: Metadata = serde_json::from_str(&metadata).unwrap();
    assert!(metadata.packages.len() > 200, "only {} packages", metadata.packages.len());
    let mut refused = Vec::new();
    for package in &metadata.packages {
        for refusal in rules.refusals(package, &metadata.workspace_root) {
            refused.push(format!("{} {} {refusal}", package.name, package.version));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn the_host_brings_no_command_no_mock_agent_and_no_other_http_client() {
    let names = names_below("agentapi-host");
    assert!(names.contains("wasmtime") && names.contains("rustls"), "{names:?}");
    println!("agentapi-host and its dependencies: {} crates", names.len());
    assert!(names.len() <= CRATES_OF_THE_HOST, "{} crates", names.len());
    let found: Vec<_> = NOT_IN_THE_HOST.into_iter().filter(|name| names.contains(*name)).collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn the_controller_checks_signatures_and_brings_no_client_of_registries() {
    let names = names_below("agentapi-controller");
    assert!(names.contains("agentapi-registry") && names.contains("minisign-verify"), "{names:?}");
    let found: Vec<_> = ["hyper-rustls", "minisign", "oci-client", "reqwest"]
        .into_iter()
        .filter(|name| names.contains(*name))
        .collect();
    assert_eq!(found, [""; 0]);
}

/// A package and all that it is built with, without features.
fn names_below(package: &str) -> BTreeSet<String> {
    let arguments = ["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"];
    let tree = output_of(cargo(&root()).args(arguments).args(["--format", "{p}"]));
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// Cargo compiles a crate once for each set of its features: for the compiler of components, that is minutes. What
/// `tests/shared-features` asks for keeps it to one set, whatever is selected.
#[test]
fn the_compiler_of_components_is_compiled_once_for_what_the_checks_select() {
    const SELECTIONS: [&[&str]; 5] = [
        &["--edges", "normal,build,no-proc-macro"],
        &["--edges", "normal,build,dev,no-proc-macro"],
        &["--edges", "normal,build,dev,no-proc-macro", "--workspace"],
        &["--edges", "normal,build,dev,no-proc-macro", "--features", "agentapi-cli/full"],
        &["--edges", "normal,build,dev,no-proc-macro", "--package", "agentapi-fleet", "--package", "shared-features"],
    ];
    let below = tree(&["--edges", "normal,no-proc-macro", "--package", "cranelift-codegen"], "{p}");
    assert!(below.len() > 20, "{below:?}");
    let features = SELECTIONS.map(|selection| {
        let all = tree(selection, "{p} has {f}");
        all.into_iter()
            .filter(|line| below.contains(line.split(" has ").next().unwrap_or_default()))
            .collect::<Vec<_>>()
    });
    for (selection, found) in SELECTIONS.iter().zip(&features) {
        assert_eq!(found, &features[0], "{selection:?}: tests/shared-features/Cargo.toml does not ask for it");
    }
}

/// What is in a tree of dependencies, once each.
fn tree(selection: &[&str], format: &str) -> BTreeSet<String> {
    let mut tree = cargo(&root());
    tree.args(["tree", "--locked", "--offline", "--prefix", "none", "--format", format]);
    let tree = output_of(tree.args(selection));
    tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}
