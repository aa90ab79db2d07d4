//! The state of extensions in a file, for `policy run --state`.
//!
//! The file is JSON: for each extension, by its name, its keys with their values; a value that is no text is
//! `{"hex": ".."}`. It is replaced whole at each change, by a temporary file beside it that is on the disk before it gets
//! the name, so that a process that is killed leaves the state before the change or after it. `FILE.lock` is locked while
//! the extension runs: two runs would undo each other's changes.
//!
//! While something is frozen nothing is written; what was changed meanwhile is, after the thaw.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agentapi_host::policy::{StateFuture, StateStore, StateStoreError};
use agentapi_host::quiesce::Parked;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// Keeps the state of extensions in a file. Clones share it.
#[derive(Clone)]
pub(crate) struct StateFile(Arc<Mutex<Kept>>);

struct Kept {
    path: PathBuf,
    extensions: BTreeMap<String, BTreeMap<String, Value>>,
    /// How many freezes have parked it.
    parked: usize,
    is_changed: bool,
    /// Keeps other runs from the file.
    _lock: File,
}

/// A value as it is in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Bytes { hex: String },
}

impl StateFile {
    /// Reads the file, if it is there, and keeps other runs from it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let lock = lock(path).with_context(|| format!("--state {shown} cannot be used"))?;
        let Some(lock) = lock else { bail!("--state {shown} is in use by another run: wait for its end") };
        let extensions = match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("--state {shown} is not right"))?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| format!("--state {shown} cannot be read")),
        };
        let kept = Kept { path: path.to_owned(), extensions, parked: 0, is_changed: false, _lock: lock };
        Ok(Self(Arc::new(Mutex::new(kept))))
    }

    /// Writes nothing until the value is dropped, which the coordinator does after the thaw.
    pub(crate) fn park(&self) -> Parked {
        self.kept().parked += 1;
        Parked::until_dropped(Unpark(self.clone()))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends one parking when it is dropped.
struct Unpark(StateFile);

impl Drop for Unpark {
    fn drop(&mut self) {
        let mut kept = self.0.kept();
        kept.parked -= 1;
        if kept.parked == 0
            && kept.is_changed
            && let Err(error) = kept.write()
        {
            let file = kept.path.display();
            tracing::error!(%file, %error, "what was changed while something was frozen is not written to the state");
        }
    }
}

impl StateStore for StateFile {
    fn load(&self, extension: &str) -> StateFuture<BTreeMap<String, Vec<u8>>> {
        let entries = self.kept().extensions.get(extension).cloned().unwrap_or_default();
        let entries = entries.into_iter().map(|(key, value)| Some((key, value.into_bytes()?))).collect::<Option<_>>();
        Box::pin(async { entries.ok_or_else(|| StateStoreError::new("expected pairs of hex digits, found others")) })
    }

    fn write(&self, extension: &str, key: &str, value: Option<&[u8]>) -> StateFuture<()> {
        let outcome = self.kept().change(extension, key, value.map(Value::from_bytes));
        Box::pin(async { outcome.map_err(StateStoreError::new) })
    }
}

impl Kept {
    fn change(&mut self, extension: &str, key: &str, value: Option<Value>) -> io::Result<()> {
        let before = self.set(extension, key, value);
        self.is_changed = true;
        if self.parked > 0 {
            return Ok(());
        }
        self.write().inspect_err(|_| {
            // What the extension is told has failed must not come with a later change.
            self.set(extension, key, before);
        })
    }

    /// Returns what it was before.
    fn set(&mut self, extension: &str, key: &str, value: Option<Value>) -> Option<Value> {
        let entries = self.extensions.entry(extension.to_owned()).or_default();
        match value {
            Some(value) => entries.insert(key.to_owned(), value),
            None => entries.remove(key),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(&self.extensions)?;
        text.push(b'\n');
        // Beside the file, because only within one file system a rename replaces at once.
        let temporary = beside(&self.path, ".new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        self.is_changed = false;
        Ok(())
    }
}

impl Value {
    fn from_bytes(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes { hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect() },
        }
    }

    /// None where a person has written something else than hex digits.
    fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.into_bytes()),
            Self::Bytes { hex } => {
                let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
                let is_hex = rest.is_empty() && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
                let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
                is_hex.then(|| pairs.iter().map(byte).collect()).flatten()
            }
        }
    }
}

/// None where another run has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(beside(path, ".lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    async fn load(file: &StateFile, extension: &str) -> Vec<(String, Vec<u8>)> {
        file.load(extension).await.unwrap().into_iter().collect()
    }

    #[tokio::test]
    async fn it_is_replaced_whole_and_read_back_by_the_next_run_for_each_extension_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let file = StateFile::open(&path).unwrap();
        file.write("one", "text", Some(b"a\nb")).await.unwrap();
        file.write("one", "bytes", Some(&[0xff, 0x00])).await.unwrap();
        file.write("other", "text", Some(b"c")).await.unwrap();
        file.write("other", "text", None).await.unwrap();
        let refused = StateFile::open(&path).err().unwrap().to_string();
        assert!(refused.ends_with("state.json is in use by another run: wait for its end"), "{refused}");
        drop(file);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!beside(&path, ".new").exists());

        let file = StateFile::open(&path).unwrap();
        let expected = [("bytes".to_owned(), vec![0xff, 0x00]), ("text".to_owned(), b"a\nb".to_vec())];
        assert_eq!((load(&file, "one").await, load(&file, "other").await), (expected.to_vec(), Vec::new()));
    }

    #[tokio::test]
    async fn while_something_is_frozen_nothing_is_written_and_after_the_last_thaw_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let file = StateFile::open(&path).unwrap();
        let (first, second) = (file.park(), file.park());
        file.write("x", "a", Some(b"1")).await.unwrap();
        drop(first);
        assert!(!path.exists(), "one freeze still lasts");
        drop(second);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"x\": {\n    \"a\": \"1\"\n  }\n}\n");
    }

    #[tokio::test]
    async fn a_change_that_cannot_be_written_fails_and_is_not_made_later_either() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let file = StateFile::open(&path).unwrap();
        fs::create_dir(beside(&path, ".new")).unwrap();
        file.write("x", "a", Some(b"1")).await.unwrap_err();
        fs::remove_dir(beside(&path, ".new")).unwrap();
        file.write("x", "b", Some(b"2")).await.unwrap();
        assert_eq!(load(&file, "x").await, [("b".to_owned(), b"2".to_vec())]);
        assert!(!fs::read_to_string(&path).unwrap().contains('1'));
    }

    #[test]
    fn a_file_that_is_something_else_is_refused_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for text in ["[]", "{\"x\": {\"a\": 1}}", "not json"] {
            fs::write(&path, text).unwrap();
            let refused = StateFile::open(&path).err().unwrap().to_string();
            assert!(refused.ends_with("is not right"), "{refused}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(Value::Bytes { hex: "+1".into() }.into_bytes(), None);
        assert_eq!(Value::Bytes { hex: "abc".into() }.into_bytes(), None);
    }
}
