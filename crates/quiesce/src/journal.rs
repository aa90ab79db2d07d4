//! What is frozen, on disk, so that the next process can thaw what this one left.
//!
//! One JSON object a line, only ever appended:
//!
//! ```text
//! {"at_unix_s":1790000000,"event":"frozen","holder":"nightly"}
//! {"at_unix_s":1790000007,"event":"thawed","holder":"nightly","frozen_ms":6712,"ended_by":"thawed by its holder"}
//! ```
//!
//! The last line decides: `frozen`, written before the freeze begins, means that something may be frozen, and so does a
//! line that is not understood. The file is locked while it is open, so that no process thaws what another one holds.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{EndedBy, JournalError, Report};

/// The open journal.
pub(super) struct Journal {
    file: File,
    /// Bytes of whole lines. What lies behind them was never said to be written.
    length: u64,
}

/// A freeze that the journal knows no end of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftFrozen {
    pub(super) holder: String,
    pub(super) since_unix_s: u64,
}

#[derive(Deserialize, Serialize)]
struct Line {
    at_unix_s: u64,
    event: Event,
    holder: String,
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
    pub(super) fn open(path: &Path) -> Result<(Self, Option<LeftFrozen>), JournalError> {
        let unusable = |source| JournalError::Unusable { file: path.to_owned(), source };
        let mut file = create(path).map_err(unusable)?;
        let is_ours = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(why)) => return Err(unusable(why)),
        };
        let text = whole_lines(&mut file).map_err(unusable)?;
        let left = left_frozen(&text);
        if !is_ours {
            return Err(JournalError::InUse { file: path.to_owned(), holder: left.map(|left| left.holder) });
        }
        let mut journal = Self { file, length: text.len() as u64 };
        // What a crash left of a line that was being written.
        journal.drop_unfinished().map_err(unusable)?;
        if left.is_none() {
            journal.compact().map_err(unusable)?;
        }
        Ok((journal, left))
    }

    /// To be called, and to succeed, before anything is frozen.
    pub(super) fn frozen(&mut self, holder: &str) -> io::Result<()> {
        let holder = holder.to_owned();
        self.append(&Line { at_unix_s: unix_s(), event: Event::Frozen, holder, frozen_ms: None, ended_by: None })
    }

    /// To be called when everything is thawed.
    pub(super) fn ended(&mut self, report: &Report) -> io::Result<()> {
        let event = if report.ended_by == EndedBy::Recovered { Event::Recovered } else { Event::Thawed };
        self.append(&Line {
            at_unix_s: unix_s(),
            event,
            holder: report.holder.clone(),
            frozen_ms: u64::try_from(report.frozen.as_millis()).ok(),
            ended_by: Some(report.ended_by.to_string()),
        })?;
        self.compact()
    }

    /// Writes the line to the disk, whole, or leaves the file as it was.
    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_all());
        if written.is_ok() {
            self.length += text.len() as u64;
        } else if let Err(why) = self.drop_unfinished() {
            tracing::error!(error = %why, "the quiesce journal holds half a line");
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

impl LeftFrozen {
    /// How long ago that was, by the clock.
    pub(super) fn age(&self) -> Duration {
        Duration::from_secs(unix_s().saturating_sub(self.since_unix_s))
    }
}

/// What the file holds, up to the end of its last whole line.
fn whole_lines(file: &mut File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    text.truncate(whole);
    Ok(text)
}

fn left_frozen(text: &[u8]) -> Option<LeftFrozen> {
    let last = text.split(|&byte| byte == b'\n').rfind(|line| !line.is_empty())?;
    match serde_json::from_slice::<Line>(last) {
        Ok(Line { event: Event::Frozen, holder, at_unix_s, .. }) => {
            Some(LeftFrozen { holder, since_unix_s: at_unix_s })
        }
        Ok(Line { event: Event::Thawed | Event::Recovered, .. }) => None,
        Err(why) => {
            tracing::warn!(error = %why, "the quiesce journal's last line is damaged: taken for a freeze");
            Some(LeftFrozen { holder: UNKNOWN_HOLDER.to_owned(), since_unix_s: unix_s() })
        }
    }
}

/// The file for reading and appending. Its name is on the disk, too, when this returns.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("expected a regular file"));
    }
    #[cfg(unix)]
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all()?,
        _ => File::open(".")?.sync_all()?,
    }
    Ok(file)
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// 64 KiB: some hundred freezes for people to read. Older ones are nobody's concern once all is thawed.
const MAX_BYTES: u64 = 64 * 1024;
/// Who froze, where the journal's line cannot be read.
const UNKNOWN_HOLDER: &str = "unknown";

#[cfg(test)]
mod tests;
