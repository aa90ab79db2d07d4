//! A whole answer's bytes, over real TLS, through host and component: the component never traps, the host never panics.
#![no_main]
#![allow(clippy::expect_used, reason = "a panic is what is looked for")]

use std::sync::OnceLock;
use std::time::Duration;

use agentapi_host::{Error, Host, Target};
use agentapi_scripted_agent::{Answer, Certificates, Script, ScriptedAgent};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

struct Fixture {
    runtime: Runtime,
    host: Host,
    certificates: Certificates,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| Fixture {
        runtime: Runtime::new().expect("a runtime"),
        host: Host::builder().deadline(Duration::from_secs(2)).build().expect("a host"),
        certificates: Certificates::generate(),
    })
}

fuzz_target!(|input: (bool, &[u8])| {
    let (is_whole, bytes) = input;
    let bytes = if is_whole { [b"HTTP/1.1 200 OK\r\n", bytes].concat() } else { bytes.to_vec() };
    let Fixture { runtime, host, certificates } = fixture();
    runtime.block_on(async {
        let peer = ScriptedAgent::start(Script::new([Answer::raw(bytes)]), certificates).await.expect("a peer");
        let endpoint = format!("127.0.0.1:{}", peer.port());
        let connection = Target::parse(&endpoint, "token-of-a-guest", [peer.fingerprint()]).expect("a connection");
        let agent = host.agent(connection).expect("an agent");
        if let Err(Error::Component(why)) = agent.host_metrics().await {
            panic!("{why}");
        }
        if let Err(Error::Component(why)) = agent.start_backup().await {
            panic!("{why}");
        }
    });
});
