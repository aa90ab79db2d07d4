//! `agentapi policy build`: builds an extension with its language's own tool, and writes into the file what it is called and
//! what it calls.

mod project;
mod tool;

use std::fs;
use std::path::{Path, PathBuf};

use agentapi_host::policy::Grants;
use agentapi_registry::{Manifest, Wishes, embed, place, sha256_hex};
use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::commands::policy::build::project::Project;
use crate::print::Output;

#[derive(Args)]
pub(crate) struct BuildOptions {
    /// The folder of the project
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// The file to write [default: dist/NAME.wasm in the folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Builds.
pub(super) fn run(options: &BuildOptions, output: Output) -> anyhow::Result<()> {
    let project = Project::read(&options.folder)?;
    // Before anything is built: a mistake in it should not cost minutes.
    let wishes = wishes(&options.folder.join("grants.toml"))?;
    let built = project.build()?;
    let manifest = Manifest {
        name: Some(project.name.clone()),
        version: project.version.clone(),
        description: project.description.clone(),
        licenses: project.licenses.clone(),
        wishes,
        ..Manifest::default()
    };
    let wasm = fs::read(&built).with_context(|| format!("{} cannot be read", built.display()))?;
    let wasm = embed(&wasm, &manifest).with_context(|| format!("{} is no extension", built.display()))?;
    let file = options.out.clone().unwrap_or_else(|| project.default_file());
    // Whole or not at all: what runs the file may be reading it now.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| place::write(&file, &wasm));
    written.with_context(|| format!("{} cannot be written", file.display()))?;
    let (size, sha256) = (wasm.len(), sha256_hex(&wasm));
    let record =
        json!({ "file": file, "name": project.name, "version": project.version, "size": size, "sha256": sha256 });
    let text = |_: &_| format!("{}\nsize         {size} bytes\nsha256       {sha256}\n", file.display());
    Ok(output.show(&record, text)?)
}

/// What the grants file asks for. One that is not right is refused here, by the rules of those who will read it.
fn wishes(file: &Path) -> anyhow::Result<Wishes> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Grants::and_limits_from_toml(&text).with_context(|| format!("{} is not right", file.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not right", file.display()))
}
