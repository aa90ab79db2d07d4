//! `host-conformance PROGRAM ARGS`: plays a host everything that it must withstand, and prints what it has kept.

use std::io::Write;
use std::process::ExitCode;

use agentapi_host_conformance::program::Program;
use agentapi_host_conformance::{Options, run};
use clap::Parser;

/// Play a host of the component all that it must withstand, and print which promises it keeps
///
/// PROGRAM is started once for each check. It finds the agent in AGENTAPI_ENDPOINT, AGENTAPI_FINGERPRINT (several with
/// commas between them), AGENTAPI_TOKEN and AGENTAPI_DEADLINE_MS, reads JSON Lines on its standard input as
/// `agentapi call` does, and answers each with a line on its standard output. It ends when its input ends.
///
/// Exit status 0 if all is kept, 1 if not, 2 if that could not be tested.
#[derive(Parser)]
#[command(name = "host-conformance")]
struct Arguments {
    /// The program that is tested, and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    program: Vec<String>,
    /// Play only checks whose name or section holds TEXT
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Play at most N of the recorded exchanges, evenly spread [default: all]
    #[arg(long, value_name = "N")]
    recorded: Option<usize>,
    /// Run N processes at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = jobs)]
    jobs: usize,
    /// PROGRAM is a client of the controller: run `COMMAND serve` for each check, and tell it of AGENTAPI_SOCKET
    #[arg(long, value_name = "COMMAND")]
    controller: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse().ok().filter(|jobs| (1..=MAX_JOBS).contains(jobs));
    jobs.ok_or_else(|| format!("a number of 1 to {MAX_JOBS} expected"))
}

#[tokio::main]
async fn main() -> ExitCode {
    match test(Arguments::parse()).await {
        Ok(status) => status,
        Err(why) => {
            // Whoever has closed standard error does not want to know.
            let _ = writeln!(std::io::stderr(), "error: {why:#}");
            ExitCode::from(COULD_NOT_TEST)
        }
    }
}

async fn test(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { program, only, recorded, jobs, controller, json } = arguments;
    let (path, args) = program.split_first().ok_or_else(|| anyhow::anyhow!("a program expected"))?;
    let program = Program { path: path.clone(), args: args.to_vec(), controller };
    program.answers().await.map_err(|why| anyhow::anyhow!("the program cannot be tested: {why}"))?;
    let report = run(&program, &Options { only, recorded, jobs }).await;
    anyhow::ensure!(!report.sections.is_empty(), "no check has that text in its name or section");
    match json {
        true => println!("{}", report.to_json()),
        false => print!("{report}"),
    }
    Ok(if report.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As for a wrong command line.
const COULD_NOT_TEST: u8 = 2;
/// More would only wait for each other.
const MAX_JOBS: usize = 64;
