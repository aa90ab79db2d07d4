//! `agentapi policy new`: a project of an extension, in one folder, which builds and is tested without anything else.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context;
use clap::{Args, ValueEnum};
use include_dir::{Dir, DirEntry, include_dir};
use serde_json::json;

use crate::error::{CommandError, UsageError};
use crate::print::Output;

#[derive(Args)]
pub(crate) struct NewOptions {
    /// What it is called: lower-case letters, digits and hyphens
    name: String,
    /// The language that it is written in
    #[arg(long, value_enum)]
    lang: Language,
    /// The folder to make [default: the name]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// What an extension can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
    #[value(alias = "javascript")]
    Js,
    #[value(alias = "py")]
    Python,
}

impl Language {
    fn template(self) -> &'static Dir<'static> {
        static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/extension/rust");
        static JS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/extension/javascript");
        static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/extension/python");
        match self {
            Self::Rust => &RUST,
            Self::Js => &JS,
            Self::Python => &PYTHON,
        }
    }

    /// What an extension in it is written with. It goes along, because a project should build on a machine that reaches no
    /// more than the registry of its language.
    fn package(self) -> &'static Dir<'static> {
        static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sdk/rust");
        static JS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sdk/javascript");
        static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sdk/python");
        match self {
            Self::Rust => &RUST,
            Self::Js => &JS,
            Self::Python => &PYTHON,
        }
    }

    /// How it is built and tested for the first time, in its folder.
    fn first_steps(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["rustup target add wasm32-wasip2", "agentapi policy build", "agentapi policy test"],
            Self::Js => &["npm ci", "agentapi policy build", "agentapi policy test"],
            Self::Python => &[
                "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
                "agentapi policy build",
                "agentapi policy test",
            ],
        }
    }
}

/// Makes the project.
pub(super) fn run(options: &NewOptions, output: Output) -> anyhow::Result<()> {
    let NewOptions { name, lang, dir } = options;
    check_name(name)?;
    let folder = dir.clone().unwrap_or_else(|| name.into());
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(CommandError::new(format!("{} is there already", folder.display())).into());
    }
    write_whole(&folder, |into| {
        write(lang.template(), into, name)?;
        write(lang.package(), &into.join("vendor/agentapi-extension"), name)
    })
    .with_context(|| format!("{} cannot be made", folder.display()))?;
    let steps = lang.first_steps();
    let record = json!({ "name": name, "folder": folder, "next": steps });
    let text = |_: &_| {
        let folder = folder.display();
        let steps: String = steps.iter().map(|step| format!("  {step}\n")).collect();
        format!("{folder} is there, and its README.md is its manual. Next:\n  cd {folder}\n{steps}")
    };
    Ok(output.show(&record, text)?)
}

/// What the package managers of the three languages take for a name, and what an OCI reference may hold.
fn check_name(name: &str) -> Result<(), UsageError> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_right = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_allowed)
        && !name.ends_with('-')
        && !name.contains("--")
        && name.len() <= LONGEST_NAME;
    if is_right {
        return Ok(());
    }
    Err(UsageError(format!(
        "NAME: expected lower-case letters, digits and single hyphens, a letter first and at most {LONGEST_NAME} of \
         them, such as full-disks, found {name:?}"
    )))
}

/// Makes a folder under another name first: one that is there is whole.
fn write_whole(folder: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let beside = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(beside)?;
    let whole = tempfile::Builder::new().prefix(".agentapi-new-").tempdir_in(beside)?;
    let inside = whole.path().join("project");
    fs::create_dir(&inside)?;
    fill(&inside)?;
    // An empty folder is replaced; what has come into one meanwhile is an error.
    fs::rename(&inside, folder)
}

/// Writes the files of a template, with the name in place of `{{name}}`.
fn write(template: &Dir<'_>, into: &Path, name: &str) -> io::Result<()> {
    for entry in template.entries().iter().filter(|entry| !is_made(entry.path())) {
        match entry {
            DirEntry::Dir(folder) => write(folder, into, name)?,
            DirEntry::File(file) => {
                // Cargo takes a folder with a Cargo.toml for a package of its own, so that here it has another name.
                let path = into.join(file.path());
                let path = if path.ends_with("Cargo.toml.in") { path.with_extension("") } else { path };
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                match file.contents_utf8() {
                    Some(text) => fs::write(path, text.replace("{{name}}", name))?,
                    None => fs::write(path, file.contents())?,
                }
            }
        }
    }
    Ok(())
}

/// Whether it is what a language's tool leaves in a folder, and nobody wrote.
fn is_made(path: &Path) -> bool {
    ["__pycache__", "node_modules", "build", "agentapi_extension.egg-info"].iter().any(|made| path.ends_with(made))
}

const LONGEST_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_for_every_package_manager() {
        for name in ["a", "full-disks", "x2"] {
            check_name(name).unwrap();
        }
        for name in ["", "Full", "2x", "a_b", "a-", "a--b", "-a", "../x", "a b", &"a".repeat(65)] {
            let error = check_name(name).unwrap_err().to_string();
            assert!(error.starts_with("NAME: expected lower-case letters") && error.contains("found"), "{error}");
        }
    }

    #[test]
    fn a_project_has_its_name_its_package_and_no_placeholder() {
        let folder = tempfile::tempdir().unwrap();
        for (lang, manifest) in
            [(Language::Rust, "Cargo.toml"), (Language::Js, "package.json"), (Language::Python, "pyproject.toml")]
        {
            let project = folder.path().join(manifest);
            let options = NewOptions { name: "full-disks".into(), lang, dir: Some(project.clone()) };
            run(&options, Output { json: true }).unwrap();
            let text = |file: &str| fs::read_to_string(project.join(file)).unwrap();
            assert!(text(manifest).contains("\"full-disks\""), "{lang:?}");
            assert!(text("README.md").contains("dist/full-disks.wasm"), "{lang:?}");
            assert!(!text("README.md").contains("{{"), "{lang:?}");
            assert!(project.join("vendor/agentapi-extension/README.md").exists(), "{lang:?}");
            assert!(project.join(".gitignore").exists() && project.join("cases").is_dir(), "{lang:?}");
            let again = run(&options, Output { json: true }).unwrap_err().to_string();
            assert!(again.ends_with("is there already"), "{again}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left beside them");
    }
}
