//! Programs and components that are measured from outside, built by a cargo of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The two programs that are started afresh.
pub(crate) struct Programs {
    pub(crate) native: PathBuf,
    pub(crate) agentapi: PathBuf,
}

/// Both as this benchmark is built.
pub(crate) fn programs() -> Programs {
    let benchmark = std::env::current_exe().unwrap();
    // FOLDER/deps/compare-HASH, where the folder has the profile's name, but for that of the development profile.
    let folder = benchmark.parent().and_then(Path::parent).unwrap();
    let profile = if folder.ends_with("debug") { "dev" } else { "bench" };
    let packages = ["--package", "agentapi", "--package", "agentapi-host"];
    let targets = ["--example", "native_call", "--bin", "agentapi"];
    let built = cargo().args(["build", "--profile", profile]).args(packages).args(targets).status();
    assert!(built.unwrap().success());
    Programs { native: folder.join("examples/native_call"), agentapi: folder.join("agentapi") }
}

/// The extension of the tests that calls without end.
pub(crate) fn extension() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-extensions");
    let mut cargo = cargo();
    cargo.args(["rustc", "--lib", "--crate-type", "cdylib", "--package", "misbehaving", "--profile", "component"]);
    cargo.args(["--target", "wasm32-wasip2"]).env("CARGO_TARGET_DIR", &dir);
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    assert!(cargo.status().unwrap().success());
    dir.join("wasm32-wasip2/component/misbehaving.wasm")
}

/// Without what the cargo that runs this benchmark set for it, which would make things be built again.
fn cargo() -> Command {
    const SET_FOR_BENCHMARKS: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_PRIMARY_PACKAGE"];
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| SET_FOR_BENCHMARKS.iter().any(|set| name.starts_with(set))) {
            cargo.env_remove(name);
        }
    }
    cargo.args(["--locked", "--quiet"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}
