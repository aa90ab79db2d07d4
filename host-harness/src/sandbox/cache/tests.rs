use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use wasmtime::Engine;

use super::{Cache, Code, USE_RESOLUTION, Wasm};
use crate::sandbox::loader::CompileError;

/// The shortest component there is: magic number, version and layer.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
/// Another one, with an empty core module in it, so that its code is other code.
const OTHER_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\x01\x08\0asm\x01\0\0\0";

/// Compiles through the cache; whether it was compiled, and not found there.
fn compile(cache: &Cache, engine: &Engine, wasm: &[u8]) -> bool {
    let mut is_compiled = false;
    let compile = || {
        is_compiled = true;
        Code::compile(engine, wasm).map_err(CompileError::from_engine)
    };
    let loaded = cache.load_or_compile(engine, Wasm::new(wasm), compile, CompileError::from_engine);
    loaded.unwrap();
    is_compiled
}

fn cache_in(dir: &Path) -> Cache {
    Cache { dir: dir.join("cache"), max_bytes: u64::MAX }
}

fn files(cache: &Cache, extension: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(&cache.dir).unwrap().map(|file| file.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

#[test]
fn compiled_code_is_kept_for_this_user_only_and_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, engine) = (cache_in(dir.path()), Engine::default());
    assert!(compile(&cache, &engine, COMPONENT));
    assert_eq!(fs::metadata(&cache.dir).unwrap().permissions().mode() & 0o777, 0o700);
    let (code, entries) = (files(&cache, "cwasm"), files(&cache, "entry"));
    assert_eq!((code.len(), entries.len(), fs::read_dir(&cache.dir).unwrap().count()), (1, 1, 2));

    assert!(!compile(&cache, &engine, COMPONENT));
    for file in [&code[0], &entries[0]] {
        let whole = fs::read(file).unwrap();
        fs::write(file, b"not code").unwrap();
        assert!(compile(&cache, &engine, COMPONENT), "{file:?}");
        assert_eq!(fs::read(file).unwrap(), whole);
        assert!(!compile(&cache, &engine, COMPONENT), "{file:?}");
    }
}

#[test]
fn a_directory_that_others_may_write_to_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache_in(dir.path());
    fs::create_dir(&cache.dir).unwrap();
    fs::set_permissions(&cache.dir, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(compile(&cache, &Engine::default(), COMPONENT));
    assert_eq!(fs::read_dir(&cache.dir).unwrap().count(), 0);
}

/// What a crash or a disk may do to a file.
fn damage(bytes: &mut Vec<u8>, kind: usize, random: &mut u64) {
    // A generator of Lehmer's kind suffices to choose places, and repeats what it chose.
    let mut place = |bound: usize| {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*random >> 33) as usize % bound
    };
    let at = place(bytes.len());
    match kind % 4 {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << place(8),
        2 => bytes.extend(vec![0x90; 1 + at]),
        _ => {
            let end = (at + 4096).min(bytes.len());
            // At least one byte that was not zero before, or nothing is damaged.
            if bytes[at..end].iter().all(|&byte| byte == 0) { bytes[at] = 1 } else { bytes[at..end].fill(0) }
        }
    }
}

#[test]
fn a_file_that_is_damaged_anywhere_is_replaced_and_never_run() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, engine) = (cache_in(dir.path()), Engine::default());
    let wasm = Wasm::new(crate::embedded_component());
    let compiled = Code::compile(&engine, wasm.bytes).unwrap();
    // Not compiled anew sixty times: the compiler makes the same code of the same component.
    let load = || {
        let mut is_compiled = false;
        let compile = || {
            is_compiled = true;
            Ok::<_, CompileError>(Code { bytes: compiled.bytes.clone(), sha256: compiled.sha256 })
        };
        let loaded = cache.load_or_compile(&engine, wasm, compile, CompileError::from_engine);
        loaded.unwrap();
        is_compiled
    };
    assert!(load());
    let mut random = 0x5eed;
    for round in 0..60 {
        // Mostly the code, which is what could be run; every sixth time the entry, which names it.
        let file = &files(&cache, if round % 6 == 5 { "entry" } else { "cwasm" })[0];
        let whole = fs::read(file).unwrap();
        let mut damaged = whole.clone();
        damage(&mut damaged, round, &mut random);
        assert_ne!(damaged, whole, "round {round}");
        fs::write(file, &damaged).unwrap();
        assert!(load(), "round {round}: a damaged file was used");
        assert!(fs::read(file).unwrap() == whole, "round {round}: a damaged file was not replaced");
        assert!(!load(), "round {round}: what was replaced is not used");
    }
}

#[test]
fn what_was_not_used_for_longest_is_removed_first() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::default();
    let mut cache = cache_in(dir.path());
    assert!(compile(&cache, &engine, COMPONENT));
    let code_bytes = |wasm| Code::compile(&engine, wasm).unwrap().bytes.len() as u64;
    let both = code_bytes(COMPONENT) + code_bytes(OTHER_COMPONENT);
    let long_ago = SystemTime::now() - 10 * USE_RESOLUTION;
    for file in files(&cache, "cwasm").iter().chain(&files(&cache, "entry")) {
        fs::File::open(file).unwrap().set_modified(long_ago).unwrap();
    }
    // What another version of this library has left there, and a write that was cut off.
    let (foreign, unfinished) = (cache.dir.join("old.cwasm"), cache.dir.join(".tmpAbCdEf"));
    for file in [&foreign, &unfinished] {
        fs::write(file, vec![0; 8192]).unwrap();
        fs::File::options().write(true).open(file).unwrap().set_modified(long_ago + USE_RESOLUTION).unwrap();
    }
    // Used now, which counts from now on.
    assert!(!compile(&cache, &engine, COMPONENT));
    // Room for the two codes and their entries, and for none of these files.
    cache.max_bytes = both + 1024;
    assert!(compile(&cache, &engine, OTHER_COMPONENT));
    assert!(!foreign.exists() && !unfinished.exists());
    assert_eq!(files(&cache, "cwasm").len(), 2);
    assert!(!compile(&cache, &engine, OTHER_COMPONENT));
    assert!(!compile(&cache, &engine, COMPONENT));

    // Where not even one fits, the one that was just written stays, and is found again.
    cache.max_bytes = 1;
    let larger = [OTHER_COMPONENT, &OTHER_COMPONENT[8..]].concat();
    assert!(compile(&cache, &engine, &larger));
    assert_eq!((files(&cache, "cwasm").len(), files(&cache, "entry").len()), (1, 1));
    assert!(!compile(&cache, &engine, &larger));
}

#[test]
fn several_may_write_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, engine) = (cache_in(dir.path()), Engine::default());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| compile(&cache, &engine, COMPONENT));
        }
    });
    assert!(!compile(&cache, &engine, COMPONENT));
    assert_eq!(fs::read_dir(&cache.dir).unwrap().count(), 2);
}
