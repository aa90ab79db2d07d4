//! The journal as it is found, without changing it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::OFlags;

use super::{Entry, Event, HEADER, Line, MAX_LINE_BYTES, unix_s};
use crate::error::JournalError;

/// What a journal says.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) left: Option<LeftFrozen>,
    /// Of its complete lines, in bytes.
    pub(super) length: u64,
}

/// A freeze that the journal knows no end of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftFrozen {
    pub(crate) holder: String,
    pub(crate) since_unix_s: u64,
    /// `None` in a journal of an older version, and for a line that is not understood.
    pub(crate) entry: Option<Entry>,
    /// Whether the line is not understood.
    pub(crate) is_damaged: bool,
}

impl LeftFrozen {
    /// Whether two looks have found the same line. A damaged one has no time of its own.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let is_same_time = self.since_unix_s == other.since_unix_s || (self.is_damaged && other.is_damaged);
        self.holder == other.holder && self.entry == other.entry && is_same_time
    }

    /// Of a journal that another process has open.
    pub(crate) fn into_in_use(self, path: &Path) -> JournalError {
        let since = (!self.is_damaged).then(|| UNIX_EPOCH + Duration::from_secs(self.since_unix_s));
        JournalError::InUse { file: path.to_owned(), holder: Some(self.holder), since }
    }

    /// How long ago that was, by the clock.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_secs(unix_s().saturating_sub(self.since_unix_s))
    }
}

/// Reads a journal that may be somebody else's. One that is not there holds nothing.
pub(crate) fn look(path: &Path) -> Result<Look, JournalError> {
    let mut options = OpenOptions::new();
    // A pipe would be waited for.
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    match options.open(path) {
        Ok(mut file) => look_at(&mut file, path),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(Look { left: None, length: 0 }),
        Err(source) => Err(JournalError::Unusable { file: path.to_owned(), source }),
    }
}

/// Whether a process has it open, for a journal whose owner cannot be asked for otherwise. Nothing is written.
pub(crate) fn is_locked(path: &Path) -> Result<bool, JournalError> {
    let unusable = |source| JournalError::Unusable { file: path.to_owned(), source };
    match File::open(path).map_err(unusable)?.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(why)) => Err(unusable(why)),
    }
}

pub(super) fn look_at(file: &mut File, path: &Path) -> Result<Look, JournalError> {
    let unusable = |source| JournalError::Unusable { file: path.to_owned(), source };
    let metadata = file.metadata().map_err(unusable)?;
    if !metadata.is_file() {
        return Err(unusable(io::Error::other("expected a regular file")));
    }
    if !is_journal(&read(file, 0, MAX_LINE_BYTES).map_err(unusable)?) {
        return Err(JournalError::NotAJournal { file: path.to_owned() });
    }
    let begin = metadata.len().saturating_sub(MAX_LINE_BYTES as u64 + 1);
    let tail = read(file, begin, MAX_LINE_BYTES + 1).map_err(unusable)?;
    let whole = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let lines = tail.get(..whole).unwrap_or_default();
    // Where no line ends within reach, the file is longer than any that was written here; nothing is cut off then.
    let length = if whole == 0 && begin > 0 { metadata.len() } else { begin + whole as u64 };
    let last = lines.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|&byte| byte == b'\n').find(|l| !l.is_empty()));
    Ok(Look { left: last.and_then(left_frozen), length })
}

/// By its first line. A file in which no line is complete must be the beginning of one.
fn is_journal(head: &[u8]) -> bool {
    match head.split_inclusive(|&byte| byte == b'\n').next() {
        None => true,
        Some(first) if first == HEADER.as_bytes() => true,
        Some(first) if first.ends_with(b"\n") => serde_json::from_slice::<Line>(first).is_ok(),
        Some(torn) => {
            let is_begun = |line: &[u8]| line.starts_with(torn) || torn.starts_with(line);
            is_begun(HEADER.as_bytes()) || is_begun(b"{\"at_unix_s\":") || torn.iter().all(|&byte| byte == 0)
        }
    }
}

/// What the last line says is frozen.
fn left_frozen(last: &[u8]) -> Option<LeftFrozen> {
    if last == HEADER.trim_end().as_bytes() {
        return None;
    }
    match serde_json::from_slice::<Line>(last) {
        Ok(Line { event: Event::Frozen, holder, at_unix_s, entry, .. }) => {
            Some(LeftFrozen { holder, since_unix_s: at_unix_s, entry, is_damaged: false })
        }
        Ok(Line { event: Event::Thawed | Event::Recovered, .. }) => None,
        Err(_) => {
            let holder = UNKNOWN_HOLDER.to_owned();
            Some(LeftFrozen { holder, since_unix_s: unix_s(), entry: None, is_damaged: true })
        }
    }
}

/// Up to so many bytes, from there.
fn read(file: &mut File, from: u64, limit: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Who froze, where the journal's line cannot be read.
const UNKNOWN_HOLDER: &str = "unknown";
