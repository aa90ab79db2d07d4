//! `agentapi console`: the controller's pages in a browser of this machine, until it is interrupted.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use agentapi_controller::console::doorway::Doorway;
use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::print::{Output, json_text, write};
use crate::process::runtime::{block_on, single_threaded};
use crate::process::signals::Termination;
use crate::session::daemon::DaemonOptions;

/// What `console` takes.
#[derive(Args)]
pub(crate) struct ConsoleOptions {
    /// Listen on ADDRESS, of loopback; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Only print the link, and start no browser
    #[arg(long)]
    no_browser: bool,
    #[command(flatten)]
    daemon: DaemonOptions,
}

/// Brings the pages to loopback.
pub(crate) fn run(options: &ConsoleOptions, output: Output) -> anyhow::Result<()> {
    block_on(single_threaded()?, async {
        // A page that says "no controller" is worse than a command that does.
        let _: Value = options.daemon.get("/v1/live").await?;
        let doorway = Doorway::bind(options.listen, options.daemon.socket().into()).await;
        let doorway = doorway.with_context(|| format!("cannot listen on {}", options.listen))?;
        let (link, address) = (doorway.link(), doorway.address());
        let mut termination = Termination::handle().context("signals cannot be waited for")?;
        if output.json {
            write(&json_text(&json!({ "link": link })))?;
        } else {
            write(&describe(&link, address.port()))?;
        }
        if !options.no_browser && has_display() {
            browse(&link);
        }
        tokio::select! {
            () = doorway.serve() => {}
            _ = termination.recv() => {}
        }
        Ok(())
    })
}

fn describe(link: &str, port: u16) -> String {
    format!(
        "The console is open until this command ends (Ctrl-C). The link works once:\n\n  {link}\n\n\
         From another machine, run this there first, and open the link there:\n\n  ssh -L {port}:127.0.0.1:{port} THIS-MACHINE\n"
    )
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The link stands on the screen, so that it is no loss if there is no browser.
fn browse(link: &str) {
    let mut opener = Command::new("xdg-open");
    opener.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = opener.spawn();
}

/// Printed below the long help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  agentapi console
  agentapi console --no-browser --listen 127.0.0.1:9080
  agentapi console --socket /run/agentapi/agentapi-ro.sock
";
