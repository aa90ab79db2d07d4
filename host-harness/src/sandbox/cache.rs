//! Compiled code on disk, so that the next start does not compile.
//!
//! ```text
//!  <SHA-256 of the component>-<engine>.entry    the SHA-256 of the component and of its code, in hex
//!  <SHA-256 of the code>.cwasm                  the code
//! ```
//!
//! Code is machine code, which is run without a further check. So directory and files must belong to this user, nobody else
//! may be able to write to them, and what is read must have the SHA-256 that its entry names. A file that is damaged, by a
//! crash or a disk, is said once and replaced. Code is named by its own hash, so that of two processes which write at the
//! same time each leaves whole entries.

mod eviction;
mod private;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::sandbox::cache::eviction::evict;
use crate::sandbox::cache::private::{check_private, create_private_dir};
use crate::sandbox::code::{Code, Wasm, map};
use crate::sha256::{Sha256Digest, Sha256Writer};

/// How much compiled code is kept, in bytes, unless the embedder sets another bound: that of a dozen extensions which bring
/// a language's runtime along.
pub(crate) const DEFAULT_CACHE_BYTES: u64 = 512 * 1024 * 1024;
/// How often the use of a file is written down: eviction needs to know days, and a start should write nothing.
const USE_RESOLUTION: Duration = Duration::from_secs(24 * 60 * 60);

/// A directory with compiled code.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    pub(crate) dir: PathBuf,
    pub(crate) max_bytes: u64,
}

impl Cache {
    /// The component's code from the cache, or what `compile` makes, which is then kept. A cache that cannot be used costs
    /// time and not the call, so each failure here is a warning.
    pub(super) fn load_or_compile<E>(
        &self,
        engine: &Engine,
        wasm: Wasm<'_>,
        compile: impl FnOnce() -> Result<Code, E>,
        from_engine: impl Fn(wasmtime::Error) -> E,
    ) -> Result<Component, E> {
        if let Err(why) = create_private_dir(&self.dir) {
            tracing::warn!(dir = %self.dir.display(), error = %why, "compiled code is not kept");
            return compile()?.to_component(engine).map_err(from_engine);
        }
        let entry = self.dir.join(entry_name(engine, wasm));
        match self.load(engine, wasm, &entry) {
            Ok(Some(component)) => return Ok(component),
            Ok(None) => {}
            Err(why) => {
                tracing::warn!(entry = %entry.display(), error = %why, "compiled code is damaged, and is replaced");
            }
        }
        let code = compile()?;
        match self.store(wasm, &entry, &code) {
            // Mapped rather than kept in memory, so that all processes share its pages.
            Ok(file) => map(engine, &file).map_err(from_engine),
            Err(why) => {
                tracing::warn!(entry = %entry.display(), error = %why, "compiled code is not kept");
                code.to_component(engine).map_err(from_engine)
            }
        }
    }

    /// The component that an entry names; none where there is no entry. An error where entry or code cannot be used.
    fn load(&self, engine: &Engine, wasm: Wasm<'_>, entry: &Path) -> io::Result<Option<Component>> {
        let Some(sha256) = read_entry(wasm, entry)? else { return Ok(None) };
        let file = self.code_file(sha256);
        let mut opened = match open_private(&file) {
            // Evicted, and the entry not yet.
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        if hash(&mut opened)? != sha256 {
            return Err(io::Error::other("the code has another SHA-256 than it was compiled with"));
        }
        // Both, or the entry would be removed before its code.
        mark_used(entry);
        mark_used(&file);
        map(engine, &file).map(Some).map_err(io::Error::other)
    }

    /// Keeps code, and returns the file that it is in.
    fn store(&self, wasm: Wasm<'_>, entry: &Path, code: &Code) -> io::Result<PathBuf> {
        let file = self.code_file(code.sha256);
        self.write(&file, &code.bytes)?;
        let named = format!("{}\n{}\n", hex::encode(wasm.sha256), hex::encode(code.sha256));
        // After the code: an entry must never name what is not there yet.
        self.write(entry, named.as_bytes())?;
        evict(&self.dir, self.max_bytes, [&file, entry])?;
        Ok(file)
    }

    /// Writes a file under a temporary name and renames it, so that another process reads it whole or not at all.
    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut unfinished = NamedTempFile::new_in(&self.dir)?;
        unfinished.write_all(bytes)?;
        // Before the rename: after a crash, the name could otherwise stand for a file of zeros.
        unfinished.as_file().sync_all()?;
        unfinished.persist(file).map_err(|failed| failed.error)?;
        File::open(&self.dir)?.sync_all()
    }

    fn code_file(&self, sha256: Sha256Digest) -> PathBuf {
        self.dir.join(format!("{}.cwasm", hex::encode(sha256)))
    }
}

fn entry_name(engine: &Engine, wasm: Wasm<'_>) -> String {
    // Made of wasmtime's version, the CPU's features and the engine's settings, which the code depends on.
    let mut compiler = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compiler);
    format!("{}-{:016x}.entry", hex::encode(wasm.sha256), compiler.finish())
}

/// The SHA-256 of a component's code, as its entry names it; none where there is no entry.
fn read_entry(wasm: Wasm<'_>, entry: &Path) -> io::Result<Option<Sha256Digest>> {
    /// Two hashes in hex, each with its line end.
    const ENTRY_BYTES: u64 = 2 * (64 + 1);
    let opened = match open_private(entry) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    opened.take(ENTRY_BYTES + 1).read_to_string(&mut text)?;
    let named = text.strip_suffix('\n').and_then(|text| text.split_once('\n'));
    let of_code = named.filter(|(of_wasm, _)| *of_wasm == hex::encode(wasm.sha256)).map(|(_, of_code)| of_code);
    let mut sha256 = Sha256Digest::default();
    // Compared as text too: an entry with a letter in upper case is damaged, even if it is read as the same.
    match of_code {
        Some(hex) if hex::decode_to_slice(hex, &mut sha256).is_ok() && hex::encode(sha256) == hex => Ok(Some(sha256)),
        _ => Err(io::Error::other("the entry does not name the component and its code")),
    }
}

fn open_private(file: &Path) -> io::Result<File> {
    check_private(&fs::symlink_metadata(file)?)?;
    File::open(file)
}

fn hash(file: &mut File) -> io::Result<Sha256Digest> {
    let mut hasher = Sha256Writer::new();
    io::copy(file, &mut hasher)?;
    Ok(hasher.finish())
}

/// Sets the time of a file's last change, by which eviction sees what is used. The time of the last read would do, where
/// file systems kept it: most are mounted so that they do not.
fn mark_used(file: &Path) {
    let modified = fs::metadata(file).and_then(|found| found.modified());
    if modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > USE_RESOLUTION)) {
        // On a disk that is read-only, nothing is evicted either.
        let _ = File::open(file).and_then(|file| file.set_modified(SystemTime::now()));
    }
}
