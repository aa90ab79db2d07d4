//! Builds the components from source and writes them, with the digest of their sources, where they are committed. Called by
//! `tools/update-components`; CI calls it too and fails if anything then differs from the commit.

mod digest;
mod from_source;
mod sections;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use from_source::{COMPONENTS, Workshop};

fn main() -> ExitCode {
    match update() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn update() -> Result<(), String> {
    let root =
        env::var_os(from_source::WORKSPACE).ok_or("call this by tools/update-components, inside the workspace")?;
    let root = Path::new(&root);
    let committed = root.join("host-harness/component");
    let cannot = |why: std::io::Error| format!("cannot write to {}: {why}", committed.display());
    fs::create_dir_all(&committed).map_err(cannot)?;
    Workshop::new(root, &root.join("target/component"))?.build_into(&committed)?;
    fs::write(committed.join(digest::FILE), digest::of_sources(root)? + "\n").map_err(cannot)?;
    for (_, file) in COMPONENTS {
        let length = fs::metadata(committed.join(file)).map_err(cannot)?.len();
        println!("{file}: {length} bytes");
    }
    Ok(())
}
