//! Many calls at once, through several agents: `cargo run --example burst -- ENDPOINT FINGERPRINT AGENTS CALLS`, the token
//! in `AGENTAPI_TOKEN`. Prints how many calls came to what; then each agent makes one call more, alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agentapi_host::{Agent, Error, Host, Target};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, fingerprint, agents, calls] = arguments.as_slice() else {
        return Err("expected ENDPOINT FINGERPRINT AGENTS CALLS".into());
    };
    let (agents, calls): (usize, usize) = (agents.parse()?, calls.parse()?);
    let connection = Target::parse(endpoint, &std::env::var("AGENTAPI_TOKEN")?, [fingerprint])?;
    let mut host = Host::builder();
    if let Some(dir) = std::env::var_os("AGENTAPI_CACHE_DIR") {
        host = host.cache_dir(PathBuf::from(dir));
    }
    let host = host.build()?;
    let mut connected = Vec::new();
    for _ in 0..agents {
        connected.push(host.agent(connection.clone())?);
    }

    let running = (0..calls).zip(connected.iter().cycle()).map(|(_, agent)| tokio::spawn(call(agent.clone())));
    let mut kinds = BTreeMap::<&str, usize>::new();
    for call in running.collect::<Vec<_>>() {
        *kinds.entry(call.await?).or_default() += 1;
    }
    for (kind, count) in kinds {
        println!("{kind} {count}");
    }
    for agent in connected {
        println!("after {}", call(agent).await);
    }
    Ok(())
}

async fn call(agent: Agent) -> &'static str {
    agent.storage().await.as_ref().map_or_else(Error::kind, |_| "ok")
}
