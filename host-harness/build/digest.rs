//! A digest of what the components are built from, so that the committed bytes are used only for the sources they came from.
//!
//! It covers the sources, the WIT packages, the manifests of the packages in the component and the flags they are built
//! with. It leaves out `Cargo.lock`, `[workspace.dependencies]` and the toolchain: they change for the host's and the
//! tests' sake much more often than for the component's, and each such change would make everybody build the components
//! until somebody commits them again. CI builds them from source on every run and compares the bytes, and so is the guard
//! for what is left out. It also is the guard against malice: this digest only notices what somebody forgot.

use std::path::Path;
use std::{fs, io};

/// The file with the digest, beside the components.
pub(crate) const FILE: &str = "sources.digest";

/// Files and folders, from the root of the workspace. Of the root's manifest only some tables count.
pub(crate) const SOURCES: [&str; 13] = [
    "Cargo.toml",
    "crates/component-runtime/Cargo.toml",
    "crates/component-runtime/src",
    "crates/contract/Cargo.toml",
    "crates/contract/src",
    "crates/extension/Cargo.toml",
    "crates/extension/policy-extension.wit",
    "crates/extension/src",
    "extensions/backup-loop/Cargo.toml",
    "extensions/backup-loop/src",
    "host-harness/build/from_source.rs",
    "src",
    "wit",
];

/// How the tables of the root's manifest begin that are about the client component. The others are about the workspace,
/// tests and the host.
const TABLES: [&str; 5] = ["[lib]", "[features]", "[dependencies]", "[target.", "[profile.component]"];

/// The digest of the sources under `root`, in hex.
pub(crate) fn of_sources(root: &Path) -> Result<String, String> {
    let mut digest = Fnv::new();
    for source in SOURCES {
        add(&mut digest, root, source).map_err(|why| format!("cannot read {source}: {why}"))?;
    }
    Ok(format!("{:032x}", digest.0))
}

fn add(digest: &mut Fnv, root: &Path, source: &str) -> io::Result<()> {
    let path = root.join(source);
    if path.is_dir() {
        let mut names =
            fs::read_dir(path)?.map(|entry| entry.map(|e| e.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        return names.iter().try_for_each(|name| add(digest, root, &format!("{source}/{}", name.to_string_lossy())));
    }
    // What editors and file managers leave in a folder builds nothing.
    if ![".rs", ".toml", ".wit"].iter().any(|extension| source.ends_with(extension)) {
        return Ok(());
    }
    let text = fs::read_to_string(path)?;
    let counted = if source == "Cargo.toml" { component_tables(&text) } else { text };
    digest.add(source.as_bytes());
    digest.add(&(counted.len() as u64).to_le_bytes());
    digest.add(counted.as_bytes());
    Ok(())
}

fn component_tables(manifest: &str) -> String {
    let mut counts = false;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            counts = TABLES.iter().any(|table| line.starts_with(table));
        }
        counts
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// FNV-1a with 128 bits: enough to notice a change, and a build script needs no crate for it.
struct Fnv(u128);

impl Fnv {
    const fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}
