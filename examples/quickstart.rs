//! From nothing to a backup that was started, against a mock agent: `cargo run --example quickstart`.

use agentapi_host::{Host, Target};
use agentapi_mock::MockAgent;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A stand-in for the agent, with real TLS, for this example alone.
    let mock = MockAgent::start().await?;
    let (endpoint, token, pin) = (mock.endpoint(), mock.token(), mock.fingerprint().to_string());

    // Once for the process: engine, linker, compiled component. `cache_dir` makes the next start quick.
    let host = Host::builder().build()?;

    // Once for each agent, with what its operator gave to this guest. Clone it, call it from any task.
    let agent = host.agent(Target::parse(&endpoint, token, [pin])?)?;
    agent.check().await?;

    let due = agent.backup_due().await?;
    println!("backup due: {} ({})", due.due, due.reason);
    match agent.start_backup().await {
        Ok(job) => println!("started {}", job.job_id),
        // The answer was lost, and the backup may be running: look, rather than start another.
        Err(error) if error.may_have_acted() => println!("{:?}", agent.backup_status().await?.phase),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
