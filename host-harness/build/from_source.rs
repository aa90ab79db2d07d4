//! Builds the components from their sources: a cargo of its own, for `wasm32-wasip2`, in a target folder of its own.
//!
//! The bytes do not depend on where the sources, cargo's home or the target folder are, so that everybody who builds a
//! commit gets the same.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::sections;

/// The packages, and the files that they are built as: the client, and the extension that comes with the library.
pub(crate) const COMPONENTS: [(&str, &str); 2] = [("agentapi", "agentapi.wasm"), ("backup-loop", "backup_loop.wasm")];
/// The folder of the workspace in which cargo was called, if it is this one: set by `.cargo/config.toml`, which cargo does
/// not read where the library is somebody's dependency.
pub(crate) const WORKSPACE: &str = "AGENTAPI_WORKSPACE";
const TARGET: &str = "wasm32-wasip2";

/// Where components are built.
pub(crate) struct Workshop<'a> {
    root: &'a Path,
    target_dir: &'a Path,
    /// As somebody's dependency nothing is installed, and the network is left alone.
    is_dependency: bool,
    rust_flags: OsString,
}

impl<'a> Workshop<'a> {
    /// Finds or adds the wasm target.
    pub(crate) fn new(root: &'a Path, target_dir: &'a Path) -> Result<Self, String> {
        let here = |folder: &Path| fs::canonicalize(folder).ok();
        let is_dependency = env::var_os(WORKSPACE).is_none_or(|folder| here(Path::new(&folder)) != here(root));
        find_target(is_dependency)?;
        Ok(Self { root, target_dir, is_dependency, rust_flags: rust_flags(root)? })
    }

    /// Writes each of these components as a file into `folder`.
    pub(crate) fn build_into(&self, folder: &Path, components: &[(&str, &str)]) -> Result<(), String> {
        for (package, file) in components {
            let status = self.cargo(package).status().map_err(|why| format!("cannot run cargo: {why}"))?;
            if !status.success() {
                return Err(self.advice(package));
            }
            let built = self.target_dir.join(TARGET).join("component").join(file);
            let wasm = fs::read(&built).map_err(|why| format!("cannot read {}: {why}", built.display()))?;
            let kept = folder.join(file);
            fs::write(&kept, sections::without_custom(&wasm)?)
                .map_err(|why| format!("cannot write {}: {why}", kept.display()))?;
        }
        Ok(())
    }

    /// Not what cargo or a user set for this crate: flags and wrappers for the host do not fit the component.
    fn cargo(&self, package: &str) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let is_for_host = text.ends_with("RUSTFLAGS") || text.ends_with("WRAPPER") || text == "CARGO_BUILD_TARGET";
            if is_for_host || text.starts_with("CARGO_PROFILE") {
                cargo.env_remove(name);
            }
        }
        // Set, they also win over what a configuration file says.
        cargo.env("CARGO_ENCODED_RUSTFLAGS", &self.rust_flags);
        cargo.env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
        cargo.current_dir(self.root).env("CARGO_TARGET_DIR", self.target_dir);
        cargo.args(["rustc", "--package", package, "--lib", "--profile", "component", "--target", TARGET, "--locked"]);
        cargo.args(self.is_dependency.then_some("--offline"));
        // A library that is also an rlib is not optimised as a whole.
        cargo.args(["--crate-type", "cdylib"]);
        // A tenth of the size: nobody loads it at an address of its own, and addresses may be as short as they are.
        cargo.args(["--", "-C", "relocation-model=static", "-C", "link-arg=--compress-relocations"]);
        // Room for JSON as deep as the reader goes. What a host keeps of an instance's memory begins with the stack.
        cargo.args(["-C", "link-arg=-zstack-size=131072"]);
        cargo
    }

    fn advice(&self, package: &str) -> String {
        let root = self.root.join("Cargo.toml");
        let hint = format!("; if crates are missing, type: cargo fetch --manifest-path {}", root.display());
        format!("building the component {package} failed{}", if self.is_dependency { &hint } else { "" })
    }
}

/// Paths in messages of panics, as they shall be in the component.
fn rust_flags(root: &Path) -> Result<OsString, String> {
    let root = fs::canonicalize(root).map_err(|why| format!("cannot find {}: {why}", root.display()))?;
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo"))).ok_or("cannot find cargo's home")?;
    let mut flags = OsString::new();
    for (from, to) in [(root, "=/agentapi"), (cargo_home, "=/cargo")] {
        // What separates two flags in `CARGO_ENCODED_RUSTFLAGS`.
        let separator = if flags.is_empty() { "" } else { "\x1f" };
        flags.push(separator);
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push(to);
    }
    Ok(flags)
}

/// In its own workspace the target is added where rustup does not install what `rust-toolchain.toml` names.
fn find_target(is_dependency: bool) -> Result<(), String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map_err(|why| format!("cannot run rustc: {why}"))?.stdout;
    let sysroot = String::from_utf8_lossy(&sysroot);
    if Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).exists() {
        return Ok(());
    }
    let add = || Command::new("rustup").args(["target", "add", TARGET]).status();
    if !is_dependency && add().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(format!(
        "the component's sources were changed, and building them needs a target; type: rustup target add {TARGET}"
    ))
}
