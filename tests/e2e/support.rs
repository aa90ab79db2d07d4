//! What every test uses: the host, made once, and agents.

use std::sync::OnceLock;
use std::time::Duration;

use agentapi_host::records::{AssignRequest, FormatRequest};
use agentapi_host::{Agent, Error, Host, Route, Target};
use agentapi_mock::MockAgent;
use agentapi_scripted_agent::{Answer, Certificates, Script, ScriptedAgent};
use serde::Serialize;
use serde_json::Value;

pub(crate) use crate::built::{cargo, extension, target};

pub(crate) const TOKEN: &str = "guest-token-abc123";
/// A deadline that tests wait for.
pub(crate) const SHORT: Duration = Duration::from_secs(1);
/// An answer of GET /storage.
pub(crate) const STORAGE: &str = r#"{"ok":true,"data":{"vmid":101,"mounts":[{"key":"media","storage":"local-hdd",
    "mount_point":"/mnt/media","class":"slow","backup":true}]}}"#;
/// An answer of POST /backup.
pub(crate) const JOB: &str = r#"{"ok":true,"data":{"vmid":101,"job_id":"bk-101-1","phase":"running"}}"#;

/// A host with the default deadline.
pub(crate) fn host() -> Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(new_host).clone()
}

/// A host that no other test uses.
pub(crate) fn new_host() -> Host {
    Host::builder().cache_dir(target().join("e2e-cache")).build().unwrap()
}

/// A host with a deadline that a test can wait for.
pub(crate) fn hasty_host() -> Host {
    host().with_deadline(SHORT)
}

pub(crate) fn certificates() -> &'static Certificates {
    static CERTIFICATES: OnceLock<Certificates> = OnceLock::new();
    CERTIFICATES.get_or_init(Certificates::generate)
}

/// An agent that plays these answers.
pub(crate) async fn scripted(answers: impl IntoIterator<Item = Answer>) -> ScriptedAgent {
    ScriptedAgent::start(Script::new(answers), certificates()).await.unwrap()
}

/// How to connect to it.
pub(crate) fn to_scripted(agent: &ScriptedAgent) -> Target {
    pinned(agent.port(), [agent.fingerprint()])
}

pub(crate) fn pinned<P: AsRef<str>>(port: u16, pins: impl IntoIterator<Item = P>) -> Target {
    Target::parse(&format!("127.0.0.1:{port}"), TOKEN, pins).unwrap()
}

pub(crate) fn to_mock(agent: &MockAgent) -> Target {
    Target::parse(&agent.endpoint(), agent.token(), [agent.fingerprint().to_string()]).unwrap()
}

/// A client of an agent that plays these answers; the agent lives as long as it is held.
pub(crate) async fn client_of(answers: impl IntoIterator<Item = Answer>) -> (Agent, ScriptedAgent) {
    let agent = scripted(answers).await;
    let client = host().agent(to_scripted(&agent)).unwrap();
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
