//! Runs one case: a mock agent of its own, a virtual clock, and one run after another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use agentapi_host::policy::{AllowOnce, Clock, MemoryState, Policy, VirtualClock};
use agentapi_host::{Agent, Host, Target, error_chain};
use agentapi_mock::MockAgent;
use serde_json::Value;

use crate::applications::Applications;
use crate::case::{Approval, StartTime};
use crate::compare::{Post, RunRecord, differences};
use crate::file::{ReadCase, ReadRun};
use crate::outcome::RunOutcome;
use crate::recorder::{Messages, Recorder};
use crate::value::to_json;

/// What one case came to, but for its name.
pub(crate) struct Ran {
    pub(crate) runs: Vec<RunOutcome>,
    pub(crate) virtual_time: Duration,
    pub(crate) real_time: Duration,
}

/// Runs a case. It ends with the first run that is not as expected: what follows would only repeat it.
pub(crate) async fn run_case(host: &Host, policy: &Policy, case: &ReadCase) -> Result<Ran, String> {
    let started = Instant::now();
    let mut bench = Bench::start(host, policy, case).await?;
    let mut runs = Vec::new();
    for run in &case.runs {
        let outcome = bench.run(case, run).await;
        let is_ok = outcome.differences.is_empty();
        runs.push(outcome);
        if !is_ok {
            break;
        }
    }
    Ok(Ran { runs, virtual_time: bench.clock.monotonic(), real_time: started.elapsed() })
}

/// What the runs of one case share.
struct Bench {
    policy: Policy,
    mock: MockAgent,
    agent: Agent,
    clock: VirtualClock,
    state: MemoryState,
    messages: Arc<Messages>,
    applications: Option<Applications>,
}

impl Bench {
    async fn start(host: &Host, policy: &Policy, case: &ReadCase) -> Result<Self, String> {
        let failed = |what: &str, why: &dyn std::error::Error| format!("{what}: {}", error_chain(why));
        let clock = VirtualClock::starting_at(start_time(case));
        let of_mock = clock.clone();
        let mut scenario = case.scenario.clone();
        scenario.faults.extend(&case.case.faults);
        let mut mock = MockAgent::builder().scenario(scenario).clock(move || of_mock.monotonic());
        if let Some(recording) = &case.recording {
            mock = mock.replay(recording.clone());
        }
        let mock = mock.start().await.map_err(|why| failed("the mock agent does not start", &why))?;
        let target = Target::parse(&mock.endpoint(), mock.token(), [mock.fingerprint().to_string()]);
        let agent = target.and_then(|target| host.agent(target));
        let agent = agent.map_err(|why| failed("the mock agent cannot be used", &why))?;

        let (state, messages) = (MemoryState::default(), Arc::new(Messages::default()));
        state.replace(policy.name(), entries(case));
        let mut policy = policy.clone().clock(Arc::new(clock.clone()));
        policy = policy.state(Arc::new(state.clone())).notifications(Arc::clone(&messages) as _);
        if let Some(Approval { device, durable_id }) = &case.case.approve {
            policy = policy.approver(Arc::new(AllowOnce::new(device, durable_id)));
        }
        let applications = case.case.freeze.map(Applications::open).transpose()?;
        if let Some(applications) = &applications {
            policy = applications.give_to(policy);
        }
        Ok(Self { policy, mock, agent, clock, state, messages, applications })
    }

    async fn run(&mut self, case: &ReadCase, ReadRun { run, change }: &ReadRun) -> RunOutcome {
        self.clock.advance(run.after.0);
        if let Some(change) = change {
            self.mock.change(|state| change.apply(state));
        }
        for rule in &run.faults {
            self.mock.inject(rule.route, rule.fault, rule.repeat);
        }
        let recorder = Arc::new(Recorder::default());
        let policy = self.policy.clone().log(Arc::clone(&recorder) as _).observer(Arc::clone(&recorder) as _);
        let outcome = policy.run(&self.agent, &input(run.input.as_ref().or(case.case.input.as_ref()))).await;
        if let Some(applications) = &self.applications {
            applications.settle().await;
        }
        let record = RunRecord {
            outcome,
            calls: recorder.calls(),
            lines: recorder.lines(),
            posts: self.mock.take_requests().iter().filter_map(post).collect(),
            raised: self.messages.raised(),
            told: self.messages.take_told(),
            state: self.state.of(self.policy.name()),
        };
        RunOutcome { differences: differences(&run.expect, &record), lines: record.lines }
    }
}

fn start_time(case: &ReadCase) -> SystemTime {
    match case.case.clock {
        Some(StartTime(time)) => time.into(),
        None => SystemTime::UNIX_EPOCH + DEFAULT_START,
    }
}

/// What is remembered from earlier runs. A text is kept as it stands, everything else as JSON.
fn entries(case: &ReadCase) -> BTreeMap<String, Vec<u8>> {
    let bytes = |value: &toml::Value| match value {
        toml::Value::String(text) => text.clone().into_bytes(),
        other => to_json(other).to_string().into_bytes(),
    };
    case.case.state.iter().map(|(key, value)| (key.clone(), bytes(value))).collect()
}

/// A text is the input as it stands, everything else is JSON.
fn input(value: Option<&toml::Value>) -> String {
    match value {
        None => "{}".into(),
        Some(toml::Value::String(text)) => text.clone(),
        Some(other) => to_json(other).to_string(),
    }
}

fn post(request: &agentapi_mock::ReceivedRequest) -> Option<Post> {
    let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    (request.method.as_str() == "POST").then(|| Post { path: request.path.clone(), body })
}

/// 2026-01-01T00:00:00Z, the same for every run that says nothing else: a case must not depend on the day.
const DEFAULT_START: Duration = Duration::from_secs(1_767_225_600);
