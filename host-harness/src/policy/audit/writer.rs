//! The audit's file as it is written to, and the lines that wait while it must not be.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::policy::audit::trail::now_unix_ms;

/// The file, and the lines that wait while it must not be written to.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    file: File,
    /// How many freezes have parked it; lines are written while it is 0.
    parked: usize,
    /// Complete lines, in their order.
    waiting: Vec<u8>,
    /// Lines that found no room, and that no line in the file counts yet.
    dropped: u64,
    /// The file ends in the middle of a line, because the disk was full.
    is_torn: bool,
    /// Whether the name was to be opened anew meanwhile.
    is_rotated: bool,
}

/// Says in the file how many lines it lacks.
#[derive(Serialize)]
struct DroppedLines {
    event: &'static str,
    at_unix_ms: u64,
    lines: u64,
}

/// How many lines could not be written, and why.
struct Unwritten {
    lines: u64,
    why: io::Error,
}

/// Most bytes of lines that wait during a freeze: some five thousand operations. What does not fit is counted, because
/// memory that grows until the thaw could end the process that is to thaw.
pub(super) const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

impl Writer {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = append_to(&path)?;
        Ok(Self::new(path, file))
    }

    fn new(path: PathBuf, file: File) -> Self {
        Self { path, file, parked: 0, waiting: Vec::new(), dropped: 0, is_torn: false, is_rotated: false }
    }

    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if self.parked > 0 {
            // Opening a file waits for the thaw as writing to one does.
            self.is_rotated = true;
            return Ok(());
        }
        self.file = append_to(&self.path)?;
        self.is_torn = false;
        Ok(())
    }

    pub(super) fn park(&mut self) {
        self.parked += 1;
    }

    pub(super) fn unpark(&mut self) {
        self.parked = self.parked.saturating_sub(1);
        if self.parked == 0 {
            self.resume();
        }
    }

    pub(super) fn take(&mut self, line: &[u8]) {
        if self.parked == 0 {
            self.write_dropped();
            return self.write(line);
        }
        if self.waiting.len() + line.len() > MAX_WAITING_BYTES {
            self.dropped += 1;
        } else {
            self.waiting.extend_from_slice(line);
        }
    }

    /// Writes what has waited, first of all into the file that the name meant then.
    fn resume(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() {
            self.write(&waiting);
        }
        self.write_dropped();
        if std::mem::take(&mut self.is_rotated)
            && let Err(why) = self.reopen()
        {
            tracing::error!(file = %self.path.display(), error = %why, "the audit is not rotated");
        }
    }

    /// Says how many lines are missing here.
    fn write_dropped(&mut self) {
        if self.dropped == 0 {
            return;
        }
        tracing::error!(file = %self.path.display(), lines = self.dropped, "the audit lacks lines");
        let line = DroppedLines { event: "dropped", at_unix_ms: now_unix_ms(), lines: self.dropped };
        // If this line finds no room either, the count stays.
        if json_line(&line).is_some_and(|line| self.append(&line).is_ok()) {
            self.dropped = 0;
        }
    }

    fn write(&mut self, lines: &[u8]) {
        if let Err(Unwritten { lines, why }) = self.append(lines) {
            tracing::error!(file = %self.path.display(), error = %why, "the audit cannot be written");
            self.dropped += lines;
        }
    }

    /// One write for whole lines: O_APPEND then keeps the lines of two processes apart.
    fn append(&mut self, lines: &[u8]) -> Result<(), Unwritten> {
        let mut rest = lines;
        let outcome = self.end_torn_line().and_then(|()| {
            while !rest.is_empty() {
                match self.file.write(rest) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(written) => {
                        let (done, left) = rest.split_at(written.min(rest.len()));
                        (self.is_torn, rest) = (!done.ends_with(b"\n"), left);
                    }
                    Err(why) if why.kind() == ErrorKind::Interrupted => {}
                    Err(why) => return Err(why),
                }
            }
            Ok(())
        });
        outcome.map_err(|why| Unwritten { lines: rest.iter().filter(|&&byte| byte == b'\n').count() as u64, why })
    }

    /// The next line must be one of its own. What is left of a line that did not fit stays as it is, and is counted.
    fn end_torn_line(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.is_torn = false;
        }
        Ok(())
    }
}

/// None where the entry has no JSON, which its types rule out.
pub(super) fn json_line(entry: &impl Serialize) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(entry).inspect_err(|why| tracing::error!(%why, "an entry has no JSON")).ok()?;
    line.push(b'\n');
    Some(line)
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;

    use super::{File, PathBuf, Writer};

    #[test]
    fn after_a_line_that_did_not_fit_whole_the_next_one_is_a_line_of_its_own() {
        // A pipe that nobody reads is full after some 64 KiB, in the middle of a line of more than a page.
        let (mut reader, pipe) = std::io::pipe().unwrap();
        let file = File::from(OwnedFd::from(pipe));
        rustix::io::ioctl_fionbio(&file, true).unwrap();
        let mut writer = Writer::new(PathBuf::new(), file);
        let line = "x".repeat(9_999) + "\n";
        let mut taken = 0;
        while writer.dropped == 0 {
            writer.take(line.as_bytes());
            taken += 1;
        }
        assert!(writer.is_torn, "the pipe was full at the end of a line");
        let mut buffer = vec![0; taken * line.len()];
        let written = reader.read(&mut buffer).unwrap();
        writer.take(b"next\n");
        drop(writer);
        buffer.truncate(written);
        reader.read_to_end(&mut buffer).unwrap();
        let text = String::from_utf8(buffer).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.iter().filter(|whole| whole.len() == 9_999).count(), taken - 1);
        let [torn, dropped, next] = lines[taken - 1..] else { panic!("{} lines", lines.len()) };
        assert!(torn.len() < 9_999 && dropped.contains(r#""event":"dropped""#) && dropped.ends_with(r#""lines":1}"#));
        assert_eq!(next, "next");
    }
}
