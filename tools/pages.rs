//! Writes the man pages and the shell completions of the command, from its own definition of the command line.
//!
//! `cargo run --package agentapi-cli --example pages -- FOLDER` makes `man/`, `bash/`, `fish/` and `zsh/` in that folder.

use std::fs;
use std::path::PathBuf;

use clap_complete::Shell;
use clap_complete::aot::generate_to;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| std::io::Error::other("which folder?"))?;
    let man = folder.join("man");
    fs::create_dir_all(&man)?;
    clap_mangen::generate_to(agentapi_cli::command_line(), man)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        let folder = folder.join(shell.to_string());
        fs::create_dir_all(&folder)?;
        generate_to(shell, &mut agentapi_cli::command_line(), "agentapi", folder)?;
    }
    Ok(())
}
