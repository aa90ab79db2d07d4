//! `agentapi serve --mock`: a whole controller in one command, against a mock agent in the same process.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use agentapi_controller::api::{Inherited, Sockets};
use agentapi_controller::config::{Config, Surroundings};
use agentapi_host::HostBuilder;
use agentapi_mock::MockAgent;
use anyhow::Context;

use crate::commands::serve::{Begun, refused, serve as run};
use crate::extension::tell::tell;
use crate::print::escape::visible;
use crate::process::signals::Termination;

/// Everything lies in a temporary folder, which is removed at the end.
pub(super) async fn serve_in(folder: &std::path::Path, host: HostBuilder) -> anyhow::Result<()> {
    let agent = MockAgent::start().await?;
    let token = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("token"));
    token.and_then(|mut file| file.write_all(agent.token().as_bytes())).context("the token cannot be written")?;
    let text = CONFIGURATION.replace("ENDPOINT", &agent.endpoint()).replace("PIN", &agent.fingerprint().to_string());
    let file = folder.join("controller.toml");
    fs::write(&file, text).context("the configuration cannot be written")?;
    for (name, wasm) in EXTENSIONS {
        fs::write(folder.join(name), wasm).with_context(|| format!("{name} cannot be written"))?;
    }
    let config = Config::read(&file, &Surroundings::of_process()).result.map_err(|mistakes| refused(&mistakes))?;
    tell(&format!("a mock agent listens on {}; its configuration is {}", agent.endpoint(), file.display()));
    let [main, read_only] = ["agentapi.sock", "agentapi-ro.sock"].map(|name| folder.join(name));
    tell(&format!("look at it in a browser: agentapi console --socket {}", visible(&main.display().to_string())));
    let sockets = Sockets { main, read_only, group: None, approvers: Vec::new(), metrics: None };
    let termination = Termination::handle().context("signals cannot be waited for")?;
    let begun = Begun { termination, recovered: None, host };
    let outcome = run(&config, sockets, Inherited::default(), begun).await;
    agent.stop().await;
    outcome
}

pub(super) async fn serve(host: HostBuilder) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("agentapi-").tempdir().context("no temporary folder")?;
    serve_in(folder.path(), host).await
}

/// The extensions that are run beside the backup: two that only read. Committed as `tools/update-components` builds them.
const EXTENSIONS: [(&str, &[u8]); 2] = [
    ("disk-watch.wasm", include_bytes!("../../../component/disk_watch.wasm")),
    ("capacity-report.wasm", include_bytes!("../../../component/capacity_report.wasm")),
];

/// A backup every minute, of which the mock agent makes one at once, and the two extensions.
const CONFIGURATION: &str = r#"[agent]
endpoint = "ENDPOINT"
fingerprints = ["PIN"]
token_file = "token"

[backup]
every = "1m"
even_if_not_due = true
accept_crash_consistent = true

[[extension]]
name = "disk-watch"
file = "disk-watch.wasm"
functions = ["host-metrics.collect", "disks.list"]
every = "1m"

[[extension]]
name = "capacity-report"
file = "capacity-report.wasm"
functions = ["storage.mounts", "disks.list"]
every = "2m"

[state]
folder = "state"
"#;
