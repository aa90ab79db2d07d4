//! Where bytes of extensions lie that came from the fleet: each in a file that is named by their digest and never changed,
//! with its signature beside it. What is in use is a link, so that bytes and signature are changed in one step.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use agentapi_controller::build::{BuildError, check_extension};
use agentapi_controller::config::extension::Extension;
use agentapi_controller::config::fleet::chosen;
use agentapi_controller::controller::Companion;
use agentapi_registry::signature::beside;

use crate::bundle::Bundle;

/// Why bytes do not lie on the shelf.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShelfError {
    /// They would be refused.
    #[error("it cannot run")]
    Wrong(#[source] Box<BuildError>),
    /// They could not be written, or the link.
    #[error("the state's folder cannot be written")]
    Write(#[source] io::Error),
}

/// The shelf of one guest.
pub(super) struct Shelf {
    companion: Companion,
    state: PathBuf,
}

impl Shelf {
    pub(super) fn new(companion: Companion) -> Self {
        let state = companion.config.borrow().fixed.state.clone();
        Self { companion, state }
    }

    /// The digest of what is chosen for an extension; none where its own file is.
    pub(super) fn chosen(&self, name: &str) -> Option<String> {
        let target = fs::read_link(chosen(&self.state, name)).ok()?;
        Some(target.file_stem()?.to_str()?.to_owned())
    }

    /// Puts bytes there, if the extension could run with them: nothing is chosen that would not load at the next start.
    pub(super) async fn put(
        &self,
        extension: Extension,
        digest: String,
        bundle: Bundle,
    ) -> Result<Extension, ShelfError> {
        let link = chosen(&self.state, &extension.name);
        let file = link.with_file_name(format!("{digest}.wasm"));
        let extension = Extension { file: file.clone(), sha256: Some(digest), ..extension };
        let work = move |host: &agentapi_host::Host| {
            write(&file, &bundle.wasm).map_err(ShelfError::Write)?;
            write(&beside(&file), bundle.signature.as_bytes()).map_err(ShelfError::Write)?;
            let checked = check_extension(host, &extension);
            if checked.is_err() {
                for file in [beside(&file), file] {
                    let _ = fs::remove_file(file);
                }
            }
            checked.map_err(|why| ShelfError::Wrong(Box::new(why)))?;
            Ok(extension)
        };
        let done = self.companion.on_disk(work).await;
        done.unwrap_or_else(|panic| Err(ShelfError::Write(io::Error::other(panic))))
    }

    /// Chooses what lies there, or the extension's own file.
    pub(super) async fn choose(&self, name: &str, digest: Option<String>) -> io::Result<()> {
        let link = chosen(&self.state, name);
        let done = self.companion.on_disk(move |_| point(&link, digest.as_deref())).await;
        done.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    }
}

fn point(link: &Path, digest: Option<&str>) -> io::Result<()> {
    let Some(digest) = digest else {
        return match fs::remove_file(link) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
            _ => Ok(()),
        };
    };
    let new = link.with_extension("new");
    match fs::remove_file(&new) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    symlink(format!("{digest}.wasm"), &new)?;
    fs::rename(&new, link)?;
    sync_folder(link)
}

/// On the disk when this returns, whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("part");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
