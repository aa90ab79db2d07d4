//! Builds the components from source and writes them where they are committed, with the digest of the library's sources. Called by
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
    let target_dir = root.join("target/component");
    let workshop = Workshop::new(root, &target_dir)?;
    build(&workshop, &committed, &COMPONENTS)?;
    build(&workshop, &root.join("crates/cli/component"), &EXAMPLES)?;
    let digest = committed.join(digest::FILE);
    fs::write(&digest, digest::of_sources(root)? + "\n").map_err(|why| cannot_write(&digest, &why))
}

fn build(workshop: &Workshop<'_>, folder: &Path, components: &[(&str, &str)]) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|why| cannot_write(folder, &why))?;
    workshop.build_into(folder, components)?;
    for (_, file) in components {
        let length = fs::metadata(folder.join(file)).map_err(|why| cannot_write(folder, &why))?.len();
        println!("{file}: {length} bytes");
    }
    Ok(())
}

fn cannot_write(path: &Path, why: &std::io::Error) -> String {
    format!("cannot write {}: {why}", path.display())
}

/// The extensions that `agentapi serve --mock` shows. The command embeds them as they are committed.
const EXAMPLES: [(&str, &str); 2] = [("capacity-report", "capacity_report.wasm"), ("disk-watch", "disk_watch.wasm")];
