//! The client in Go, `benches/compare/go`: a process of its own, which says itself how long its calls took.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs};

use agentapi_host::Target;

use crate::built::target;
use crate::programs::{Lines, client_of};

/// The process.
pub(crate) struct GoClient(Lines);

impl GoClient {
    /// None where there is no Go and none can be installed, which is said once.
    pub(crate) fn start(agent: &Target) -> Option<Self> {
        Some(Self(Lines::start(&mut client_of(agent, program()?))))
    }

    /// Makes so many calls.
    pub(crate) fn call(&mut self, path: &str, calls: u32) -> Duration {
        let nanoseconds = self.0.ask(&format!("{path} {calls}"));
        Duration::from_nanos(nanoseconds.trim().parse().expect("the client in Go has failed"))
    }
}

/// The program, built once.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let go = Command::new(root.join("tools/go")).stderr(Stdio::inherit()).output().unwrap();
    if !go.status.success() {
        // Where everything is checked, something that was left out must not pass for it.
        assert!(env::var_os("CI").is_none(), "there is no Go");
        eprintln!("there is no Go: measuring without the client in Go");
        return None;
    }
    let go = Path::new(String::from_utf8(go.stdout).unwrap().trim()).join("go");
    fs::create_dir_all(target()).unwrap();
    let program = target().join("go-client");
    let mut build = Command::new(go);
    build.args(["build", "-o"]).arg(&program).current_dir(root.join("benches/compare/go"));
    // It has no dependencies, and asks the network for nothing.
    build.env("GOTOOLCHAIN", "local").env("GOPROXY", "off").env("GOFLAGS", "-mod=mod").env("CGO_ENABLED", "0");
    assert!(build.status().unwrap().success(), "the client in Go does not build");
    Some(program)
}
