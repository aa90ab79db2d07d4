//! The configuration in use, under the names of its file, with neither secrets nor what may hold one: of a URL only the
//! server, of a program only its name, and no input of an extension. Whoever may read the sockets may read this.

mod conversion;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::ApiState;
use crate::event::Severity;

/// The configuration in use, without secrets.
#[derive(Serialize, ToSchema)]
pub(super) struct ConfigReport {
    /// The file that it was read from.
    file: String,
    /// The guest's name.
    guest: String,
    /// The agent.
    agent: AgentConfig,
    /// The extensions.
    extension: Vec<ExtensionConfig>,
    /// The backup loop; null where no backups are made.
    backup: Option<BackupConfig>,
    /// What is frozen for a backup; null where nothing is.
    quiesce: Option<QuiesceConfig>,
    /// Who is told of findings.
    notify: Vec<NotifyConfig>,
    /// The local sockets.
    api: ApiConfig,
    /// Metrics beside the sockets.
    metrics: MetricsConfig,
    /// Traces of runs.
    traces: TracesConfig,
    /// The fleet; null where this guest is in none.
    fleet: Option<FleetConfig>,
    /// The audit.
    audit: AuditConfig,
    /// The state.
    state: StateConfig,
}

/// The agent. Its token is not shown.
#[derive(Serialize, ToSchema)]
struct AgentConfig {
    /// Where it listens.
    endpoint: String,
    /// SHA-256 of the certificates that are accepted.
    fingerprints: Vec<String>,
}

/// When something is due.
#[derive(Serialize, ToSchema)]
struct DueConfig {
    /// The schedule in words: its expression, zone, window and delays.
    schedule: String,
    /// Whether the configuration pauses it.
    paused: bool,
}

/// One extension. Its input is not shown.
#[derive(Serialize, ToSchema)]
struct ExtensionConfig {
    /// Its name.
    name: String,
    /// The component.
    file: String,
    /// SHA-256 of its bytes, if they are pinned.
    sha256: Option<String>,
    /// The keys of which one has to have signed it, by their numbers; empty where nobody has to.
    signed_by: Vec<String>,
    /// What it may call.
    functions: Vec<String>,
    /// What a run of it may use.
    limits: LimitsConfig,
    /// When it runs by itself; null where it runs when it is asked to.
    due: Option<DueConfig>,
}

/// What a run of an extension may use.
#[derive(Serialize, ToSchema)]
struct LimitsConfig {
    /// Memory.
    memory_bytes: usize,
    /// Processor time in milliseconds.
    cpu_ms: u64,
    /// Time from the beginning to the end, in milliseconds.
    wall_ms: u64,
    /// Calls to the agent.
    agent_calls: u64,
    /// Its input.
    input_bytes: usize,
    /// What it returns.
    output_bytes: usize,
    /// What it logs and prints.
    log_bytes: usize,
}

/// The backup loop.
#[derive(Serialize, ToSchema)]
struct BackupConfig {
    /// When it runs.
    due: DueConfig,
    /// Whether a backup is made also where the agent says that none is due.
    even_if_not_due: bool,
    /// `end` or `running`: how far a backup is when the applications are thawed.
    thaw_on: &'static str,
    /// `abort` or `continue`: what becomes of a backup when something cannot be frozen.
    on_freeze_failure: &'static str,
    /// Whether a backup that is only crash-consistent is as good.
    accept_crash_consistent: bool,
    /// How long a backup is followed, in seconds.
    give_up_after_s: u64,
    /// After how many seconds without a success that is a finding.
    alarm_after_s: u64,
}

/// What is frozen for a backup.
#[derive(Serialize, ToSchema)]
struct QuiesceConfig {
    /// In the order in which they are frozen.
    applications: Vec<FrozenConfig>,
    /// How long a program may take, in seconds.
    program_timeout_s: u64,
    /// The longest freeze, in seconds.
    lease_s: u64,
    /// The journal of freezes.
    journal: String,
}

/// One thing that is frozen: a file system, by a program that holds it, or by one that freezes and one that thaws. What it is
/// not is null. Of programs only the name is shown.
#[derive(Default, Serialize, ToSchema)]
struct FrozenConfig {
    /// Where the file system is mounted.
    file_system: Option<String>,
    /// The program that holds it.
    hold: Option<String>,
    /// The program that freezes it.
    freeze: Option<String>,
    /// The program that thaws it.
    thaw: Option<String>,
}

/// One who is told of findings.
#[derive(Serialize, ToSchema)]
struct NotifyConfig {
    /// Its name.
    name: String,
    /// Told of this and what is worse.
    severity: Severity,
    /// `webhook`, `ntfy`, `command` or `smtp`.
    kind: &'static str,
    /// The URL without path and query, the program without its arguments, or the mail server.
    target: String,
}

/// The local sockets.
#[derive(Serialize, ToSchema)]
struct ApiConfig {
    /// The one that reads and operates.
    socket: String,
    /// The one that reads.
    socket_ro: String,
    /// The group that may use the first.
    group: String,
    /// Who may decide on wipes beside root: names and numbers of users.
    approvers: Vec<String>,
    /// Names under which the console is found, beside loopback.
    console_hosts: Vec<String>,
}

/// Metrics beside the socket.
#[derive(Serialize, ToSchema)]
struct MetricsConfig {
    /// The loopback address; null where they are on the sockets alone.
    listen: Option<String>,
}

/// Traces of runs.
#[derive(Serialize, ToSchema)]
struct TracesConfig {
    /// The collector's URL without its path; null where none are sent.
    url: Option<String>,
}

/// The fleet.
#[derive(Serialize, ToSchema)]
struct FleetConfig {
    /// Where the bus's server listens.
    server: String,
    /// SHA-256 of the certificates that are accepted of it.
    fingerprints: Vec<String>,
    /// The host that it is on.
    host: String,
}

/// The audit.
#[derive(Serialize, ToSchema)]
struct AuditConfig {
    /// Where its lines are.
    file: String,
}

/// The state.
#[derive(Serialize, ToSchema)]
struct StateConfig {
    /// Where the state is.
    folder: String,
    /// How long runs and events are kept, in seconds.
    keep_for_s: u64,
    /// How many runs are kept.
    keep_runs: u64,
}

/// Shows the configuration in use, without secrets
#[utoipa::path(get, path = "/v1/config", operation_id = "show_config", tag = "system", responses((status = 200, body = ConfigReport)))]
pub(super) async fn show(State(state): State<ApiState>) -> Json<ConfigReport> {
    Json(ConfigReport::from(&**state.config.borrow()))
}
