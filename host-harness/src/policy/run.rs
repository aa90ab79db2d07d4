//! One run of an extension: a store of its own, the wall clock, and how it ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use wasmtime::{Store, UpdateDeadline};

use crate::agent::Agent;
use crate::policy::audit::Trail;
use crate::policy::calls::{CallBudget, Calls};
use crate::policy::captured::BackupWatch;
use crate::policy::cpu::CpuMeter;
use crate::policy::error::RunError;
use crate::policy::extension::Policy;
use crate::policy::limits::Breach;
use crate::policy::log::RunLog;
use crate::policy::memory::MAX_RESOURCES;
use crate::policy::state::RunState;

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
        let trail = Trail::new(self.identity.clone(), self.settings.audit.clone(), agent.credentials());
        // Lives longer than all that the run does, so that its end is the last line.
        let operation = trail.begin_run();
        let cpu = CpuMeter::default();
        let _running = self.epoch_clock.run();
        let run = self.instantiate_and_run(self.store(agent, trail, cpu.clone()), input);
        // An extension that waits, for an agent or by `wasi:clocks`, uses no CPU time: only this timer ends it.
        let outcome = match timeout(self.limits.wall, cpu.measure(run)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(RunError::Stopped(Breach::Wall(self.limits.wall))),
        };
        operation.ran(&outcome);
        outcome
    }

    async fn instantiate_and_run(&self, mut store: Store<RunState>, input: &str) -> Result<String, RunError> {
        if input.len() > self.limits.input_bytes {
            return Err(RunError::Stopped(Breach::Input(self.limits.input_bytes)));
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
            return Err(RunError::Stopped(Breach::Output(self.limits.output_bytes)));
        }
        result.map_err(RunError::Failed)
    }

    /// A new store for each run: memory that the run before left, or a trap in the middle of it, is not seen.
    fn store(&self, agent: &Agent, trail: Trail, cpu: CpuMeter) -> Store<RunState> {
        let (identity, settings) = (&self.identity, &self.settings);
        let log = RunLog::new(Arc::clone(&identity.name), Arc::clone(&settings.log), self.limits.log_bytes);
        let calls = Calls {
            agent: agent.clone(),
            identity: identity.clone(),
            grants: Arc::clone(&self.grants),
            budget: CallBudget::new(self.limits.agent_calls),
            approver: Arc::clone(&settings.approver),
            trail,
            quiesce: settings.freezing.as_ref().map(|freezing| freezing.coordinator.run(&*identity.name)),
            park: settings.freezing.as_ref().map(|freezing| Arc::clone(&freezing.park)),
            backup: BackupWatch::new(settings.captured),
        };
        let mut store = Store::new(self.component.engine(), RunState::new(calls, self.limits, &log, cpu));
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
