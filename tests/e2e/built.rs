//! What tests and benchmarks have built on the way, by a cargo of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A component of `tests/extensions`, built once.
pub(crate) fn extension(name: &str) -> PathBuf {
    let dir = target().join("e2e-extensions");
    let mut cargo = cargo();
    cargo.args(["rustc", "--quiet", "--lib", "--crate-type", "cdylib", "--package", name, "--profile", "component"]);
    cargo.args(["--target", "wasm32-wasip2"]).env("CARGO_TARGET_DIR", &dir);
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    assert!(cargo.status().unwrap().success(), "{name} does not build");
    dir.join("wasm32-wasip2/component").join(format!("{}.wasm", name.replace('-', "_")))
}

/// A cargo as it would be called by hand. What the one that runs the tests has set for them would make it build again
/// what depends on it.
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

/// How the names begin of what cargo sets for a test that it runs.
const SET_FOR_TESTS: [&str; 6] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR"];

/// Where builds go; a folder that cargo cleans.
pub(crate) fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
