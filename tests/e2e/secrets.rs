//! Secrets: the token never enters the component, and appears in no log, error or debug text.

use std::io;
use std::sync::{Arc, Mutex};

use agentapi_host::{Host, Target, error_chain};
use agentapi_mock::MockAgent;
use agentapi_scripted_agent::{Answer, Delivery, Opening, TlsVersion};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{
    TOKEN, build_folder, client_of, extension, host_with_short_deadline, start_scripted, target_at, target_of,
    target_of_mock,
};

/// Keeps what is logged, at every level.
#[derive(Clone, Default)]
struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for LogBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogBuffer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn builder() -> agentapi_host::HostBuilder {
    Host::builder().cache_dir(build_folder().join("e2e-cache"))
}

#[tokio::test]
async fn the_component_is_given_a_stand_in_that_is_new_for_each_client() {
    let mock = MockAgent::start().await.unwrap();
    let host = builder().component_file(extension("hostile")).build().unwrap();
    let given_token = async || host.agent(target_of_mock(&mock)).unwrap().fs_uuid("").await.unwrap().unwrap();
    let (first, second) = (given_token().await, given_token().await);
    assert_eq!(first.len(), 32, "{first}");
    assert_ne!(first, second);
    assert_ne!(first, mock.token());
}

#[tokio::test]
async fn nothing_that_is_printed_holds_the_token_not_even_when_the_agent_echoes_it() {
    let log = LogBuffer::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    tracing::trace!("the log is on");

    // Only whoever decodes the JSON sees this one.
    let escaped: String = TOKEN.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let echo = |text: &str| format!(r#"{{"ok":false,"error":"no such token: {text}"}}"#);
    let answers = [
        Answer::new(401, echo(TOKEN)).header("www-authenticate", &format!("Bearer {TOKEN}")),
        Answer::new(200, echo(TOKEN)),
        Answer::new(200, echo(&escaped)),
        Answer::new(200, format!("<html>{TOKEN}")),
        Answer::new(200, format!(r#"{{"ok":true,"data":{{"vmid":"{TOKEN}"}}}}"#)),
        Answer::new(200, format!("HTTP/1.1 200 {TOKEN}")).delivery(Delivery::CloseMidHeaders),
        Answer::raw(format!("{TOKEN}\r\n\r\n")),
    ];
    let count = answers.len();
    let (client, peer) = client_of(answers).await;
    let mut printed = format!("{client:?} {:?}", target_at(peer.port(), [peer.fingerprint()]));
    for _ in 0..count {
        let error = client.start_backup().await.unwrap_err();
        printed += &format!("{error:?} {}\n", error_chain(&error));
    }
    assert_eq!(peer.requests().len(), count);
    assert!(printed.contains("no such token: [masked]"), "{printed}");

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the log is on"));
    for text in [printed, logged] {
        assert!(!text.contains(TOKEN), "{text}");
    }
}

#[tokio::test]
async fn the_stand_in_is_masked_too_and_so_is_a_token_in_the_answer_to_a_format() {
    let mock = MockAgent::start().await.unwrap();
    let host = builder().component_file(extension("hostile")).build().unwrap();
    let error = host.agent(target_of_mock(&mock)).unwrap().disks().await.unwrap_err();
    assert_eq!(error.to_string(), "the token is [masked]");

    let escaped: String = TOKEN.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let answer =
        format!(r#"{{"ok":true,"data":{{"needs_confirmation":true,"device":"{escaped}","durable_id":"{escaped}"}}}}"#);
    let (client, _peer) = client_of([Answer::new(200, answer)]).await;
    let error = client.format_disk(&crate::support::format(None)).await.unwrap_err();
    assert_eq!(error.to_string(), "the customer must confirm that [masked] is wiped (durable id \"[masked]\")");
    assert!(!format!("{error:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_value_in_which_the_agent_echoes_the_token_is_masked_too() {
    let (client, _peer) =
        client_of([Answer::new(200, format!(r#"{{"ok":true,"data":{{"reason":"{TOKEN}"}}}}"#))]).await;
    assert_eq!(client.backup_due().await.unwrap().reason, "[masked]");
}

#[tokio::test]
async fn a_token_that_cannot_be_one_is_refused_without_being_shown() {
    let error = Target::parse("agent", "sec\tret", ["ab".repeat(32)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "token: expected printable ASCII, no blank at either end, found a tab inside, character 4 of 7"
    );
}

#[test]
fn a_target_without_a_pin_or_with_too_many_is_refused() {
    for count in [0, 9] {
        let error = Target::parse("agent", TOKEN, vec!["ab".repeat(32); count]).unwrap_err();
        let expected = format!("fingerprints: expected 1 to 8, found {count}");
        assert_eq!((error.kind(), error.to_string()), ("invalid-argument", expected));
    }
}

#[tokio::test]
async fn nothing_that_is_printed_of_a_connection_that_fails_holds_the_token() {
    let log = LogBuffer::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let openings = [
        Opening::Refused,
        Opening::Garbage,
        Opening::WrongCertificate,
        Opening::Impostor(TlsVersion::Tls13),
        Opening::HandshakeHang,
    ];
    let mut printed = String::new();
    for opening in openings {
        let peer = start_scripted([Answer::new(200, "").opening(opening)]).await;
        let client = host_with_short_deadline().agent(target_of(&peer)).unwrap();
        let error = client.start_backup().await.unwrap_err();
        printed += &format!("{error:?} {}\n", error_chain(&error));
    }
    printed += &String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!printed.contains(TOKEN), "{printed}");
}
