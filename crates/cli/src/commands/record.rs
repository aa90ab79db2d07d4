//! `agentapi record`: stands between a client and the agent, and writes down what the agent answers.

mod recorder;

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use agentapi_host::{Mask, Token};
use agentapi_mock::{MockAgent, RecordingWriter, Scenario};
use anyhow::Context;
use clap::Args;
use tokio::sync::mpsc;

use crate::commands::mock::print_target;
use crate::process::runtime::{block_on, single_threaded};
use crate::process::signals::Termination;
use crate::session::Session;
use crate::session::target::TargetOptions;

use recorder::Recorder;

/// What `record` takes.
#[derive(Args)]
pub(crate) struct RecordOptions {
    /// Write the recording to FILE, as JSON Lines that only you can read
    #[arg(long, value_name = "FILE", help_heading = "Recording")]
    out: PathBuf,
    /// Replace FILE if it is there
    #[arg(long, help_heading = "Recording")]
    force: bool,
    #[command(flatten)]
    target: TargetOptions,
}

/// Records until interrupted.
pub(crate) fn run(session: &Session, options: &RecordOptions) -> anyhow::Result<()> {
    let target = session.target(&options.target)?;
    let token = random_token().context("the system gives no random numbers")?;
    let mask = Mask::new([&target.token, &token]);
    block_on(single_threaded()?, async {
        let agent = session.host.build()?.agent(target)?;
        let create = if options.force { RecordingWriter::replace } else { RecordingWriter::create };
        let file = create(&options.out)
            .with_context(|| format!("cannot create {} (--force replaces one that is there)", options.out.display()))?;
        let (failed, mut failure) = mpsc::channel(1);
        let recorder = Recorder::new(agent, mask, file, failed);
        let scenario = Scenario { token: Some(token), ..Scenario::default() };
        let builder = MockAgent::builder().scenario(scenario).upstream(Arc::new(recorder));
        let proxy = builder.start().await.context("cannot listen on the loopback interface")?;
        // Before the lines are printed: a program that reads them may send SIGTERM at once.
        let mut termination = Termination::handle().context("signals cannot be waited for")?;
        print_target(&proxy, "A recorder of your agent", session.output)?;
        let ended = tokio::select! {
            _ = termination.recv() => Ok(()),
            Some(error) = failure.recv() => {
                Err(error).with_context(|| format!("cannot write to {}", options.out.display()))
            }
        };
        proxy.stop().await;
        ended
    })
}

fn random_token() -> std::io::Result<Token> {
    let mut bytes = [0; Token::RANDOM_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(Token::from_random_bytes(bytes))
}

/// Printed below the long help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  agentapi record --out customer.jsonl
  agentapi record --out customer.jsonl --force --endpoint 10.0.0.1:8443
  agentapi mock --replay customer.jsonl

It prints the three lines that connect a client to it, as mock does, with a
token of its own. The file holds no token, but all else that the agent says.

With --json the endpoint, fingerprint and token are one JSON object in one line.";
