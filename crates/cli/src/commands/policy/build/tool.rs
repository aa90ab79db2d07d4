//! The tools of the languages. What they print goes to stderr; what they lack is told with the command that installs it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use serde::Deserialize;

use crate::error::CommandError;

/// Builds a crate for `wasm32-wasip2`, and returns the component.
pub(super) fn cargo(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--target", "wasm32-wasip2", "--message-format", "json-render-diagnostics"]);
    let output = run(cargo.current_dir(folder), "install Rust with rustup")?;
    succeeded(&output, "cargo build", "where the target is missing: rustup target add wasm32-wasip2")?;
    // The target folder may be anywhere, so cargo is asked.
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let files: Vec<_> = messages.flat_map(|artifact| artifact.filenames).collect();
    // The project itself is built last.
    let component = files.into_iter().rfind(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    let missing =
        "cargo has built no component: expected crate-type = [\"cdylib\"] in [lib] of Cargo.toml, found another";
    component.ok_or_else(|| CommandError::new(missing).into())
}

/// A message of cargo about something that is built; the others have no such key.
#[derive(Deserialize)]
struct Artifact {
    filenames: Vec<PathBuf>,
}

/// Runs the script `build` of package.json, which writes the component.
pub(super) fn npm(folder: &Path, component: &Path) -> anyhow::Result<PathBuf> {
    if !folder.join("node_modules/.bin/jco").exists() {
        return Err(CommandError::new("jco is not installed: type `npm ci` in the project's folder first").into());
    }
    let mut npm = Command::new("npm");
    let output = run(npm.args(["run", "--silent", "build"]).current_dir(folder), "install Node 20 or newer, with npm")?;
    succeeded(&output, "npm run build", "its own words are above")?;
    Ok(component.to_owned())
}

/// Makes a component of extension.py and the interpreter.
pub(super) fn componentize_py(folder: &Path, component: &Path) -> anyhow::Result<PathBuf> {
    let in_environment = folder.join(".venv/bin/componentize-py");
    // An absolute path, because the tool is started in the project's folder.
    let program = in_environment.canonicalize().unwrap_or_else(|_| "componentize-py".into());
    let out = folder.join("dist");
    std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let file_name = component.file_name().context("the component has no name")?;
    let mut tool = Command::new(program);
    tool.args(["--wit-path", WIT, "--world", "policy-extension", "componentize", "--stub-wasi"]);
    tool.args(["--python-path", ".", "--python-path", "vendor/agentapi-extension", "extension", "--output"]);
    let install =
        "type `python3 -m venv .venv && .venv/bin/pip install -r requirements.txt` in the project's folder first";
    let output = run(tool.arg(Path::new("dist").join(file_name)).current_dir(folder), install)?;
    succeeded(&output, "componentize-py", "its own words are above")?;
    Ok(component.to_owned())
}

/// Runs a tool, whose output is kept and whose messages are shown.
fn run(tool: &mut Command, install: &str) -> anyhow::Result<Output> {
    let program = tool.get_program().to_string_lossy().into_owned();
    let output = tool.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    output.map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => CommandError::new(format!("{program} is not installed: {install}")).into(),
        _ => anyhow::Error::new(why).context(format!("{program} cannot be run")),
    })
}

fn succeeded(output: &Output, tool: &str, hint: &str) -> Result<(), CommandError> {
    if output.status.success() {
        return Ok(());
    }
    // Some tools tell their mistakes on stdout.
    let words = String::from_utf8_lossy(&output.stdout);
    let words: Vec<_> = words.lines().filter(|line| !line.starts_with('{')).collect();
    let last = words.last().map(|line| format!(": {line}")).unwrap_or_default();
    Err(CommandError::new(format!("{tool} failed ({}){last}; {hint}", output.status)))
}

/// The world of an extension, as it was copied into the project.
const WIT: &str = "vendor/agentapi-extension/agentapi_extension/policy-extension.wit";
