//! The listeners besides the main one.

use agentapi_scripted_agent::{Listener, Script, ScriptedAgent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{CERTIFICATES, Client, GET, HEAD, hello};

#[tokio::test]
async fn they_share_the_answers_and_differ_in_what_they_present() {
    let script = Script::new([hello()]).listeners([Listener::Second, Listener::WrongCertificate]);
    let agent = ScriptedAgent::start(script, &CERTIFICATES).await.unwrap();
    for (listener, fingerprint) in [
        (Listener::Main, agent.fingerprint()),
        (Listener::Second, agent.fingerprint()),
        (Listener::WrongCertificate, agent.other_fingerprint()),
    ] {
        let mut client = Client::connect(agent.port_of(listener)).await.unwrap();
        assert_eq!(client.leaf_fingerprint(), fingerprint, "{listener:?}");
        client.send(GET).await;
        client.read(HEAD.len() + 6).await;
        assert_eq!(agent.requests().last().unwrap().listener, listener);
    }
}

#[tokio::test]
async fn one_speaks_http_without_tls() {
    let script = Script::new([hello()]).listeners([Listener::Plain]);
    let agent = ScriptedAgent::start(script, &CERTIFICATES).await.unwrap();
    let port = agent.port_of(Listener::Plain);
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tcp.write_all(GET).await.unwrap();
    let mut answer = vec![0; HEAD.len() + 6];
    tcp.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, format!("{HEAD}abcdef").into_bytes());
}

#[tokio::test]
async fn one_is_on_ipv6() {
    let script = Script::new([hello()]).listeners_named_in("[::1]:{PORT6}");
    let agent = ScriptedAgent::start(script, &CERTIFICATES).await.unwrap();
    TcpStream::connect(("::1", agent.port_of(Listener::Ipv6))).await.unwrap();
}

#[tokio::test]
async fn ports_and_pins_have_placeholders() {
    let script = Script::new([hello()]).listeners_named_in("{PORT} {PORT2}");
    let agent = ScriptedAgent::start(script, &CERTIFICATES).await.unwrap();
    let (one, two) = (agent.port(), agent.port_of(Listener::Second));
    assert_eq!(agent.fill("{PORT} {PORT2} {PORT6}"), format!("{one} {two} {{PORT6}}"));
    let pin = agent.fingerprint();
    assert_eq!(agent.fill("{PIN}"), pin);
    assert_eq!(agent.fill("{PIN_HEAD}{PIN_TAIL}"), pin);
    assert_eq!(agent.fill("{PIN_UPPER}"), pin.to_uppercase());
    assert_eq!(agent.fill("{PIN_COLONS}").replace(':', ""), pin.to_uppercase());
    assert_eq!(agent.fill("{PIN_COLONS}").len(), 32 * 3 - 1);
    assert_eq!(agent.fill("{PIN_OTHER}"), agent.other_fingerprint());
    assert_eq!(agent.fill("{PIN_LAST}"), agent.last_fingerprint());
    assert_eq!(agent.fill("{PIN_SPKI}"), agent.spki_fingerprint());
}
