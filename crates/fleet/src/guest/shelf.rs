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
    pub(super) fn chosen(&self, name: &str) -> io::Result<Option<String>> {
        match fs::read_link(chosen(&self.state, name)) {
            Ok(target) => Ok(target.file_stem().and_then(|digest| digest.to_str()).map(str::to_owned)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Puts bytes there, if the extension could run with them: nothing is chosen that would not load at the next start.
    pub(super) async fn put(&self, extension: Extension, digest: String, bundle: Bundle) -> Result<(), ShelfError> {
        let file = chosen(&self.state, &extension.name).with_file_name(format!("{digest}.wasm"));
        let work = move |host: &agentapi_host::Host| {
            // Beside the shelf until they are checked: those of the same digest that lie there may be in use.
            let new = file.with_extension("new.wasm");
            write(&new, &bundle.wasm).map_err(ShelfError::Write)?;
            write(&beside(&new), bundle.signature.as_bytes()).map_err(ShelfError::Write)?;
            let extension = Extension { file: new.clone(), sha256: Some(digest), ..extension };
            if let Err(why) = check_extension(host, &extension) {
                for file in [beside(&new), new] {
                    let _ = fs::remove_file(file);
                }
                return Err(ShelfError::Wrong(Box::new(why)));
            }
            fs::rename(beside(&new), beside(&file))
                .and_then(|()| fs::rename(&new, &file))
                .map_err(ShelfError::Write)?;
            sync_folder(&file).map_err(ShelfError::Write)
        };
        let done = self.companion.on_disk(work).await;
        done.unwrap_or_else(|panic| Err(ShelfError::Write(io::Error::other(panic))))
    }

    /// The bytes with this digest, if they lie there. They were checked when they were put there, and are again when they are put
    /// there anew.
    pub(super) async fn find(&self, name: &str, digest: &str) -> Option<Bundle> {
        let file = chosen(&self.state, name).with_file_name(format!("{digest}.wasm"));
        let read = move |_: &agentapi_host::Host| {
            Some(Bundle { wasm: fs::read(&file).ok()?, signature: fs::read_to_string(beside(&file)).ok()? })
        };
        let found = self.companion.on_disk(read).await.ok()?;
        found.filter(|bundle| bundle.digest() == digest)
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
            Ok(()) => sync_folder(link),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(why) => Err(why),
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
