//! Where the parts of a test are: the extension, its grants, its cases.
//!
//! | part | where, the first that is there |
//! | --- | --- |
//! | cases | what is named: files, or folders; else `cases/*.toml` |
//! | project folder | the folder above `cases/`, or else that of the case file |
//! | grants | what is named; `grants` in the case file; `grants.toml` in the project folder |
//! | extension | what is named; `extension` in the case file; the one that was built last in the project folder, see [`built`] |

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
    let files = with_extension(&folder, "toml");
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

/// The extension that was built last in a project folder: the only `dist/*.wasm`, or where cargo has put it,
/// `target/wasm32-wasip2/PROFILE/NAME.wasm` in the folder or above.
pub(crate) fn built(folder: &Path) -> Result<PathBuf, String> {
    let in_dist = with_extension(&folder.join("dist"), "wasm");
    if in_dist.len() > 1 {
        let count = in_dist.len();
        return Err(format!("expected one extension in {}, found {count}: name one", folder.join("dist").display()));
    }
    let built = in_dist.into_iter().chain(built_by_cargo(folder));
    built.max_by_key(|file| modified(file)).ok_or_else(|| {
        format!("expected an extension in {}, built by `agentapi policy build` or cargo, found none", folder.display())
    })
}

fn built_by_cargo(folder: &Path) -> Vec<PathBuf> {
    let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else { return Vec::new() };
    let manifest: Table = toml::from_str(&manifest).unwrap_or_default();
    let name = |table: &str| manifest.get(table).and_then(|table| table.get("name")).and_then(Value::as_str);
    let name = format!("{}.wasm", name("lib").or(name("package")).unwrap_or_default().replace('-', "_"));
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let targets = folder.ancestors().map(|folder| folder.join("target/wasm32-wasip2"));
    let profiles = targets.filter_map(|target| fs::read_dir(target).ok()).flatten().filter_map(Result::ok);
    profiles.map(|profile| profile.path().join(&name)).filter(|file| file.is_file()).collect()
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|file| file.modified()).ok()
}

/// The files in a folder whose names end so, in an order that does not change.
fn with_extension(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|other| other == extension)).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{built, case_files, project_folder};

    #[test]
    fn the_extension_is_in_dist_or_where_cargo_puts_it() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("extensions/one");
        fs::create_dir_all(project.join("dist")).unwrap();
        assert!(built(&project).unwrap_err().ends_with("found none"));

        fs::write(project.join("Cargo.toml"), "[package]\nname = \"night-watch\"").unwrap();
        let profile = folder.path().join("target/wasm32-wasip2/component");
        fs::create_dir_all(&profile).unwrap();
        fs::write(profile.join("other.wasm"), "").unwrap();
        assert!(built(&project).is_err());
        fs::write(profile.join("night_watch.wasm"), "").unwrap();
        assert_eq!(built(&project).unwrap(), profile.join("night_watch.wasm"));

        fs::write(project.join("dist/night-watch.wasm"), "").unwrap();
        let file = fs::File::options().write(true).open(profile.join("night_watch.wasm")).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        fs::File::options()
            .write(true)
            .open(project.join("dist/night-watch.wasm"))
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert_eq!(built(&project).unwrap(), project.join("dist/night-watch.wasm"), "it was built last");
        file.set_modified(later + std::time::Duration::from_secs(60)).unwrap();
        assert_eq!(built(&project).unwrap(), profile.join("night_watch.wasm"), "it was built last");

        fs::write(project.join("dist/two.wasm"), "").unwrap();
        assert!(built(&project).unwrap_err().ends_with("found 2: name one"));
    }

    #[test]
    fn cases_are_files_or_all_of_a_folder_and_their_project_is_above() {
        let folder = tempfile::tempdir().unwrap();
        let cases = folder.path().join("cases");
        fs::create_dir(&cases).unwrap();
        assert!(case_files(folder.path()).unwrap_err().to_string().ends_with("*.toml, found none"));
        for name in ["b.toml", "a.toml", "README.md"] {
            fs::write(cases.join(name), "").unwrap();
        }
        let all = [cases.join("a.toml"), cases.join("b.toml")];
        assert_eq!(case_files(folder.path()).unwrap(), all);
        assert_eq!(case_files(&cases).unwrap(), all);
        assert_eq!(case_files(&all[1]).unwrap(), all[1..]);
        assert_eq!(project_folder(&all[0]), folder.path());
        assert_eq!(project_folder(&folder.path().join("x.toml")), folder.path());
    }
}
