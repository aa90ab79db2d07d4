//! A recording file that is being written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{RecordedExchange, line};

/// Writes a recording file, line by line. Only its owner can read the file: it holds what an agent said.
#[derive(Debug)]
pub struct RecordingWriter {
    file: File,
    /// Length of the complete lines, in bytes.
    length: u64,
}

impl RecordingWriter {
    /// Creates the file, with its header.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where there is such a file, else what the operating system said.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut writer = Self { file, length: 0 };
        writer.write_line(line::header()?)?;
        Ok(writer)
    }

    /// As [`Self::create`], and removes a file that is there. It is not written over, because it could have another mode
    /// or be a link.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn replace(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Self::create(path),
        }
    }

    /// Appends an exchange.
    ///
    /// # Errors
    /// What the operating system said, such as that there is no space. The file then ends with the line before.
    pub fn append(&mut self, exchange: &RecordedExchange) -> io::Result<()> {
        self.write_line(line::write(exchange)?)
    }

    fn write_line(&mut self, mut line: String) -> io::Result<()> {
        line.push('\n');
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Where this fails too, the torn line has no line end, so that a reader leaves it out.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }
}
