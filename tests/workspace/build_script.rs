//! The build script of the host library: which components it places, and what it never does as somebody's dependency.
//!
//! It is compiled here and called as cargo calls it, with stand-ins for cargo, rustc and rustup that keep what they were
//! called with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::support::{copy_of_workspace, output_of, outside_folder, program, root, script, stderr};

/// A component, as short as can be: the header, a custom section to be left out, and a section that is kept.
const BUILT: &[u8] = b"\0asm\x0d\0\x01\0\0\x02\x01n\x07\x01\0";
const BUILT_WITHOUT_CUSTOM: &[u8] = b"\0asm\x0d\0\x01\0\x07\x01\0";

/// A copy of what the build script looks at, and a place for what it makes.
struct Checkout {
    folder: TempDir,
}

impl Checkout {
    fn new() -> Self {
        let checkout = Self::packaged();
        let paths = [
            "Cargo.toml",
            "crates/component-runtime",
            "crates/contract",
            "crates/extension",
            "extensions/backup-loop",
            "src",
            "wit",
        ];
        copy_of_workspace(checkout.folder.path(), &paths);
        checkout
    }

    /// The package alone, as it is in a registry or a folder of vendored crates.
    fn packaged() -> Self {
        let folder = outside_folder();
        copy_of_workspace(folder.path(), &["host-harness/build", "host-harness/component", "host-harness/Cargo.toml"]);
        let tools = folder.path().join("tools");
        fs::create_dir_all(folder.path().join("out/a/b/c")).unwrap();
        fs::create_dir_all(folder.path().join("sysroot/lib/rustlib/wasm32-wasip2")).unwrap();
        fs::create_dir_all(&tools).unwrap();
        fs::write(folder.path().join("built.wasm"), BUILT).unwrap();
        let here = folder.path().display();
        script(&tools.join("rustc"), &format!("echo {here}/sysroot"));
        script(
            &tools.join("rustup"),
            &format!("echo \"$@\" >> {here}/rustup.log; mkdir -p {here}/sysroot/lib/rustlib/$3"),
        );
        let place = "$CARGO_TARGET_DIR/wasm32-wasip2/component";
        let build = format!(
            "mkdir -p {place}; cp {here}/built.wasm {place}/agentapi.wasm; cp {here}/built.wasm {place}/backup_loop.wasm"
        );
        script(&tools.join("cargo"), &format!("echo \"$CARGO_ENCODED_RUSTFLAGS\" \"$@\" >> {here}/cargo.log; {build}"));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name}: no {from}");
        fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
    }

    fn without_wasm_target(self) -> Self {
        fs::remove_dir(self.path("sysroot/lib/rustlib/wasm32-wasip2")).unwrap();
        self
    }

    /// The build script, called as cargo calls it.
    fn command(&self) -> Command {
        let tools = self.path("tools");
        let mut command = program(build_script());
        command.env("CARGO_MANIFEST_DIR", self.path("host-harness")).env("OUT_DIR", self.path("out/a/b/c"));
        command.env("CARGO", tools.join("cargo")).env("RUSTC", tools.join("rustc"));
        command.env("PATH", format!("{}:{}", tools.display(), std::env::var("PATH").unwrap()));
        command
    }

    fn placed(&self, name: &str) -> Vec<u8> {
        fs::read(self.path("out/a/b/c").join(name)).unwrap()
    }

    fn committed(&self, name: &str) -> Vec<u8> {
        fs::read(self.path("host-harness/component").join(name)).unwrap()
    }

    /// What a stand-in was called with, a line for each call.
    fn calls_of(&self, tool: &str) -> Vec<String> {
        let log = fs::read_to_string(self.path(&format!("{tool}.log"))).unwrap_or_default();
        log.lines().map(String::from).collect()
    }

    #[track_caller]
    fn places_the_committed_bytes(&self) {
        output_of(&mut self.command());
        assert_eq!(self.calls_of("cargo"), [""; 0], "a cargo was called");
        for name in ["agentapi.wasm", "backup_loop.wasm"] {
            assert!(self.placed(name) == self.committed(name), "{name}");
        }
    }

    #[track_caller]
    fn builds_from_source(&self) {
        output_of(&mut self.command());
        assert_eq!(self.calls_of("cargo").len(), 2);
        for name in ["agentapi.wasm", "backup_loop.wasm"] {
            assert_eq!(self.placed(name), BUILT_WITHOUT_CUSTOM, "{name}");
        }
    }
}

fn build_script() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("host-build-script");
        let source = root().join("host-harness/build/main.rs");
        output_of(program("rustc").args(["--edition", "2024", "-o"]).arg(&built).arg(source));
        built
    })
}

fn failure_of(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    output
}

#[test]
fn the_committed_bytes_are_those_of_the_sources_in_this_checkout() {
    Checkout::new().places_the_committed_bytes();
}

#[test]
fn a_packaged_crate_brings_its_components() {
    Checkout::packaged().without_wasm_target().places_the_committed_bytes();
}

#[test]
fn each_source_counts_and_what_is_about_others_does_not() {
    let counts = [
        ("Cargo.toml", "[profile.component]", "[profile.component]\ndebug = true"),
        ("Cargo.toml", "\n[dependencies]", "\n[dependencies]\nnothing = \"1\""),
        ("src/lib.rs", "//!", "//! "),
        ("wit/types.wit", "///", "/// "),
        ("crates/contract/src/lib.rs", "//!", "//! "),
        ("crates/component-runtime/Cargo.toml", "[package]", "[package]\nlinks = \"nothing\""),
        ("crates/extension/src/lib.rs", "//!", "//! "),
        ("crates/extension/policy-extension.wit", "///", "/// "),
        ("extensions/backup-loop/src/lib.rs", "//!", "//! "),
        ("host-harness/build/from_source.rs", "131072", "262144"),
    ];
    for (name, from, to) in counts {
        let checkout = Checkout::new();
        checkout.change(name, from, to);
        checkout.builds_from_source();
    }
    let does_not_count = [
        ("Cargo.toml", "[workspace.dependencies]", "[workspace.dependencies]\nnothing = \"1\""),
        ("Cargo.toml", "[dev-dependencies]", "[dev-dependencies]\nnothing = \"1\""),
        ("Cargo.toml", "[profile.dev]", "[profile.dev]\nincremental = false"),
    ];
    for (name, from, to) in does_not_count {
        let checkout = Checkout::new();
        checkout.change(name, from, to);
        fs::write(checkout.path("src/.lib.rs.swp"), "an editor's").unwrap();
        checkout.places_the_committed_bytes();
    }
}

#[test]
fn a_new_source_file_counts() {
    let checkout = Checkout::new();
    fs::write(checkout.path("src/new.rs"), "").unwrap();
    checkout.builds_from_source();
}

#[test]
fn as_a_dependency_it_builds_offline_and_without_rustup() {
    let checkout = Checkout::new();
    checkout.change("src/lib.rs", "//!", "//! ");
    checkout.builds_from_source();
    for call in checkout.calls_of("cargo") {
        assert!(call.contains(" --offline "), "{call}");
    }
    assert_eq!(checkout.calls_of("rustup"), [""; 0]);
}

#[test]
fn as_a_dependency_it_tells_in_one_line_how_to_get_the_target() {
    let checkout = Checkout::new().without_wasm_target();
    checkout.change("src/lib.rs", "//!", "//! ");
    // Another workspace's folder is none that makes it part of that one.
    let other = outside_folder();
    for workspace in [None, Some(other.path())] {
        let mut command = checkout.command();
        command.envs(workspace.map(|folder| ("AGENTAPI_WORKSPACE", folder)));
        let told = stderr(&failure_of(&mut command));
        assert_eq!(
            told,
            "the component's sources were changed, and building them needs a target; type: rustup target add wasm32-wasip2\n"
        );
    }
    assert_eq!(checkout.calls_of("cargo"), [""; 0]);
    assert_eq!(checkout.calls_of("rustup"), [""; 0]);
}

#[test]
fn in_the_workspace_it_adds_the_target_and_may_download() {
    let checkout = Checkout::new().without_wasm_target();
    checkout.change("src/lib.rs", "//!", "//! ");
    output_of(checkout.command().env("AGENTAPI_WORKSPACE", checkout.folder.path()));
    assert_eq!(checkout.calls_of("rustup"), ["target add wasm32-wasip2"]);
    let calls = checkout.calls_of("cargo");
    assert!(calls.len() == 2 && calls.iter().all(|call| !call.contains("--offline")), "{calls:?}");
}

#[test]
fn no_path_of_the_machine_gets_into_the_components() {
    let checkout = Checkout::new();
    checkout.change("src/lib.rs", "//!", "//! ");
    output_of(checkout.command().env("CARGO_HOME", "/some/where"));
    let here = checkout.folder.path().canonicalize().unwrap();
    let flags = format!("--remap-path-prefix={}=/agentapi\x1f--remap-path-prefix=/some/where=/cargo ", here.display());
    for call in checkout.calls_of("cargo") {
        assert!(call.starts_with(&flags), "{call}");
    }
}

#[test]
fn a_given_component_wins_and_nothing_is_built() {
    let checkout = Checkout::new().without_wasm_target();
    checkout.change("src/lib.rs", "//!", "//! ");
    let given = checkout.path("built.wasm");
    output_of(checkout.command().env("AGENTAPI_COMPONENT", &given));
    assert_eq!(checkout.placed("agentapi.wasm"), BUILT);
    assert!(checkout.placed("backup_loop.wasm") == checkout.committed("backup_loop.wasm"));
    assert_eq!(checkout.calls_of("cargo"), [""; 0]);
    let missing = failure_of(checkout.command().env("AGENTAPI_COMPONENT", "/no/such.wasm"));
    assert!(stderr(&missing).starts_with("cannot copy /no/such.wasm to "), "{}", stderr(&missing));
}

#[test]
fn a_change_in_the_host_does_not_run_it_again() {
    let checkout = Checkout::new();
    let said = output_of(&mut checkout.command());
    let watched: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("cargo::rerun-if-changed=")).collect();
    assert!(watched.len() > 5, "{said}");
    let host = checkout.path("host-harness/src/lib.rs");
    for path in watched {
        let path =
            Path::new(path).canonicalize().expect("cargo runs the script each time if a watched file is missing");
        assert!(!host.starts_with(&path), "{} is watched", path.display());
    }
}
