//! A check: what the agent plays, what is called, and what must come of it.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use agentapi_scripted_agent::{Answer, Certificates, Listener, Script, ScriptedAgent};
use serde_json::{Map, Value, json};

use crate::compare::is_wanted;
use crate::memory::children;
use crate::program::{Program, Running, Target};

/// The token that programs are given. It has no character that a text would write otherwise.
pub const TOKEN: &str = "guest-token-abc123";
/// The deadline of scenes that do not end by it.
const LONG_DEADLINE: Duration = Duration::from_secs(15);

/// A check. Built by its methods; what is not said is as in most scenes.
pub struct Scene {
    /// What it shows, as a sentence.
    pub name: String,
    answers: Vec<Answer>,
    listeners: Vec<Listener>,
    endpoint: Option<String>,
    fingerprints: fn(&ScriptedAgent) -> Vec<String>,
    variables: fn(&ScriptedAgent) -> Vec<(String, String)>,
    deadline: Duration,
    calls: Vec<Call>,
    /// Requests that may arrive in all.
    requests: Option<RangeInclusive<usize>>,
    /// Whether not even a byte of a request may arrive, whole or not.
    is_silent: bool,
    connections: Option<RangeInclusive<usize>>,
    growth_kib: Option<u64>,
}

struct Call {
    op: &'static str,
    args: Map<String, Value>,
    /// The outcomes of which any is right.
    wanted: Vec<Value>,
    /// Whether the agent first does what nobody has asked for after the call before.
    after_unasked: bool,
}

/// Success, with whatever value.
pub(crate) fn ok() -> Value {
    json!({"ok": true})
}

/// An error of this kind.
pub(crate) fn kind(kind: &str) -> Value {
    json!({"kind": kind})
}

/// The error for this HTTP status.
pub(crate) fn status(status: u16) -> Value {
    json!({"kind": "http-status", "status": status})
}

impl Scene {
    pub(crate) fn new(name: impl Into<String>, answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            name: name.into(),
            answers: answers.into_iter().collect(),
            listeners: Vec::new(),
            endpoint: None,
            fingerprints: |agent| vec![agent.fingerprint()],
            variables: |_| Vec::new(),
            deadline: LONG_DEADLINE,
            calls: Vec::new(),
            requests: None,
            is_silent: false,
            connections: None,
            growth_kib: None,
        }
    }

    /// Makes a call, of which any of these outcomes is right.
    pub(crate) fn call(mut self, op: &'static str, wanted: impl Into<Vec<Value>>) -> Self {
        self.calls.push(Call { op, args: arguments(op), wanted: wanted.into(), after_unasked: false });
        self
    }

    /// The same after the agent has sent or ended what nobody has asked it to.
    pub(crate) fn call_after_unasked(self, op: &'static str, wanted: impl Into<Vec<Value>>) -> Self {
        let mut scene = self.call(op, wanted);
        scene.calls.last_mut().expect("one was added").after_unasked = true;
        scene
    }

    pub(crate) fn listeners(mut self, listeners: impl IntoIterator<Item = Listener>) -> Self {
        self.listeners.extend(listeners);
        self
    }

    pub(crate) fn endpoint(mut self, endpoint: &str) -> Self {
        self.endpoint = Some(endpoint.to_owned());
        self
    }

    pub(crate) fn fingerprints(mut self, fingerprints: fn(&ScriptedAgent) -> Vec<String>) -> Self {
        self.fingerprints = fingerprints;
        self
    }

    pub(crate) fn variables(mut self, variables: fn(&ScriptedAgent) -> Vec<(String, String)>) -> Self {
        self.variables = variables;
        self
    }

    /// The deadline of each call. One that ends by it does so not before it, and soon after.
    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// As many requests arrive, each to its end.
    pub(crate) fn requests(mut self, requests: RangeInclusive<usize>) -> Self {
        self.requests = Some(requests);
        self
    }

    /// Nothing arrives that is part of a request.
    pub(crate) fn silent(mut self) -> Self {
        self.is_silent = true;
        self
    }

    pub(crate) fn connections(mut self, connections: RangeInclusive<usize>) -> Self {
        self.connections = Some(connections);
        self
    }

    /// The process grows by so much at most.
    pub(crate) fn grows_at_most_mib(mut self, mib: u64) -> Self {
        self.growth_kib = Some(mib << 10);
        self
    }

    /// Plays it.
    ///
    /// # Errors
    ///
    /// What was wanted, and what was found.
    pub async fn play(&self, program: &Program, certificates: &Certificates) -> Result<(), String> {
        let script = Script::new(self.answers.clone()).listeners(self.listeners.iter().copied());
        let agent = ScriptedAgent::start(script, certificates).await.map_err(|why| why.to_string())?;
        let target = Target {
            endpoint: self.endpoint.clone().unwrap_or_else(|| format!("127.0.0.1:{}", agent.port())),
            fingerprints: (self.fingerprints)(&agent),
            token: TOKEN.into(),
            deadline: Some(self.deadline),
        };
        let mut running = program.start(&target, (self.variables)(&agent)).await?;
        running.wait_until_ready().await?;
        let memory_before = running.peak_memory_kib();
        let mut unasked = 0;
        for (number, call) in self.calls.iter().enumerate() {
            if call.after_unasked {
                unasked += 1;
                agent.wait_for_unasked(unasked).await;
            }
            self.perform(number + 1, call, &mut running).await?;
        }
        self.check_memory(memory_before, running.peak_memory_kib())?;
        check_arguments(&running)?;
        let written = running.end().await?;
        if written.contains(TOKEN) {
            return Err("the token is in what the program has written".into());
        }
        self.check_arrivals(&agent)
    }

    async fn perform(&self, number: usize, call: &Call, running: &mut Running) -> Result<(), String> {
        let started = Instant::now();
        let outcome = running.call(call.op, &call.args).await?;
        let took = started.elapsed();
        if !call.wanted.iter().any(|wanted| is_wanted(wanted, &outcome)) {
            let wanted = call.wanted.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
            return Err(format!("call {number}, {}: wanted {wanted}\n  got    {}", call.op, shortened(&outcome)));
        }
        if outcome["ok"] != true && outcome["message"].as_str().is_none_or(str::is_empty) {
            return Err(format!("call {number}, {}: an error without a message: {outcome}", call.op));
        }
        if outcome["kind"] == "deadline" && !(self.deadline..self.deadline * MAX_OVERRUN).contains(&took) {
            return Err(format!("call {number}, {}: {took:?} with a deadline of {:?}", call.op, self.deadline));
        }
        Ok(())
    }

    fn check_arrivals(&self, agent: &ScriptedAgent) -> Result<(), String> {
        let arrived = [
            ("requests", agent.requests().len(), self.requests.clone()),
            ("connections", agent.connections(), self.connections.clone()),
            ("bytes of a request", agent.application_bytes(), self.is_silent.then_some(0..=0)),
        ];
        for (what, found, wanted) in arrived {
            if let Some(wanted) = wanted
                && !wanted.contains(&found)
            {
                return Err(format!("{} to {} {what} expected, {found} arrived", wanted.start(), wanted.end()));
            }
        }
        Ok(())
    }

    fn check_memory(&self, before: Option<u64>, after: Option<u64>) -> Result<(), String> {
        let Some(limit) = self.growth_kib else { return Ok(()) };
        // A memory that cannot be read is no small one.
        let (Some(before), Some(after)) = (before, after) else { return Err("its memory cannot be read".into()) };
        match after.saturating_sub(before) {
            grown if grown > limit => Err(format!("it grew by {grown} KiB, {limit} KiB at most expected")),
            _ => Ok(()),
        }
    }
}

/// Every user of the machine can read the arguments of a process.
fn check_arguments(running: &Running) -> Result<(), String> {
    let mut unseen = Vec::from_iter(running.pid());
    while let Some(pid) = unseen.pop() {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&arguments).contains(TOKEN) {
            return Err("the token is in the arguments of a process".into());
        }
        unseen.extend(children(pid));
    }
    Ok(())
}

/// Arguments with which the agent is asked.
pub(crate) fn arguments(op: &str) -> Map<String, Value> {
    let arguments = match op {
        "assign-disk" => json!({"uuid": "5b2e8d14", "where": "/mnt/spare", "fstype": "ext4", "options": "noatime"}),
        "eject-disk" => json!({"where": "/mnt/media"}),
        "format-disk" => json!({"device": "/dev/sdd1", "fstype": "ext4", "confirmed": false, "durable_id": ""}),
        _ => json!({}),
    };
    arguments.as_object().cloned().expect("each is an object")
}

fn shortened(outcome: &Value) -> String {
    let text = outcome.to_string();
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text,
    }
}

/// A call that ends by its deadline takes less than so many times as long, also on a busy machine.
const MAX_OVERRUN: u32 = 3;
/// As much of an outcome is shown where it is wrong.
const MAX_SHOWN_CHARS: usize = 300;
