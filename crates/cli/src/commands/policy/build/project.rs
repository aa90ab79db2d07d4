//! The project of an extension: its language, by the file that each language's tools look for, and what it is called.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use crate::commands::policy::build::tool;
use crate::error::CommandError;

/// The project of an extension.
#[derive(Debug)]
pub(super) struct Project {
    folder: PathBuf,
    language: Language,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) description: Option<String>,
    pub(super) licenses: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Rust,
    JavaScript,
    Python,
}

/// What the manifests of all three say, under the same names.
#[derive(Deserialize)]
struct Described {
    name: String,
    version: Option<String>,
    description: Option<String>,
    license: Option<String>,
}

#[derive(Deserialize)]
struct CargoManifest {
    package: Described,
}

#[derive(Deserialize)]
struct PythonManifest {
    project: Described,
}

impl Project {
    /// Reads the project in a folder.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let has = |file: &str| folder.join(file).is_file();
        let (language, manifest) = match () {
            () if has("Cargo.toml") => (Language::Rust, "Cargo.toml"),
            () if has("package.json") => (Language::JavaScript, "package.json"),
            () if has("pyproject.toml") => (Language::Python, "pyproject.toml"),
            () => {
                let expected = "expected a Cargo.toml, package.json or pyproject.toml";
                let found =
                    format!("{}: {expected}, found none; agentapi policy new makes a project", folder.display());
                return Err(CommandError::new(found).into());
            }
        };
        let file = folder.join(manifest);
        let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let described = match language {
            Language::Rust => {
                toml::from_str::<CargoManifest>(&text).map(|manifest| manifest.package).map_err(Into::into)
            }
            Language::JavaScript => serde_json::from_str::<Described>(&text).map_err(anyhow::Error::from),
            Language::Python => {
                toml::from_str::<PythonManifest>(&text).map(|manifest| manifest.project).map_err(Into::into)
            }
        };
        let Described { name, version, description, license } =
            described.with_context(|| format!("{} does not say what it is called", file.display()))?;
        Ok(Self { folder: folder.to_owned(), language, name, version, description, licenses: license })
    }

    /// Builds it with its language's tool, and returns the component.
    pub(super) fn build(&self) -> anyhow::Result<PathBuf> {
        match self.language {
            Language::Rust => tool::cargo(&self.folder),
            Language::JavaScript => tool::npm(&self.folder, &self.default_file()),
            Language::Python => tool::componentize_py(&self.folder, &self.default_file()),
        }
    }

    /// Where it is written to, unless somebody says.
    pub(super) fn default_file(&self) -> PathBuf {
        self.folder.join("dist").join(format!("{}.wasm", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, text: &str) -> anyhow::Result<Project> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        Project::read(folder.path())
    }

    #[test]
    fn a_project_is_known_by_its_manifest() {
        for (file, text, language) in [
            ("Cargo.toml", "[package]\nname = \"x\"\nversion = \"1.2.3\"\n", Language::Rust),
            ("package.json", r#"{"name": "x", "version": "1.2.3", "private": true}"#, Language::JavaScript),
            ("pyproject.toml", "[project]\nname = \"x\"\nversion = \"1.2.3\"\n", Language::Python),
        ] {
            let project = read(file, text).unwrap();
            assert_eq!((project.language, project.name.as_str()), (language, "x"));
            assert_eq!(project.version.as_deref(), Some("1.2.3"));
        }
    }

    #[test]
    fn what_is_no_project_is_told() {
        let error = read("x", "").unwrap_err().to_string();
        assert!(error.contains("expected a Cargo.toml, package.json or pyproject.toml"), "{error}");
        let error = read("package.json", "{}").unwrap_err().to_string();
        assert!(error.ends_with("package.json does not say what it is called"), "{error}");
    }
}
