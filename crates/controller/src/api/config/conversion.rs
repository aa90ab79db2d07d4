//! From the checked configuration to what is shown of it.

use std::path::Path;
use std::time::Duration;

use agentapi_host::policy::{FUNCTIONS, Limits, OnFreezeFailure, ThawOn};
use agentapi_host::quiesce::Program;

use super::{
    AgentConfig, ApiConfig, AuditConfig, BackupConfig, ConfigReport, DueConfig, ExtensionConfig, FleetConfig,
    FrozenConfig, LimitsConfig, MetricsConfig, NotifyConfig, QuiesceConfig, StateConfig, TracesConfig,
};
use crate::config::backup::{Backup, Frozen, Quiesce};
use crate::config::due::Due;
use crate::config::extension::Extension;
use crate::config::notify::{Notify, NotifyTarget};
use crate::config::{Config, Fixed, Live};

impl From<&Config> for ConfigReport {
    fn from(config: &Config) -> Self {
        let (Fixed { guest, quiesce, journal, api, metrics, traces, fleet, audit, state }, live) =
            (&config.fixed, &config.live);
        let Live { agent, extensions, backup, secrets: _, notify, retention } = live;
        let text = |path: &Path| path.display().to_string();
        Self {
            file: text(config.file()),
            guest: guest.clone(),
            agent: AgentConfig {
                endpoint: agent.endpoint.to_string(),
                fingerprints: agent.pins.iter().map(ToString::to_string).collect(),
            },
            extension: extensions.iter().map(Into::into).collect(),
            backup: backup.as_ref().map(Into::into),
            quiesce: quiesce.as_ref().map(|quiesce| quiesce_report(quiesce, text(journal))),
            notify: notify.iter().map(Into::into).collect(),
            api: ApiConfig {
                socket: text(&api.socket),
                socket_ro: text(&api.socket_ro),
                group: api.group.clone(),
                approvers: api.approvers.iter().map(ToString::to_string).collect(),
                console_hosts: api.console_hosts.clone(),
            },
            metrics: MetricsConfig { listen: metrics.listen.map(|listen| listen.to_string()) },
            traces: TracesConfig { url: traces.as_ref().map(|collector| collector.url.to_string()) },
            fleet: fleet.as_ref().map(|fleet| FleetConfig {
                server: fleet.server.to_string(),
                fingerprints: fleet.pins.iter().map(ToString::to_string).collect(),
                host: fleet.host.clone(),
            }),
            audit: AuditConfig { file: text(audit) },
            state: StateConfig {
                folder: text(state),
                keep_for_s: retention.keep_for.as_secs(),
                keep_runs: retention.keep_runs,
            },
        }
    }
}

impl From<&Due> for DueConfig {
    fn from(due: &Due) -> Self {
        Self { schedule: due.schedule.to_string(), paused: due.paused }
    }
}

impl From<&Extension> for ExtensionConfig {
    fn from(extension: &Extension) -> Self {
        let granted = FUNCTIONS.iter().filter(|function| extension.grants.allows(**function));
        Self {
            name: extension.name.clone(),
            file: extension.file.display().to_string(),
            sha256: extension.sha256.clone(),
            signed_by: extension.signed_by.iter().map(|key| key.id().to_string()).collect(),
            functions: granted.map(ToString::to_string).collect(),
            limits: (&extension.limits).into(),
            due: extension.due.as_ref().map(Into::into),
        }
    }
}

impl From<&Limits> for LimitsConfig {
    fn from(limits: &Limits) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            memory_bytes: limits.memory_bytes,
            cpu_ms: ms(limits.cpu),
            wall_ms: ms(limits.wall),
            agent_calls: limits.agent_calls,
            input_bytes: limits.input_bytes,
            output_bytes: limits.output_bytes,
            log_bytes: limits.log_bytes,
        }
    }
}

impl From<&Backup> for BackupConfig {
    fn from(backup: &Backup) -> Self {
        let Backup { due, input, accepts_crash_consistent, alarm_after } = backup;
        Self {
            due: due.into(),
            even_if_not_due: input.even_if_not_due,
            thaw_on: if input.thaw_on == ThawOn::Running { "running" } else { "end" },
            on_freeze_failure: if input.on_freeze_failure == OnFreezeFailure::Continue { "continue" } else { "abort" },
            accept_crash_consistent: *accepts_crash_consistent,
            give_up_after_s: input.give_up_after_s,
            alarm_after_s: alarm_after.as_secs(),
        }
    }
}

fn quiesce_report(quiesce: &Quiesce, journal: String) -> QuiesceConfig {
    let Quiesce { applications, program_timeout, lease } = quiesce;
    let name = |program: &Program| Some(program.name().to_string());
    let frozen = |frozen: &Frozen| match frozen {
        Frozen::FileSystem(mount) => {
            FrozenConfig { file_system: Some(mount.display().to_string()), ..FrozenConfig::default() }
        }
        Frozen::Holder(program) => FrozenConfig { hold: name(program), ..FrozenConfig::default() },
        Frozen::Programs { freeze, thaw } => {
            FrozenConfig { freeze: name(freeze), thaw: name(thaw), ..FrozenConfig::default() }
        }
    };
    QuiesceConfig {
        applications: applications.iter().map(frozen).collect(),
        program_timeout_s: program_timeout.as_secs(),
        lease_s: lease.as_secs(),
        journal,
    }
}

impl From<&Notify> for NotifyConfig {
    fn from(notify: &Notify) -> Self {
        let (kind, target) = match &notify.target {
            NotifyTarget::Webhook { url, .. } => ("webhook", url.to_string()),
            NotifyTarget::Ntfy { url, .. } => ("ntfy", url.to_string()),
            NotifyTarget::Command(program) => ("command", program.name().to_string()),
            NotifyTarget::Smtp(mail) => ("smtp", mail.server.to_string()),
        };
        Self { name: notify.name.clone(), severity: notify.severity, kind, target }
    }
}
