//! The command `agentapi`.

use std::process::ExitCode;

fn main() -> ExitCode {
    agentapi_cli::run()
}
