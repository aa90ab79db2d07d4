//! Places the two components that the library embeds in `OUT_DIR`: the committed bytes, or what their sources give.
//!
//! | situation | client | backup loop |
//! | --- | --- | --- |
//! | `AGENTAPI_COMPONENT=FILE` is set | `FILE` | committed |
//! | the sources are not here (a packaged or vendored crate), or have the committed digest | committed | committed |
//! | the sources were changed | built from them | built from them |
//!
//! So an embedder needs neither a second cargo nor the wasm target nor a network. Only in this project's own workspace may
//! a build from the sources install the target or download crates; elsewhere it does neither, and says what to type.

mod digest;
mod from_source;
mod sections;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use from_source::{COMPONENTS, Workshop};

fn main() -> ExitCode {
    match place_components() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn place_components() -> Result<(), String> {
    let package = path_from_cargo("CARGO_MANIFEST_DIR")?;
    let out = path_from_cargo("OUT_DIR")?;
    let committed = package.join("component");
    let root = package.join("..");
    println!("cargo::rerun-if-env-changed=AGENTAPI_COMPONENT");
    println!("cargo::rerun-if-env-changed={}", from_source::WORKSPACE);
    println!("cargo::rerun-if-changed={}", committed.display());
    // Cargo runs a build script each time if a file that it names is missing, so the sources are named only where they are.
    let is_checkout = digest::SOURCES.iter().all(|source| root.join(source).exists());
    for source in digest::SOURCES.iter().filter(|_| is_checkout) {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }

    let given = env::var_os("AGENTAPI_COMPONENT").map(PathBuf::from);
    if given.is_some() || !is_checkout || digest::of_sources(&root)? == committed_digest(&committed) {
        for (_, file) in COMPONENTS {
            copy(&committed.join(file), &out.join(file))?;
        }
    } else {
        // Beside the folders of the crates, so that checking and building share it: `out` is PROFILE/build/CRATE/out.
        let target_dir = out.ancestors().nth(3).unwrap_or(&out).join("component");
        Workshop::new(&root, &target_dir)?.build_into(&out, &COMPONENTS)?;
    }
    let Some(given) = given else { return Ok(()) };
    println!("cargo::rerun-if-changed={}", given.display());
    copy(&given, &out.join("agentapi.wasm"))
}

/// A digest that cannot be read is equal to none, so that the sources are built.
fn committed_digest(committed: &Path) -> String {
    fs::read_to_string(committed.join(digest::FILE)).unwrap_or_default().trim().to_string()
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copied = fs::read(from).and_then(|bytes| fs::write(to, bytes));
    copied.map_err(|why| format!("cannot copy {} to {}: {why}", from.display(), to.display()))
}

fn path_from_cargo(name: &str) -> Result<PathBuf, String> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("cargo did not set {name}"))
}
