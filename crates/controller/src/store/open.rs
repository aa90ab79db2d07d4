//! Opening the file: the folder's lock, the check, the pragmas, the migrations.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode};

use crate::store::StoreError;
use crate::store::migrations::migrate;

/// What opening gives.
pub(super) struct Opened {
    /// For the writer.
    pub(super) connection: Connection,
    /// For the readers.
    pub(super) file: PathBuf,
    /// Keeps other controllers out of the folder while it lives.
    pub(super) lock: File,
    /// Where a damaged file was put.
    pub(super) set_aside: Option<PathBuf>,
}

/// Opens the file in this folder, and makes both if they are missing.
pub(super) fn open(folder: &Path) -> Result<Opened, StoreError> {
    let unusable =
        |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Unusable { folder: folder.into(), source };
    // Nobody else's business: log lines of extensions, names of disks.
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|why| unusable(why.into()))?;
    let lock = File::options().create(true).append(true).open(folder.join("controller.lock"));
    let lock = lock.map_err(|why| unusable(why.into()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(folder.into())),
        Err(TryLockError::Error(why)) => return Err(unusable(why.into())),
    }
    let file = folder.join("controller.db");
    match open_checked(&file) {
        Ok(connection) => Ok(Opened { connection, file, lock, set_aside: None }),
        Err(StoreError::Sqlite(why)) if is_damage(&why) => {
            let set_aside = set_aside(&file).map_err(|why| unusable(why.into()))?;
            let connection = open_checked(&file).map_err(|why| unusable(why.into()))?;
            Ok(Opened { connection, file, lock, set_aside: Some(set_aside) })
        }
        Err(newer @ StoreError::Newer { .. }) => Err(newer),
        Err(why) => Err(unusable(why.into())),
    }
}

fn open_checked(file: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A commit that was answered is on the disk: an approval must not be consumed twice because a machine lost power.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", MAX_IDLE_WAL_BYTES)?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(StoreError::Sqlite(rusqlite::Error::SqliteFailure(code, Some(found))));
    }
    migrate(&mut connection)?;
    Ok(connection)
}

fn is_damage(why: &rusqlite::Error) -> bool {
    matches!(why.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Gives a damaged file and what belongs to it another name, so that somebody can look at it.
#[expect(clippy::disallowed_methods, reason = "for a name that differs each time, and nothing else")]
fn set_aside(file: &Path) -> std::io::Result<PathBuf> {
    let suffix = format!(".damaged-{}", Timestamp::now().as_millisecond());
    let with = |end: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    for part in ["-wal", "-shm"] {
        match fs::rename(with(part), with(&format!("{suffix}{part}"))) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    let aside = with(&suffix);
    fs::rename(file, &aside)?;
    Ok(aside)
}

/// Nobody else writes, so that only a reader's lock at a checkpoint is ever waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What the write-ahead log may keep after a checkpoint: a few hundred commits.
const MAX_IDLE_WAL_BYTES: i64 = 4 * 1024 * 1024;
