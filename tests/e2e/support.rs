//! What every test uses: the host, which is built once, and agents to call.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use agentapi_host::records::{AssignRequest, FormatRequest};
use agentapi_host::{Agent, Error, Host, Route, Target};
use agentapi_mock::MockAgent;
use agentapi_scripted_agent::{Answer, Certificates, Script, ScriptedAgent};
use serde::Serialize;
use serde_json::Value;
use tokio::time::sleep;

pub(crate) use crate::built::{cargo, extension, extension_of_profile, target as build_folder};

pub(crate) const TOKEN: &str = "guest-token-abc123";
/// A deadline that a test waits for.
pub(crate) const SHORT: Duration = Duration::from_secs(1);
/// The body of an answer to GET /storage.
pub(crate) const STORAGE: &str = r#"{"ok":true,"data":{"vmid":101,"mounts":[{"key":"media","storage":"local-hdd",
    "mount_point":"/mnt/media","class":"slow","backup":true}]}}"#;
/// The body of an answer to POST /backup.
pub(crate) const JOB: &str = r#"{"ok":true,"data":{"vmid":101,"job_id":"bk-101-1","phase":"running"}}"#;

/// A host with the default deadline.
pub(crate) fn host() -> Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(new_host).clone()
}

/// A host that no other test uses, for tests that count its instances.
pub(crate) fn new_host() -> Host {
    Host::builder().cache_dir(build_folder().join("e2e-cache")).build().unwrap()
}

/// The host with the deadline [`SHORT`].
pub(crate) fn host_with_short_deadline() -> Host {
    host().with_deadline(SHORT)
}

pub(crate) fn certificates() -> &'static Certificates {
    static CERTIFICATES: OnceLock<Certificates> = OnceLock::new();
    CERTIFICATES.get_or_init(Certificates::generate)
}

/// Starts an agent that plays these answers.
pub(crate) async fn start_scripted(answers: impl IntoIterator<Item = Answer>) -> ScriptedAgent {
    ScriptedAgent::start(Script::new(answers), certificates()).await.unwrap()
}

/// A scripted agent, with the pin that it asks for.
pub(crate) fn target_of(agent: &ScriptedAgent) -> Target {
    target_at(agent.port(), [agent.fingerprint()])
}

/// Whatever listens on this port, with these pins.
pub(crate) fn target_at<P: AsRef<str>>(port: u16, pins: impl IntoIterator<Item = P>) -> Target {
    Target::parse(&format!("127.0.0.1:{port}"), TOKEN, pins).unwrap()
}

/// A mock agent, with its own token and pin.
pub(crate) fn target_of_mock(agent: &MockAgent) -> Target {
    Target::parse(&agent.endpoint(), agent.token(), [agent.fingerprint().to_string()]).unwrap()
}

/// A client of an agent that plays these answers. The agent ends when it is dropped.
pub(crate) async fn client_of(answers: impl IntoIterator<Item = Answer>) -> (Agent, ScriptedAgent) {
    let agent = start_scripted(answers).await;
    let client = host().agent(target_of(&agent)).unwrap();
    (client, agent)
}

/// A record or an error as JSON.
pub(crate) fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

/// Performs the operation of a route, with arguments that do not matter.
pub(crate) async fn perform(agent: &Agent, route: Route) -> Result<Value, Error> {
    Ok(match route {
        Route::Storage => json(&agent.storage().await?),
        Route::BackupDue => json(&agent.backup_due().await?),
        Route::StartBackup => json(&agent.start_backup().await?),
        Route::BackupStatus => json(&agent.backup_status().await?),
        Route::Disks => json(&agent.disks().await?),
        Route::AssignDisk => agent.assign_disk(&assignment()).await.map(|()| Value::Null)?,
        Route::EjectDisk => json(&agent.eject_disk("/mnt/media").await?),
        Route::FormatDisk => json(&agent.format_disk(&format(None)).await?),
        Route::HostMetrics => json(&agent.host_metrics().await?),
    })
}

pub(crate) fn assignment() -> AssignRequest {
    AssignRequest {
        uuid: "0f3c".into(),
        mount_path: "/mnt/media".into(),
        fstype: "ext4".into(),
        options: "noatime".into(),
    }
}

pub(crate) fn format(confirmation: Option<&str>) -> FormatRequest {
    FormatRequest { device: "/dev/sdb1".into(), fstype: "ext4".into(), confirmation: confirmation.map(String::from) }
}

/// Waits until something holds, for at most this long; whether it does.
pub(crate) async fn happens_within(limit: Duration, condition: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > limit {
            return false;
        }
        sleep(Duration::from_millis(10)).await;
    }
    true
}
