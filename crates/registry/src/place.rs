//! The files of an extension on this machine: `NAME.wasm`, its signature `NAME.wasm.minisig`, and `NAME.wasm.from`, which says
//! where it was pulled from. With them an extension starts without a registry.
//!
//! Each file is written whole or not at all: into a temporary one beside it, which is synced and takes its name.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::signature::beside;

/// Where a file came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The reference that was asked for.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The digest of the artifact that it named.
    pub digest: String,
    /// When it was pulled.
    pub when: String,
}

/// Why what was pulled does not take the place of what is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The tag names another artifact than it did.
    #[error("the tag moved from {old} to {new}: {reference}")]
    Moved {
        /// The tag.
        reference: String,
        /// What it named when it was pulled.
        old: String,
        /// What it names now.
        new: String,
    },
    /// What says where a file came from cannot be read.
    #[error("{}: expected ref, digest and when in TOML, found something else", file.display())]
    Origin {
        /// The file.
        file: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be {}", file.display(), what)]
    File {
        /// The file.
        file: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Origin {
    /// Where a file says where it came from.
    pub fn file(of: &Path) -> PathBuf {
        let mut name = of.as_os_str().to_owned();
        name.push(".from");
        name.into()
    }

    /// Where a file came from; none where nothing says so.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Origin`], [`PlaceError::File`].
    pub fn of(file: &Path) -> Result<Option<Self>, PlaceError> {
        let file = Self::file(file);
        match fs::read_to_string(&file) {
            Ok(text) => toml::from_str(&text).map(Some).map_err(|_| PlaceError::Origin { file }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PlaceError::File { file, what: "read", source }),
        }
    }

    /// Checks that what a tag names now is what it named when this file was pulled by it.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Moved`], and as [`of`](Self::of).
    pub fn check_tag(file: &Path, reference: &str, new: &str) -> Result<(), PlaceError> {
        match Self::of(file)? {
            Some(origin) if origin.reference == reference && origin.digest != new => {
                let (reference, new) = (reference.to_owned(), new.to_owned());
                Err(PlaceError::Moved { reference, old: origin.digest, new })
            }
            _ => Ok(()),
        }
    }
}

/// Writes the files of an extension. The signature and the origin come first, the extension last: whoever finds the new
/// extension finds what belongs to it. In between, the old extension has a signature that does not hold, and is refused.
///
/// # Errors
///
/// [`PlaceError::File`].
pub fn store(file: &Path, wasm: &[u8], signature: Option<&str>, origin: &Origin) -> Result<(), PlaceError> {
    let written = |file: &Path| {
        let file = file.to_owned();
        move |source| PlaceError::File { file, what: "written", source }
    };
    let of_signature = beside(file);
    match signature {
        Some(signature) => write(&of_signature, signature.as_bytes()).map_err(written(&of_signature))?,
        // That of an earlier version would be taken for a wrong one of this.
        None => match fs::remove_file(&of_signature) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(written(&of_signature)(error)),
            _ => {}
        },
    }
    let of_origin = Origin::file(file);
    let text = toml::to_string(origin).map_err(|error| written(&of_origin)(io::Error::other(error)))?;
    write(&of_origin, text.as_bytes()).map_err(written(&of_origin))?;
    write(file, wasm).map_err(written(file))
}

/// Writes a file that anybody may read, whole or not at all.
///
/// # Errors
///
/// What the operating system says; then what was there is as it was.
pub fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with_mode(file, bytes, 0o644)
}

/// Writes a file that only its owner may read, and never over another: a key that is replaced is lost.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`], and what the operating system says.
pub fn write_secret(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let (temporary, folder) = temporary(file, bytes, 0o600)?;
    temporary.persist_noclobber(file).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

fn write_with_mode(file: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let (temporary, folder) = temporary(file, bytes, mode)?;
    temporary.persist(file).map_err(|error| error.error)?;
    // The new name is in the folder, which has to reach the disk too.
    File::open(folder)?.sync_all()
}

fn temporary<'a>(file: &'a Path, bytes: &[u8], mode: u32) -> io::Result<(tempfile::NamedTempFile, &'a Path)> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // In the same folder: a rename does not cross file systems.
    let mut temporary = tempfile::Builder::new().prefix(".agentapi-").tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().set_permissions(Permissions::from_mode(mode))?;
    temporary.as_file().sync_all()?;
    Ok((temporary, folder))
}

#[cfg(test)]
mod tests;
