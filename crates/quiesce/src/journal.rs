//! What is frozen, on disk, so that the next process can thaw what this one left.
//!
//! One JSON object a line, only ever appended. The first says what the file is; journals of older versions lack it:
//!
//! ```text
//! {"journal":"agentapi-quiesce","version":1}
//! {"at_unix_s":1790000000,"event":"frozen","holder":"nightly","entry":{"id":"…","owner":{…},"what":[…],…}}
//! {"at_unix_s":1790000007,"event":"thawed","holder":"nightly","frozen_ms":6712,"ended_by":"thawed by its holder"}
//! ```
//!
//! The last line decides: `frozen`, written before the freeze begins, means that something may be frozen, and so does a
//! line that is not understood. The file is locked while it is open, so that no process thaws what another one holds.
//!
//! Any other file is refused and left as it is. Of a file of whatever size no more than [`MAX_LINE_BYTES`] are read.

mod look;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

pub(crate) use look::{LeftFrozen, Look, is_locked, look};

use crate::application::Recorded;
use crate::error::JournalError;
use crate::process::Owner;
use crate::report::{EndedBy, Report};

/// The open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Length of the complete lines. Anything beyond is a torn write that no caller was told had succeeded; it is cut off.
    length: u64,
}

/// What a freeze consists of, for whoever has to thaw it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// Carried by everything that the freeze starts, in its environment.
    pub(crate) id: String,
    pub(crate) owner: Owner,
    /// Where relative paths of programs lead.
    pub(crate) folder: Option<PathBuf>,
    /// How long a freeze program, or a daemon on its behalf, may go on from the time of the line.
    pub(crate) may_go_on_s: u64,
    pub(crate) what: Vec<Recorded>,
}

#[derive(Deserialize, Serialize)]
struct Line {
    at_unix_s: u64,
    event: Event,
    holder: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<Entry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frozen_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Event {
    Frozen,
    Thawed,
    Recovered,
}

impl Journal {
    /// Opens or makes the journal, and says what it holds that was frozen and not thawed.
    ///
    /// Nothing is written to a journal that is in order: it may lie on a file system that is frozen.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<LeftFrozen>), JournalError> {
        // Refuses what is no journal before anything is made or locked.
        look(path)?;
        let unusable = |source| JournalError::Unusable { file: path.to_owned(), source };
        let mut file = create(path).map_err(unusable)?;
        // Looked at all the same when it is somebody else's, to say who has frozen.
        let is_ours = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(why)) => return Err(unusable(why)),
        };
        let Look { left, length } = look::look_at(&mut file, path)?;
        if !is_ours {
            let unfrozen = || JournalError::InUse { file: path.to_owned(), holder: None, since: None };
            return Err(left.map_or_else(unfrozen, |left| left.into_in_use(path)));
        }
        let mut journal = Self { file, path: path.to_owned(), length };
        if journal.file.metadata().map_err(unusable)?.len() != length {
            // What a crash left of a line that was being written.
            journal.drop_unfinished().map_err(unusable)?;
        }
        if left.is_none() {
            journal.compact().map_err(unusable)?;
        }
        Ok((journal, left))
    }

    /// To be called, and to succeed, before anything is frozen.
    pub(crate) fn frozen(&mut self, holder: &str, entry: Entry) -> io::Result<()> {
        self.is_still_there()?;
        // By the clock and not the monotonic one, which the next boot begins anew.
        let line = Line {
            at_unix_s: unix_s(),
            event: Event::Frozen,
            holder: holder.to_owned(),
            entry: Some(entry),
            frozen_ms: None,
            ended_by: None,
        };
        self.append(&line)
    }

    /// To be called when everything is thawed.
    pub(crate) fn ended(&mut self, report: &Report) -> io::Result<()> {
        self.end(&report.holder, report.frozen, report.ended_by)
    }

    /// To be called when nothing was frozen although [`frozen`](Self::frozen) has worked.
    pub(crate) fn taken_back(&mut self, holder: &str) -> io::Result<()> {
        self.end(holder, Duration::ZERO, EndedBy::FreezeFailed)
    }

    fn end(&mut self, holder: &str, frozen: Duration, ended_by: EndedBy) -> io::Result<()> {
        let event = if ended_by == EndedBy::Recovered { Event::Recovered } else { Event::Thawed };
        self.append(&Line {
            at_unix_s: unix_s(),
            event,
            holder: holder.to_owned(),
            entry: None,
            frozen_ms: u64::try_from(frozen.as_millis()).ok(),
            ended_by: Some(ended_by.to_string()),
        })?;
        // Asked after the line is written: if the file was deleted meanwhile, the line is lost, and the report says so.
        self.is_still_there()?;
        self.compact()
    }

    /// What was written to a file that nobody finds any more was not written.
    fn is_still_there(&self) -> io::Result<()> {
        let (ours, named) = (self.file.metadata()?, fs::metadata(&self.path));
        match named {
            Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => Ok(()),
            Ok(_) => Err(io::Error::other(format!("{} has been replaced by another file", self.path.display()))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                Err(io::Error::other(format!("{} has been deleted", self.path.display())))
            }
            Err(why) => Err(why),
        }
    }

    /// Writes the line to the disk, whole, or leaves the file as it was.
    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = if self.length == 0 { HEADER.as_bytes().to_vec() } else { Vec::new() };
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
        if text.len() > MAX_LINE_BYTES {
            return Err(io::Error::other(format!(
                "expected at most {MAX_LINE_BYTES} bytes about what is frozen, found {}",
                text.len()
            )));
        }
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_all());
        match written {
            Ok(()) => self.length += text.len() as u64,
            // The next process takes half a line for what it is. Not logged: a freeze may be going on.
            Err(_) => drop(self.drop_unfinished()),
        }
        written
    }

    fn drop_unfinished(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.sync_all()
    }

    /// Empties a journal that has grown large. Only when nothing is frozen.
    fn compact(&mut self) -> io::Result<()> {
        if self.length > MAX_BYTES {
            self.length = 0;
            self.drop_unfinished()?;
        }
        Ok(())
    }
}

/// The file for reading and appending. Its name is on the disk, too, when this returns.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    match options.open(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        file => return file,
    }
    let file = options.create(true).open(path)?;
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all()?,
        _ => File::open(".")?.sync_all()?,
    }
    Ok(file)
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The first line.
const HEADER: &str = "{\"journal\":\"agentapi-quiesce\",\"version\":1}\n";
/// 64 KiB: some hundred freezes for people to read. Older ones are nobody's concern once all is thawed.
const MAX_BYTES: u64 = 64 * 1024;
/// 256 KiB: the arguments of more programs than anybody freezes with.
const MAX_LINE_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests;
