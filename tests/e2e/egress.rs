//! Egress: only https, only the pinned authority, only the nine routes. A component that tries otherwise is refused.

use std::env;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_host::records::AssignRequest;
use agentapi_host::{Agent, CallSummary, Error, Host, HostBuilder, Observer, Route, Target};
use agentapi_mock::MockAgent;
use agentapi_scripted_agent::{Answer, Listener, Script, ScriptedAgent};

use crate::support::{
    JOB, STORAGE, build_folder, certificates, client_of, extension, start_scripted, target_at, target_of,
    target_of_mock,
};

fn hostile_builder() -> HostBuilder {
    let builder = Host::builder().component_file(extension("hostile")).cache_dir(build_folder().join("e2e-cache"));
    builder.deadline(Duration::from_secs(2))
}

fn hostile_host() -> Host {
    hostile_builder().build().unwrap()
}

fn hostile(target: Target) -> Agent {
    hostile_host().agent(target).unwrap()
}

fn request(method: &str, scheme: &str, authority: &str, path: &str) -> AssignRequest {
    let [uuid, mount_path, fstype, options] = [scheme, authority, path, method].map(String::from);
    AssignRequest { uuid, mount_path, fstype, options }
}

#[tokio::test]
async fn the_hostile_component_can_ask_for_what_the_client_may_ask_for() {
    let mock = MockAgent::start().await.unwrap();
    let agent = hostile(target_of_mock(&mock));
    let error = agent.assign_disk(&request("GET", "https", "", "/storage")).await.unwrap_err();
    assert!(matches!(error, Error::HttpStatus { status: 200, .. }), "{error:?}");
}

#[tokio::test]
async fn anything_else_is_denied_and_does_not_leave() {
    let script = Script::new([Answer::new(200, "{}")]).listeners([Listener::Second, Listener::Plain]);
    let peer = ScriptedAgent::start(script, certificates()).await.unwrap();
    let agent = hostile(target_of(&peer));
    let second = format!("127.0.0.1:{}", peer.port_of(Listener::Second));
    let plain = format!("127.0.0.1:{}", peer.port_of(Listener::Plain));
    let localhost = format!("localhost:{}", peer.port());
    let user = format!("user@127.0.0.1:{}", peer.port());
    let attempts = [
        request("GET", "http", "", "/storage"),
        request("GET", "http", &plain, "/storage"),
        request("GET", "ftp", "", "/storage"),
        request("GET", "https", &second, "/storage"),
        request("GET", "https", &localhost, "/storage"),
        request("GET", "https", &user, "/storage"),
        request("GET", "https", "", "/"),
        request("GET", "https", "", "/storage/"),
        request("GET", "https", "", "/storage?x=1"),
        request("GET", "https", "", "//storage"),
        request("GET", "https", "", "/Storage"),
        request("POST", "https", "", "/storage"),
        request("DELETE", "https", "", "/disks"),
        request("get", "https", "", "/storage"),
        request("GET!", "https", "", "/storage"),
    ];
    for attempt in attempts {
        let error = agent.assign_disk(&attempt).await.unwrap_err();
        assert_eq!(error.kind(), "denied", "{attempt:?}: {error:?}");
    }
    assert_eq!((peer.connections(), peer.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_pin_of_its_own_is_refused() {
    let peer = start_scripted([Answer::new(200, "{}")]).await;
    let agent = hostile(target_of(&peer));
    let refusal = async |authority: &str| agent.eject_disk(authority).await.unwrap_err().to_string();
    assert!(refusal("127.0.0.1:1").await.starts_with("Refusal::Authority"));
    assert!(refusal("").await.starts_with("Refusal::Fingerprints"));
}

#[tokio::test]
async fn before_the_pin_every_request_is_denied() {
    let peer = start_scripted([Answer::new(200, "{}")]).await;
    let agent = hostile(target_at(peer.port(), [peer.fingerprint(), peer.other_fingerprint()]));
    let error = agent.assign_disk(&request("GET", "https", "", "/storage")).await.unwrap_err();
    assert_eq!(error.to_string(), "denied: a request before the pin");
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn a_component_that_never_ends_is_stopped_and_the_next_call_works() {
    let peer = start_scripted([Answer::new(200, "{}")]).await;
    let agent = hostile(target_of(&peer));
    assert_eq!(agent.storage().await.unwrap_err().kind(), "deadline");
    assert!(agent.fs_uuid("").await.unwrap().is_some());
}

/// Keeps the route and the outcome of each call that has ended.
#[derive(Default)]
struct Outcomes(Mutex<Vec<(Option<Route>, &'static str)>>);

impl Observer for Outcomes {
    fn call_ended(&self, call: &CallSummary) {
        self.0.lock().unwrap().push((call.route, call.outcome));
    }
}

#[tokio::test]
async fn an_observer_learns_of_each_call_however_it_ends() {
    let peer = start_scripted([Answer::new(200, "{}")]).await;
    let observer = Arc::new(Outcomes::default());
    let host = hostile_builder().observer(Arc::clone(&observer) as _).build().unwrap();
    let agent = host.agent(target_of(&peer)).unwrap();
    // Traps, never returns, has no such export, and returns.
    agent.backup_due().await.unwrap_err();
    agent.storage().await.unwrap_err();
    agent.run_plugged("{}").await.unwrap_err();
    agent.fs_uuid("").await.unwrap();
    let outcomes = observer.0.lock().unwrap();
    let expected =
        [(Some(Route::BackupDue), "internal"), (Some(Route::Storage), "deadline"), (None, "no-policy"), (None, "ok")];
    assert_eq!(*outcomes, expected);
}

#[tokio::test]
async fn what_the_agent_receives_is_the_request_of_the_api_and_nothing_more() {
    let (client, peer) = client_of([Answer::new(200, STORAGE), Answer::new(202, JOB)]).await;
    client.storage().await.unwrap();
    client.start_backup().await.unwrap();
    let requests = peer.requests();
    let names = |place: usize| {
        let mut names: Vec<_> = requests[place].headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("GET", "/storage"));
    assert_eq!(names(0), "authorization host");
    assert_eq!((requests[1].method.as_str(), requests[1].path.as_str()), ("POST", "/backup"));
    assert_eq!(names(1), "authorization content-length content-type host");
    assert_eq!(requests[1].header("content-type"), Some("application/json"));
    assert_eq!(requests[1].header("authorization"), Some("Bearer guest-token-abc123"));
    assert_eq!(requests[1].body, b"{}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = start_scripted([Answer::new(200, STORAGE)]).await;
    // Under the same certificate, so that nothing but the rule keeps the client from following.
    let location = format!("https://127.0.0.1:{}/storage", elsewhere.port());
    for status in [301, 302, 303, 307, 308] {
        let (client, peer) = client_of([Answer::new(status, "{}").header("location", &location)]).await;
        let error = client.storage().await.unwrap_err();
        assert!(matches!(error, Error::HttpStatus { status: found, .. } if found == status), "{error:?}");
        assert_eq!((peer.requests().len(), elsewhere.connections()), (1, 0));
    }
}

#[tokio::test]
async fn a_refused_pin_does_not_count() {
    let peer = start_scripted([Answer::new(200, "{}")]).await;
    let agent = hostile(target_at(peer.port(), [peer.fingerprint(), peer.other_fingerprint()]));
    for authority in ["127.0.0.1:1", ""] {
        assert!(agent.eject_disk(authority).await.unwrap_err().to_string().starts_with("Refusal::"));
        let error = agent.assign_disk(&request("GET", "https", "", "/storage")).await.unwrap_err();
        assert_eq!(error.to_string(), "denied: a request before the pin");
    }
    assert_eq!(peer.connections(), 0);
}

#[test]
fn variables_that_name_a_proxy_are_not_looked_at() {
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", "reuse::a_hundred_calls_use_one_connection"]);
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        again.env(name, "http://127.0.0.1:1").env(name.to_uppercase(), "http://127.0.0.1:1");
    }
    let output = again.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

#[tokio::test]
async fn a_header_of_its_own_does_not_leave() {
    let peer = start_scripted([Answer::new(200, "{}")]).await;
    let agent = hostile(target_of(&peer));
    let error = agent.assign_disk(&request("GET", "https", "", "/storage")).await.unwrap_err();
    assert!(matches!(error, Error::HttpStatus { status: 200, .. }), "{error:?}");
    assert_eq!(peer.requests()[0].header("x-more"), None);
}

#[tokio::test]
async fn a_component_that_trapped_is_not_used_again() {
    let peer = start_scripted([Answer::new(200, "{}")]).await;
    let agent = hostile(target_of(&peer));
    assert_eq!(agent.backup_due().await.unwrap_err().kind(), "internal");
    assert!(agent.fs_uuid("").await.unwrap().is_some());
}

#[tokio::test]
async fn the_memory_of_a_component_has_an_end() {
    let peer = start_scripted([Answer::new(200, "{}")]).await;
    let agent = hostile(target_of(&peer));
    let Error::ResponseTooLarge { limit: mebibytes } = agent.host_metrics().await.unwrap_err() else { panic!() };
    assert!((200..256).contains(&mebibytes), "{mebibytes}");
}
