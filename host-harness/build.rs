//! Builds the components that the library embeds: a cargo of its own, for `wasm32-wasip2`, in a target folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const TARGET: &str = "wasm32-wasip2";
/// The client, and the extension that comes with the library: packages, and the files that they are built as.
const COMPONENTS: [(&str, &str); 2] = [("agentapi", "agentapi.wasm"), ("backup-loop", "backup_loop.wasm")];
/// What the components are made of. A change in anything else does not build them again.
const SOURCES: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "extensions/backup-loop/Cargo.toml",
    "extensions/backup-loop/src",
    "crates/contract/Cargo.toml",
    "crates/contract/src",
    "crates/component-runtime/Cargo.toml",
    "crates/component-runtime/src",
    "src",
    "wit",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or("cargo did not set OUT_DIR")?;
    add_target()?;
    // Beside the folders of the crates, so that checking and building share it: `out` is PROFILE/build/CRATE/out.
    let target_dir = out.ancestors().nth(3).unwrap_or(&out).join("component");
    for (package, file) in COMPONENTS {
        run(cargo(&root, &target_dir, package))?;
        let built = target_dir.join(TARGET).join("component").join(file);
        let wasm = fs::read(&built).map_err(|why| format!("cannot read {}: {why}", built.display()))?;
        let kept = out.join(file);
        fs::write(&kept, without_names(&wasm)?).map_err(|why| format!("cannot write {}: {why}", kept.display()))?;
    }
    Ok(())
}

/// Where rustup does not install what `rust-toolchain.toml` names, the target is added here.
fn add_target() -> Result<(), String> {
    let rustc = env::var("RUSTC").map_err(|_| "cargo did not set RUSTC")?;
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map_err(|why| format!("cannot run rustc: {why}"))?.stdout;
    let sysroot = String::from_utf8_lossy(&sysroot);
    if Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).exists() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    match added {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("the components are built for {TARGET}; type: rustup target add {TARGET}")),
    }
}

/// Not what cargo or a user set for this crate: flags and wrappers for the host do not fit the component.
fn cargo(root: &Path, target_dir: &Path, package: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let is_for_host = text.ends_with("RUSTFLAGS") || text.ends_with("WRAPPER") || text == "CARGO_BUILD_TARGET";
        if is_for_host || text.starts_with("CARGO_PROFILE") {
            cargo.env_remove(name);
        }
    }
    // Empty, they also win over what a configuration file says.
    for name in ["CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env(name, "");
    }
    cargo.current_dir(root).env("CARGO_TARGET_DIR", target_dir);
    cargo.args(["rustc", "--package", package, "--lib", "--profile", "component", "--target", TARGET, "--locked"]);
    // A library that is also an rlib is not optimised as a whole.
    cargo.args(["--crate-type", "cdylib"]);
    // A tenth of the size: nobody loads it at an address of its own, and addresses may be as short as they are.
    cargo.args(["--", "-C", "relocation-model=static", "-C", "link-arg=--compress-relocations"]);
    // Room for JSON as deep as the reader goes. What a host keeps of an instance's memory begins with the stack.
    cargo.args(["-C", "link-arg=-zstack-size=131072"]);
    cargo
}

fn run(mut command: Command) -> Result<(), String> {
    let status = command.status().map_err(|why| format!("cannot run cargo: {why}"))?;
    if status.success() { Ok(()) } else { Err(format!("building a component failed ({status})")) }
}

/// The component without its custom sections: names for debuggers, which the optimiser has left little to name.
fn without_names(wasm: &[u8]) -> Result<Vec<u8>, String> {
    const HEADER_BYTES: usize = 8;
    const CUSTOM: u8 = 0;
    let malformed = || "the component's sections cannot be read".to_string();
    let (header, mut rest) = wasm.split_at_checked(HEADER_BYTES).ok_or_else(malformed)?;
    let mut kept = header.to_vec();
    while let Some((&id, after_id)) = rest.split_first() {
        let (length, digits) = leb128(after_id).ok_or_else(malformed)?;
        let (section, after) = rest.split_at_checked(1 + digits + length).ok_or_else(malformed)?;
        if id != CUSTOM {
            kept.extend_from_slice(section);
        }
        rest = after;
    }
    Ok(kept)
}

/// An unsigned LEB128 number, and how many bytes it has.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate().take(5) {
        number |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, place + 1));
        }
    }
    None
}
