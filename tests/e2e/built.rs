//! Builds the components that tests and benchmarks run, with a cargo of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

const WASM: &str = "wasm32-wasip2";

/// Builds a component of `tests/extensions` or `extensions`, if it is not up to date.
pub(crate) fn extension(name: &str) -> PathBuf {
    extension_of_profile(name, "component", "component")
}

/// The same by another profile, and the name of its folder.
pub(crate) fn extension_of_profile(name: &str, profile: &str, folder: &str) -> PathBuf {
    static TARGET: Once = Once::new();
    TARGET.call_once(add_wasm_target);
    let dir = target().join("e2e-extensions");
    let mut cargo = cargo();
    cargo.args(["rustc", "--quiet", "--lib", "--crate-type", "cdylib", "--package", name, "--profile", profile]);
    cargo.args(["--target", WASM]).env("CARGO_TARGET_DIR", &dir);
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    assert!(cargo.status().unwrap().success(), "{name} does not build");
    dir.join(WASM).join(folder).join(format!("{}.wasm", name.replace('-', "_")))
}

/// Where rustup does not install by itself what `rust-toolchain.toml` names, the target is added here. The library needs none:
/// its components are committed.
fn add_wasm_target() {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let sysroot = PathBuf::from(String::from_utf8(sysroot).unwrap().trim());
    if !sysroot.join("lib/rustlib").join(WASM).exists() {
        let added = Command::new("rustup").args(["target", "add", WASM]).status();
        assert!(added.is_ok_and(|status| status.success()), "type: rustup target add {WASM}");
    }
}

/// Cargo, in the environment of a person who types it. With the variables that the cargo of this test has set,
/// everything that depends on one of them would be built again.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let is_set_by_cargo = name.to_str().is_some_and(|name| SET_FOR_TESTS.iter().any(|set| name.starts_with(set)));
        if is_set_by_cargo {
            cargo.env_remove(name);
        }
    }
    cargo.arg("--locked").current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}

/// Prefixes of the variables that cargo sets for a test.
const SET_FOR_TESTS: [&str; 6] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR"];

/// A folder for what tests build, which `cargo clean` removes.
pub(crate) fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
