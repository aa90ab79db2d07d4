//! What a call through an extension costs over a direct one.

use agentapi_host::Host;
use agentapi_host::policy::{Breach, Grants, Limits, Policy, RunError};
use tokio::runtime::Runtime;

use crate::agent::{Agents, typical};
use crate::built::extension;
use crate::paired::{Effort, Race};

/// Calls of a sample: one run of the extension, so that its start counts little.
const CALLS: u32 = 200;

pub(crate) fn run(effort: &Effort, runtime: &Runtime, host: &Host) {
    let agents = Agents::start(1, &typical());
    let agent = host.agent(agents.first().clone()).unwrap();
    let file = extension("misbehaving");
    let load = |agent_calls| {
        let grants = Grants::from_toml("functions = [\"backup.due\"]\nungranted = \"deny\"").unwrap();
        let limits = Limits { agent_calls, ..Limits::default() };
        host.load_policy(&file, &grants, &limits).unwrap()
    };
    // It calls without end, and is stopped after as many calls as it may make.
    let [calling, silent] = [u64::from(CALLS), 0].map(load);
    let stopped = |policy: &Policy| {
        let ended = runtime.block_on(policy.run(&agent, "call without end"));
        assert!(matches!(ended, Err(RunError::Stopped { breach: Breach::AgentCalls(_), .. })));
    };

    let mut race = Race::new(effort, "a call (backup due) through an extension", 60);
    race.add("direct", CALLS, |count| {
        runtime.block_on(async {
            for _ in 0..count {
                drop(agent.backup_due().await.unwrap());
            }
        });
    });
    race.add("through an extension", CALLS, |_| stopped(&calling));
    race.add("a run without a call", 1, |_| stopped(&silent));
    race.run();
}
