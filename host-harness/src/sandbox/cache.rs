//! Compiled code on disk, so that the next start does not compile.
//!
//! A file is named by the hash of the component and of the engine that compiled it, so that another version of either
//! is another file. It holds machine code, which is run without a further check. So directory and file must belong to
//! this user, and nobody else may be able to write to them; otherwise they are not used.

use std::fs::{self, DirBuilder};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiles a component for this engine, or loads it from the cache.
pub(crate) fn compile(engine: &Engine, wasm: &[u8], cache_dir: Option<&Path>) -> wasmtime::Result<Component> {
    match cache_dir {
        None => Component::new(engine, wasm),
        Some(dir) => load_cached(engine, wasm, dir),
    }
}

fn load_cached(engine: &Engine, wasm: &[u8], dir: &Path) -> wasmtime::Result<Component> {
    // A cache that cannot be used costs time and not the call, so each failure here is a warning.
    if let Err(why) = create_private_dir(dir) {
        tracing::warn!(dir = %dir.display(), error = %why, "compiled code is not kept");
        return Component::new(engine, wasm);
    }
    let file = dir.join(file_name(engine, wasm));
    if let Some(component) = load(engine, &file) {
        return Ok(component);
    }
    let component = Component::new(engine, wasm)?;
    if let Err(why) = store(&component, dir, &file) {
        tracing::warn!(file = %file.display(), error = %why, "compiled code is not kept");
    }
    Ok(component)
}

/// The component in this file; none where there is none that this engine can run.
#[allow(unsafe_code, reason = "runs code from a directory that only this user can write to, written by `store`")]
fn load(engine: &Engine, file: &Path) -> Option<Component> {
    // Without following a link: its target may lie in a directory that others can write to.
    match fs::symlink_metadata(file) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return None,
        found => {
            if let Err(why) = found.and_then(|found| check_private(&found)) {
                tracing::warn!(file = %file.display(), error = %why, "compiled code is not used");
                return None;
            }
        }
    }
    // SAFETY: `store` wrote the file, whole, under a name made of the component's hash and the engine's. It and its
    // directory belong to this user, and nobody else can write to them.
    match unsafe { Component::deserialize_file(engine, file) } {
        Ok(component) => Some(component),
        Err(why) => {
            tracing::warn!(file = %file.display(), error = %why, "compiled code cannot be used");
            None
        }
    }
}

/// The same component for another engine, which is configured to run the same code.
#[allow(unsafe_code, reason = "runs code that this process has already loaded")]
pub(super) fn for_engine(component: &Component, engine: &Engine) -> wasmtime::Result<Component> {
    // The compiler does not run again: that would take a hundred times as long.
    let code = component.serialize()?;
    // SAFETY: an engine of this process made or loaded the code, and nobody has changed it since.
    unsafe { Component::deserialize(engine, code) }
}

fn store(component: &Component, dir: &Path, file: &Path) -> io::Result<()> {
    let code = component.serialize().map_err(io::Error::other)?;
    // Under a temporary name and then renamed, so that another process reads the file whole or not at all.
    let mut unfinished = NamedTempFile::new_in(dir)?;
    unfinished.write_all(&code)?;
    unfinished.persist(file).map(drop).map_err(|failed| failed.error)
}

fn file_name(engine: &Engine, wasm: &[u8]) -> String {
    // Made of wasmtime's version, the CPU's features and the engine's settings, which the code depends on.
    let mut compiler = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compiler);
    format!("{}-{:016x}.cwasm", hex::encode(Sha256::digest(wasm)), compiler.finish())
}

#[cfg(unix)]
fn create_private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    check_private(&fs::metadata(dir)?)
}

/// Checks that something belongs to this user, and that nobody else may write to it.
#[cfg(unix)]
fn check_private(found: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    const OTHERS_MAY_WRITE: u32 = 0o022;
    let (owner, user) = (found.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(io::Error::other(format!("expected it to belong to user {user}, found user {owner}")));
    }
    if found.mode() & OTHERS_MAY_WRITE != 0 {
        let mode = found.mode() & 0o777;
        return Err(io::Error::other(format!("expected that only its owner can write to it, found mode {mode:o}")));
    }
    if found.is_symlink() { Err(io::Error::other("expected a file, found a link")) } else { Ok(()) }
}

#[cfg(not(unix))]
fn check_private(_: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn create_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(dir)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use wasmtime::Engine;

    use super::{check_private, compile};

    /// The shortest component there is: magic number, version and layer.
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    #[cfg(unix)]
    fn compiled_code_is_kept_for_this_user_only_and_used_again() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let engine = Engine::default();
        let files = || fs::read_dir(&cache).map(|files| files.map(|file| file.unwrap().path()).collect::<Vec<_>>());

        compile(&engine, COMPONENT, Some(&cache)).unwrap();
        assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
        let kept = files().unwrap();
        assert_eq!(kept.len(), 1);
        let written = fs::metadata(&kept[0]).unwrap().modified().unwrap();

        compile(&engine, COMPONENT, Some(&cache)).unwrap();
        assert_eq!(fs::metadata(&kept[0]).unwrap().modified().unwrap(), written);

        fs::write(&kept[0], b"not code").unwrap();
        compile(&engine, COMPONENT, Some(&cache)).unwrap();
        assert_ne!(fs::read(&kept[0]).unwrap(), b"not code");
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_is_a_link_or_that_others_may_write_to_is_not_used() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("code");
        fs::write(&file, b"").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let checked = |file: &Path| check_private(&fs::symlink_metadata(file).unwrap()).map_err(|why| why.to_string());
        assert_eq!(checked(&file), Ok(()));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o622)).unwrap();
        assert_eq!(checked(&file), Err("expected that only its owner can write to it, found mode 622".into()));
        let link = dir.path().join("link");
        symlink(&file, &link).unwrap();
        assert!(checked(&link).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn a_directory_that_others_may_write_to_is_not_used() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        compile(&Engine::default(), COMPONENT, Some(dir.path())).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
