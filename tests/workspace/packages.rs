//! What is published: the packages of the libraries and of the command, each compiled from what is in it.

use std::fs;

use tempfile::TempDir;

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

/// One by one: together they would share features, and none would miss one that another asks for.
#[test]
fn every_package_compiles_from_what_is_in_it() {
    let _alone = alone();
    let packages = unpacked();
    for name in PACKAGES {
        let mut check = cargo(packages.path());
        check.args(["check", "--offline", "--package", name]);
        output_of(check.env("CARGO_TARGET_DIR", target_of_outside_builds()));
    }
}

/// A workspace of what is in the packages, to be checked there. `cargo package` itself would build each, with code for all
/// that it depends on.
fn unpacked() -> TempDir {
    let target = target_of_outside_builds();
    let mut package = cargo(&root());
    package.args(["package", "--locked", "--offline", "--allow-dirty", "--no-verify"]);
    package.args(PACKAGES.iter().flat_map(|name| ["--package", name]));
    output_of(package.env("CARGO_TARGET_DIR", &target));
    let folder = outside_folder();
    let mut manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n[patch.crates-io]\n".to_owned();
    for name in PACKAGES {
        let unpacked = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
        let mut unpack = program("tar");
        unpack.args(["--extract", "--gzip", "--file"]).arg(target.join("package").join(format!("{unpacked}.crate")));
        output_of(unpack.arg("--directory").arg(folder.path()));
        manifest += &format!("{name} = {{ path = \"{unpacked}\" }}\n");
    }
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    folder
}

/// Arguments with which cargo compiles the dependencies as it does outside of this workspace, so that the builds here share them.
fn without_our_optimisation() -> Vec<String> {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let optimised = manifest["profile"]["dev"]["package"].as_table().unwrap().keys().filter(|name| *name != "*");
    let defaults = ["opt-level=0", "debug-assertions=true", "overflow-checks=true"];
    let with_each = |name: &String| defaults.map(|default| format!("--config=profile.dev.package.{name}.{default}"));
    optimised.flat_map(with_each).collect()
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
    install.arg(installed.path()).args(without_our_optimisation());
    output_of(install.env("CARGO_TARGET_DIR", target_of_outside_builds()));
    let names: Vec<_> =
        fs::read_dir(installed.path().join("bin")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["agentapi"]);
    let version = output_of(program(installed.path().join("bin/agentapi")).arg("--version"));
    assert_eq!(version, concat!("agentapi ", env!("CARGO_PKG_VERSION"), "\n"));
}
