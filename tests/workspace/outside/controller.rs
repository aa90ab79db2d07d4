//! A controller of somebody else's, as small as can be: loads the host, and asks a mock agent.

use std::time::Instant;

use agentapi_host::{Host, Target};
use agentapi_mock::MockAgent;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mock = MockAgent::start().await?;
    let begun = Instant::now();
    let host = Host::builder().build()?;
    let loaded = begun.elapsed();
    let pin = mock.fingerprint().to_string();
    let agent = host.agent(Target::parse(&mock.endpoint(), mock.token(), [pin])?)?;
    agent.check().await?;
    println!("loaded in {} ms", loaded.as_millis());
    println!("backup due: {}", agent.backup_due().await?.due);
    Ok(())
}
