//! What the tests here have in common: the workspace, and programs as they would be called by hand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Where the builds of these tests go, kept between runs. All of them share it, so that wasmtime is compiled once.
pub(crate) fn target_of_outside_builds() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside")
}

/// A folder that goes with the value. Not in the workspace: there cargo would take a project in it for a member, and read
/// the workspace's configuration.
pub(crate) fn outside_folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A program without what the cargo that runs the tests has set for them, which would make the next cargo build again what
/// depends on it, and without what tells this workspace.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    const SET_FOR_TESTS: [&str; 7] = [
        "AGENTAPI_",
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
    ];
    let mut command = Command::new(name);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| SET_FOR_TESTS.iter().any(|set| name.starts_with(set))) {
            command.env_remove(name);
        }
    }
    command
}

/// A cargo called in a folder.
pub(crate) fn cargo(folder: &Path) -> Command {
    let mut cargo = program(env!("CARGO"));
    // Built once and looked at by nobody: what cargo would keep for that is most of twelve gigabytes.
    cargo.current_dir(folder).env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "false");
    cargo
}

/// Runs a command that is expected to succeed.
#[track_caller]
pub(crate) fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Copies what git knows or would add of these paths of the workspace, as it stands in the working tree. Links become what
/// they point to only for files that cargo packages, so they stay links here.
pub(crate) fn copy_of_workspace(into: &Path, paths: &[&str]) {
    let mut list = program("git");
    list.current_dir(root()).args(["ls-files", "--cached", "--others", "--exclude-standard", "--"]).args(paths);
    for name in output_of(&mut list).lines() {
        let (from, to) = (root().join(name), into.join(name));
        // Deleted, and not yet committed so.
        let Ok(metadata) = fs::symlink_metadata(&from) else { continue };
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if metadata.is_symlink() {
            let _ = fs::remove_file(&to);
            std::os::unix::fs::symlink(fs::read_link(&from).unwrap(), &to).unwrap();
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// Writes a shell script that can be called as a program.
pub(crate) fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Held by a test that builds or measures. What is measured would not be true while others build.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static BUILDS: Mutex<()> = Mutex::new(());
    BUILDS.lock().unwrap_or_else(PoisonError::into_inner)
}
