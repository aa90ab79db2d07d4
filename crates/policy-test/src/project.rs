//! Where the parts of a test are: the extension, its grants, its cases.
//!
//! | part | where, the first that is there |
//! | --- | --- |
//! | cases | what is named: files, or folders; else `cases/*.toml` |
//! | project folder | the folder above `cases/`, or else that of the case file |
//! | grants | what is named; `grants` in the case file; `grants.toml` in the project folder |
//! | extension | what is named; `extension` in the case file; else, in the project folder, see [`built`] |

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use toml::{Table, Value};

use crate::file::CaseFileError;

/// The case files in what is named: a file, or a folder with cases or with a folder `cases`.
///
/// # Errors
///
/// [`CaseFileError`] where there are none.
pub fn case_files(named: &Path) -> Result<Vec<PathBuf>, CaseFileError> {
    if named.is_file() {
        return Ok(vec![named.to_owned()]);
    }
    let inner = named.join("cases");
    let folder = if inner.is_dir() { inner } else { named.to_owned() };
    let files = fs::read_dir(&folder).map_err(|why| CaseFileError::new(&folder, format!("cannot be read: {why}")))?;
    let files = files.filter_map(|file| Some(file.ok()?.path()));
    let mut files: Vec<_> = files.filter(|file| has_extension(file, "toml")).collect();
    // The order of a folder is none.
    files.sort();
    if files.is_empty() {
        return Err(CaseFileError::new(&folder, "expected case files, *.toml, found none"));
    }
    Ok(files)
}

/// The folder of the extension that a case file is for.
pub(crate) fn project_folder(case_file: &Path) -> &Path {
    let folder = case_file.parent().unwrap_or(Path::new(""));
    if folder.file_name().is_some_and(|name| name == "cases") {
        folder.parent().unwrap_or(Path::new(""))
    } else {
        folder
    }
}

/// The extension that was built in a project folder.
///
/// | the folder has | the extension is |
/// | --- | --- |
/// | `Cargo.toml` | `target/wasm32-wasip2/PROFILE/NAME.wasm`, here or above; the one that was built last |
/// | else | the only `dist/*.wasm` |
pub(crate) fn built(folder: &Path) -> Result<PathBuf, String> {
    match fs::read_to_string(folder.join("Cargo.toml")) {
        Ok(manifest) => built_by_cargo(folder, &manifest),
        Err(_) => only_in_dist(folder),
    }
}

fn built_by_cargo(folder: &Path, manifest: &str) -> Result<PathBuf, String> {
    let manifest: Table = toml::from_str(manifest).unwrap_or_default();
    let name = |table: &str| manifest.get(table).and_then(|table| table.get("name")).and_then(Value::as_str);
    let name = name("lib").or(name("package")).unwrap_or_default().replace('-', "_");
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let targets = folder.ancestors().map(|folder| folder.join("target/wasm32-wasip2"));
    let profiles = targets.filter_map(|target| fs::read_dir(target).ok()).flatten().filter_map(Result::ok);
    let built = profiles.map(|profile| profile.path().join(format!("{name}.wasm"))).filter(|file| file.is_file());
    built.max_by_key(|file| modified(file)).ok_or_else(|| {
        format!(
            "expected target/wasm32-wasip2/PROFILE/{name}.wasm in {} or above, found none: build it",
            folder.display()
        )
    })
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|file| file.modified()).ok()
}

fn only_in_dist(folder: &Path) -> Result<PathBuf, String> {
    let dist = folder.join("dist");
    let files = fs::read_dir(&dist).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
    let files: Vec<_> = files.filter(|file| has_extension(file, "wasm")).collect();
    match files.as_slice() {
        [file] => Ok(file.clone()),
        other => Err(format!(
            "expected one extension in {}, found {}: build it, or name it",
            dist.join("*.wasm").display(),
            other.len()
        )),
    }
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|other| other == extension)
}
