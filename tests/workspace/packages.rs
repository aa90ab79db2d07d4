//! What is published: the packages of the libraries and of the command, each built from what is in it.

use std::fs;
use std::path::PathBuf;

use crate::support::{alone, cargo, output_of, outside_folder, program, root, target_of_outside_builds};

const PACKAGES: [&str; 13] = [
    "agentapi",
    "agentapi-cli",
    "agentapi-component-runtime",
    "agentapi-contract",
    "agentapi-controller",
    "agentapi-extension",
    "agentapi-findings",
    "agentapi-fleet",
    "agentapi-host",
    "agentapi-mock",
    "agentapi-policy-test",
    "agentapi-quiesce",
    "agentapi-registry",
];

#[test]
fn every_package_builds_from_what_is_in_it() {
    let _alone = alone();
    forget_earlier_packages();
    let mut package = cargo(&root());
    package.args(["package", "--locked", "--offline", "--allow-dirty"]);
    package.args(PACKAGES.iter().flat_map(|name| ["--package", name]));
    output_of(package.env("CARGO_TARGET_DIR", target_of_outside_builds()));
}

/// cargo unpacks what it verifies into its home, and takes what an earlier run has left there under the same version, whatever
/// is in the package now. The registries of packages that are not published yet have no host, so that their folders begin with
/// a dash. What was compiled of them is taken for that of the same version as well.
fn forget_earlier_packages() {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).unwrap();
    for registry in fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten() {
        if !registry.file_name().as_encoded_bytes().starts_with(b"-") {
            continue;
        }
        for name in PACKAGES {
            let _ = fs::remove_dir_all(registry.path().join(format!("{name}-{}", env!("CARGO_PKG_VERSION"))));
        }
    }
    let compiled = target_of_outside_builds().join("debug/.fingerprint");
    for fingerprint in fs::read_dir(compiled).into_iter().flatten().flatten() {
        if fingerprint.file_name().as_encoded_bytes().starts_with(b"agentapi") {
            let _ = fs::remove_dir_all(fingerprint.path());
        }
    }
}

#[test]
fn every_package_has_its_licences_and_the_host_its_components_and_wit() {
    for name in PACKAGES {
        let mut list = cargo(&root());
        let list =
            output_of(list.args(["package", "--locked", "--offline", "--allow-dirty", "--list", "--package", name]));
        let has = |file: &str| list.lines().any(|line| line == file);
        let mut expected = vec!["LICENSE-APACHE", "LICENSE-MIT", "Cargo.lock"];
        if name == "agentapi-host" {
            expected.extend([
                "component/agentapi.wasm",
                "component/backup_loop.wasm",
                "wit/world.wit",
                "build/main.rs",
            ]);
        }
        for file in expected {
            assert!(has(file), "{name}: no {file} in\n{list}");
        }
        assert!(!list.contains("target/") && !list.contains(".ci"), "{name}:\n{list}");
    }
}

#[test]
fn cargo_install_gives_the_command() {
    let _alone = alone();
    let installed = outside_folder();
    let mut install = cargo(&root());
    install.args(["install", "--locked", "--offline", "--debug", "--path", "crates/cli", "--root"]);
    output_of(install.arg(installed.path()));
    let names: Vec<_> =
        fs::read_dir(installed.path().join("bin")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["agentapi"]);
    let version = output_of(program(installed.path().join("bin/agentapi")).arg("--version"));
    assert_eq!(version, concat!("agentapi ", env!("CARGO_PKG_VERSION"), "\n"));
}
