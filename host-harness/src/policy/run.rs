//! One run of an extension: a store of its own, the wall clock, and how it ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use wasmtime::{Store, UpdateDeadline};

use crate::agent::Agent;
use crate::policy::audit::Trail;
use crate::policy::calls::{CallBudget, Calls};
use crate::policy::captured::BackupWatch;
use crate::policy::clock::RunClock;
use crate::policy::cpu::CpuMeter;
use crate::policy::dry_run::DryRun;
use crate::policy::error::RunError;
use crate::policy::extension::Policy;
use crate::policy::limits::Breach;
use crate::policy::log::RunLog;
use crate::policy::memory::MAX_RESOURCES;
use crate::policy::observed::Observed;
use crate::policy::state::RunState;
use crate::policy::state_store::Entries;

/// How long an extension that computes sleeps after each tick of the epoch clock, so that others run.
const PAUSE: Duration = Duration::from_millis(1);

impl Policy {
    /// Runs it once. Input and result are JSON texts, whose shape is the extension's own.
    ///
    /// A future that is dropped ends the run: the instance is gone, and so is a call that it was making.
    ///
    /// # Errors
    ///
    /// [`RunError`]: it failed, trapped, or was stopped at a limit.
    pub async fn run(&self, agent: &Agent, input: &str) -> Result<String, RunError> {
        let settings = &self.settings;
        // A dry run has done nothing that anybody would have to know afterwards.
        let audit = settings.audit.clone().filter(|_| !settings.is_dry_run);
        let trail = Trail::new(self.identity.clone(), audit, agent.credentials());
        // Lives longer than all that the run does, so that its end is the last line.
        let operation = trail.begin_run();
        let cpu = CpuMeter::default();
        let _running = self.epoch_clock.run();
        let clock = RunClock::start(Arc::clone(&settings.clock), self.limits.wall);
        let observed = Observed::new(settings.observer.clone(), clock.clone());
        let calls = self.calls(agent, trail, clock, observed.clone());
        let run = self.instantiate_and_run(self.store(calls, cpu.clone()), input);
        // An extension that waits, for an agent or by `wasi:clocks`, uses no CPU time: only this timer ends it.
        let outcome = match timeout(self.limits.wall, cpu.measure(run)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(RunError::Stopped { breach: Breach::Wall(self.limits.wall), last_call: observed.latest() }),
        };
        operation.ran(&outcome);
        outcome
    }

    async fn instantiate_and_run(&self, mut store: Store<RunState>, input: &str) -> Result<String, RunError> {
        if input.len() > self.limits.input_bytes {
            return Err(RunError::Stopped { breach: Breach::Input(self.limits.input_bytes), last_call: None });
        }
        let returned = async {
            let extension = self.component.instantiate_async(&mut store).await?;
            extension.felhom_agentapi_policy().call_run(&mut store, input).await
        };
        let returned = returned.await;
        let result = returned.map_err(|why| RunError::from_trap(why, store.data()))?;
        // Its own error text is output too, and bounded like a result.
        let text = result.as_ref().unwrap_or_else(|text| text);
        if text.len() > self.limits.output_bytes {
            let last_call = store.data().calls.observed.latest();
            return Err(RunError::Stopped { breach: Breach::Output(self.limits.output_bytes), last_call });
        }
        result.map_err(RunError::Failed)
    }

    fn calls(&self, agent: &Agent, trail: Trail, clock: RunClock, observed: Observed) -> Calls {
        let (identity, settings) = (&self.identity, &self.settings);
        Calls {
            agent: agent.clone(),
            identity: identity.clone(),
            grants: Arc::clone(&self.grants),
            budget: CallBudget::new(self.limits.agent_calls),
            approver: Arc::clone(&settings.approver),
            trail,
            quiesce: settings.freezing.as_ref().map(|freezing| freezing.coordinator.run(&*identity.name)),
            park: settings.freezing.as_ref().map(|freezing| Arc::clone(&freezing.park)),
            backup: BackupWatch::new(settings.captured),
            clock,
            log: RunLog::new(Arc::clone(&identity.name), Arc::clone(&settings.log), self.limits.log_bytes),
            observed,
            dry_run: settings.is_dry_run.then(DryRun::default),
            state_store: settings.state.clone(),
            entries: Entries::default(),
            notifications: settings.notifications.clone(),
        }
    }

    /// A new store for each run: memory that the run before left, or a trap in the middle of it, is not seen.
    fn store(&self, calls: Calls, cpu: CpuMeter) -> Store<RunState> {
        let mut store = Store::new(self.component.engine(), RunState::new(calls, self.limits, cpu));
        store.limiter(|state| state);
        store.set_max_component_handles(MAX_RESOURCES);
        store.call_hook(|mut store, hook| {
            let lifted_bytes = store.data_mut().on_call_hook(hook)?;
            store.set_hostcall_fuel(lifted_bytes);
            Ok(())
        });
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            store.data().check_cpu()?;
            // Yielding alone is not enough. While tasks are ready, a tokio runtime with one thread polls its sockets
            // and timers after 61 of them, and this one would be ready again after 10 ms of computing. So it sleeps.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(sleep(PAUSE))))
        });
        store
    }
}
