//! Controllers outside the workspace: they depend on the host by path and by git, or have it vendored; they are built with
//! the default profile, without a network, and run against the mock agent.
//!
//! They share a cargo home of these tests, and a target folder for each place where wasmtime can come from: cargo builds a
//! crate again whose sources have moved.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::{
    alone, cargo, copy_of_workspace, output_of, outside_folder, program, root, target_of_outside_builds,
};

/// How long loading the host takes without a cache, in a debug build with the default profile, in milliseconds, on a machine
/// that does nothing else.
const LOADING_MS: u32 = 1000;

/// What it never takes, however much else the machine does: it takes many times as long where an unoptimised compiler
/// compiles the component.
const LOADING_LIMIT_MS: u32 = 5000;

/// How often the host is loaded at most until it is quick once. Other tests compile meanwhile on the same cores, so that only
/// a quiet moment shows how long it takes.
const TRIES: usize = 30;

/// A controller's project in a folder of its own.
struct Controller {
    folder: TempDir,
    target: PathBuf,
}

impl Controller {
    /// Both libraries come by `dependency`, in which `%` stands for the folder of each in the workspace.
    fn new(dependency: &str) -> Self {
        let folder = outside_folder();
        let depend = |name: &str, place: &str| format!("{name} = {{ {} }}\n", dependency.replace('%', place));
        let manifest = [
            "[package]\nname = \"controller\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n",
            &depend("agentapi-host", "host-harness"),
            &depend("agentapi-mock", "crates/mock-agent"),
            "tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }\n",
        ];
        fs::write(folder.path().join("Cargo.toml"), manifest.concat()).unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/main.rs"), include_str!("outside/controller.rs")).unwrap();
        // The versions that this workspace has downloaded. Without them cargo would ask the registry for newer ones.
        fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
        Self { folder, target: target_of_outside_builds() }
    }

    fn by_path() -> Self {
        Self::new(&format!("path = \"{}/%\"", root().display()))
    }

    fn by_git() -> Self {
        Self::new(&format!("git = \"file://{}\"", repository().display()))
    }

    fn cargo(&self) -> Command {
        let mut cargo = cargo(self.folder.path());
        cargo.env("CARGO_HOME", cargo_home()).env("CARGO_TARGET_DIR", &self.target);
        // Not `--offline`, with which cargo clones not even a repository of this machine.
        cargo.env("CARGO_HTTP_PROXY", "http://127.0.0.1:9");
        cargo
    }

    fn build(&self) {
        output_of(self.cargo().arg("build"));
    }

    /// Runs what was built, and returns how long the host took to load, in milliseconds.
    fn run(&self) -> u32 {
        let said = output_of(&mut program(self.target.join("debug/controller")));
        let mut lines = said.lines();
        let loaded = lines.next().and_then(|line| line.strip_prefix("loaded in ")?.strip_suffix(" ms"));
        assert_eq!(lines.next(), Some("backup due: true"), "{said}");
        loaded.expect(&said).parse().unwrap()
    }

    fn loads_in_time(&self, name: &str) {
        let mut times = Vec::new();
        while times.len() < TRIES && !times.iter().any(|ms| *ms < LOADING_MS) {
            times.push(self.run());
        }
        println!("{name}: the host loads in {times:?} ms, debug build, no cache");
        assert!(times.iter().any(|ms| *ms < LOADING_LIMIT_MS), "{name}: {times:?} ms");
    }
}

/// A repository with one commit: this workspace as it stands in the working tree.
fn repository() -> PathBuf {
    let repository = target_of_outside_builds().join("repository");
    let _ = fs::remove_dir_all(&repository);
    fs::create_dir_all(&repository).unwrap();
    copy_of_workspace(&repository, &["."]);
    let git = |arguments: &[&str]| {
        let mut git = program("git");
        git.current_dir(&repository).args(["-c", "user.name=test", "-c", "user.email=test@localhost"]).args(arguments);
        output_of(&mut git);
    };
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--no-gpg-sign", "--message", "The working tree"]);
    repository
}

/// A cargo home with the downloaded crates of the real one, so that what is cloned here does not stay there.
fn cargo_home() -> PathBuf {
    let home = target_of_outside_builds().join("cargo-home");
    fs::create_dir_all(&home).unwrap();
    let real =
        std::env::var_os("CARGO_HOME").map_or_else(|| std::env::home_dir().unwrap().join(".cargo"), PathBuf::from);
    let registry = home.join("registry");
    if !registry.exists() {
        std::os::unix::fs::symlink(real.join("registry"), &registry).unwrap();
    }
    home
}

#[test]
fn a_controller_that_depends_by_path_builds_and_loads_in_a_moment() {
    let _alone = alone();
    let controller = Controller::by_path();
    controller.build();
    controller.loads_in_time("by path");
}

#[test]
fn a_controller_that_depends_by_git_builds_and_loads_in_a_moment() {
    let _alone = alone();
    let controller = Controller::by_git();
    controller.build();
    controller.loads_in_time("by git");
}

#[test]
fn a_vendored_controller_builds_with_nothing_but_what_was_vendored() {
    let _alone = alone();
    let mut controller = Controller::by_git();
    // A fixed folder, so that a second run of these tests finds what the first one built.
    controller.target = target_of_outside_builds().join("vendored-target");
    let vendored = target_of_outside_builds().join("vendored");
    let _ = fs::remove_dir_all(&vendored);
    let config = output_of(controller.cargo().arg("vendor").arg(&vendored));
    let folder = controller.folder.path();
    fs::create_dir(folder.join(".cargo")).unwrap();
    fs::write(folder.join(".cargo/config.toml"), config).unwrap();
    let empty_home = outside_folder();
    output_of(controller.cargo().args(["build", "--offline", "--locked"]).env("CARGO_HOME", empty_home.path()));
    controller.loads_in_time("vendored");
    assert_licences(&vendored.join("agentapi-host"));
}

#[track_caller]
fn assert_licences(folder: &Path) {
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        assert!(fs::metadata(folder.join(name)).is_ok_and(|file| file.len() > 500), "{}: no {name}", folder.display());
    }
}

/// An embedder's own JSON must not change because it embeds the host.
#[test]
fn the_host_forces_no_feature_of_serde_json_on_an_embedder() {
    let controller = Controller::by_path();
    let manifest = fs::read_to_string(controller.folder.path().join("Cargo.toml")).unwrap();
    // The mock agent is for tests.
    let without_mock: String =
        manifest.lines().filter(|line| !line.contains("mock")).flat_map(|line| [line, "\n"]).collect();
    fs::write(controller.folder.path().join("Cargo.toml"), without_mock).unwrap();
    let arguments = ["tree", "--edges", "normal", "--prefix", "none", "--format", "{p} features: {f}"];
    let tree = output_of(controller.cargo().args(arguments));
    let features =
        |line: &str| Some(line.strip_prefix("serde_json v")?.split_once(" features: ")?.1.replace(" (*)", ""));
    let features: Vec<String> = tree.lines().filter_map(features).collect();
    assert!(!features.is_empty(), "{tree}");
    for feature in ["arbitrary_precision", "float_roundtrip", "preserve_order", "raw_value", "unbounded_depth"] {
        assert!(features.iter().all(|list| list.split(',').all(|one| one != feature)), "{feature} in {features:?}");
    }
}
