//! The listening sockets: bound under a temporary name, given their mode, and only then renamed, so that nobody can connect
//! before the mode is right.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener as Inherited, UnixStream as Probe};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// A listening socket, whose file is removed when it is dropped, unless somebody else has bound it.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) listener: UnixListener,
    /// None where it is not ours to remove.
    file: Option<PathBuf>,
}

impl Listening {
    /// One that listens already. It goes on listening when this is dropped, for as long as somebody else holds it.
    pub(super) fn inherited(listener: &Inherited) -> io::Result<Self> {
        let listener = listener.try_clone()?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, file: None })
    }

    /// Binds a socket at this path, with this mode, for this group if one is named.
    ///
    /// # Errors
    ///
    /// When the path holds something else than a socket, or a socket on which somebody answers; when the folder may not be
    /// written to.
    pub(super) fn bind(file: &Path, mode: u32, group: Option<u32>) -> io::Result<Self> {
        refuse_what_is_in_use(file)?;
        let mut temporary = file.as_os_str().to_owned();
        temporary.push(format!(".{}", std::process::id()));
        let temporary = PathBuf::from(temporary);
        match fs::remove_file(&temporary) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        let listener = UnixListener::bind(&temporary)?;
        let placed = fs::set_permissions(&temporary, Permissions::from_mode(mode))
            .and_then(|()| group.map_or(Ok(()), |group| chown(&temporary, None, Some(group))))
            .and_then(|()| fs::rename(&temporary, file));
        if let Err(why) = placed {
            let _ = fs::remove_file(&temporary);
            return Err(why);
        }
        Ok(Self { listener, file: Some(file.into()) })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = fs::remove_file(file);
        }
    }
}

/// A stale socket, which a crash leaves, is replaced. Anything else is not ours to remove.
fn refuse_what_is_in_use(file: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(file) {
        Ok(found) => found.file_type(),
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(why),
    };
    if !found.is_socket() {
        let text = format!("expected a socket or nothing at {}, found another file", file.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    match Probe::connect(file) {
        Ok(_) => {
            let text = format!("another process answers at {}", file.display());
            Err(io::Error::new(io::ErrorKind::AddrInUse, text))
        }
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::Listening;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agentapi.sock");
        drop(std::os::unix::net::UnixListener::bind(&file).unwrap());
        let listening = Listening::bind(&file, 0o660, None).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o660);
        let in_use = Listening::bind(&file, 0o660, None).unwrap_err();
        assert!(in_use.to_string().starts_with("another process answers"), "{in_use}");
        drop(listening);
        assert!(!file.exists());

        fs::write(&file, "somebody's notes").unwrap();
        let other = Listening::bind(&file, 0o660, None).unwrap_err();
        assert!(other.to_string().starts_with("expected a socket or nothing"), "{other}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "somebody's notes");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary name is left");
    }

    #[tokio::test]
    async fn an_inherited_socket_is_served_as_it_is_and_listens_on_when_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agentapi.sock");
        let inherited = std::os::unix::net::UnixListener::bind(&file).unwrap();
        let listening = Listening::inherited(&inherited).unwrap();
        let _client = std::os::unix::net::UnixStream::connect(&file).unwrap();
        listening.listener.accept().await.unwrap();
        drop(listening);
        assert!(file.exists());
        std::os::unix::net::UnixStream::connect(&file).unwrap();
    }
}
