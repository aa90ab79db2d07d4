//! Every operation under every fault, on a fresh and on a kept-alive connection: the kind of error, what reached the
//! agent, that the same client works on the next call, and that nothing is left behind.

use std::time::Duration;

use agentapi_host::records::{AssignRequest, FormatRequest};
use agentapi_host::{Agent, Error, Host, Method, Route, Target};
use agentapi_mock::{Fault, MockAgent, Received, Repeat};
use http::StatusCode;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::support::{SHORT, new_host};

const OK: &str = "ok";
/// Longer than the deadline.
const LONG: Duration = Duration::from_secs(30);

/// A fault, and what a call comes to that meets it.
#[derive(Clone, Copy)]
struct Row {
    fault: Fault,
    fresh: &'static str,
    kept_alive: &'static str,
    /// A GET on a kept-alive connection, where that differs: it is sent again.
    kept_alive_get: &'static str,
}

const fn row(fault: Fault, fresh: &'static str, kept_alive: &'static str, kept_alive_get: &'static str) -> Row {
    Row { fault, fresh, kept_alive, kept_alive_get }
}

const fn same(fault: Fault, outcome: &'static str) -> Row {
    row(fault, outcome, outcome, outcome)
}

fn rows() -> Vec<Row> {
    vec![
        same(Fault::Latency(Duration::from_millis(20)), OK),
        same(Fault::Latency(LONG), "deadline"),
        same(Fault::Drip(Duration::from_millis(100)), "deadline"),
        row(Fault::ResetAt(0), "interrupted", "interrupted", OK),
        row(Fault::ResetAt(12), "interrupted", "interrupted", OK),
        row(Fault::CloseBeforeAnswer, "interrupted", "interrupted", OK),
        same(Fault::CloseAfterAnswer, OK),
        same(Fault::HalfBody, "interrupted"),
        same(Fault::WrongLength(7), "interrupted"),
        same(Fault::WrongLength(-7), "bad-envelope"),
        same(Fault::MalformedJson, "bad-envelope"),
        same(Fault::Status(StatusCode::SERVICE_UNAVAILABLE), "http-status"),
        same(Fault::Unauthorized, "http-status"),
        same(Fault::NewCertificate, OK),
        row(Fault::SlowHandshake(SHORT.saturating_mul(2)), "deadline", OK, OK),
        row(Fault::ConnectionLimit(0), "tls", OK, OK),
    ]
}

/// Performs the operation with arguments that the mock agent's default scenario grants.
async fn perform(agent: &Agent, route: Route) -> Result<(), Error> {
    let [uuid, mount_path, fstype, options] =
        ["5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33", "/mnt/felhom/spare", "ext4", "noatime"].map(String::from);
    match route {
        Route::Storage => agent.storage().await.map(drop),
        Route::BackupDue => agent.backup_due().await.map(drop),
        Route::StartBackup => agent.start_backup().await.map(drop),
        Route::BackupStatus => agent.backup_status().await.map(drop),
        Route::Disks => agent.disks().await.map(drop),
        Route::AssignDisk => agent.assign_disk(&AssignRequest { uuid, mount_path, fstype, options }).await,
        Route::EjectDisk => agent.eject_disk("/mnt/felhom/media").await.map(drop),
        Route::FormatDisk => {
            let device = "/dev/sdd1".into();
            agent.format_disk(&FormatRequest { device, fstype, confirmation: None }).await.map(drop)
        }
        Route::HostMetrics => agent.host_metrics().await.map(drop),
    }
}

/// Plays one cell of the matrix; says what was wrong.
async fn cell(host: &Host, route: Route, row: &Row, warm: bool) -> Result<(), String> {
    let mock = MockAgent::start().await.unwrap();
    let pins = [mock.fingerprint(), mock.next_fingerprint()].map(|pin| pin.to_string());
    let connection = Target::parse(&mock.endpoint(), mock.token(), pins).unwrap();
    let is_get = route.method() == Method::Get;
    let expected = match (warm, is_get) {
        (false, _) => row.fresh,
        (true, false) => row.kept_alive,
        (true, true) => row.kept_alive_get,
    };
    let host = if expected == "deadline" { host.with_deadline(SHORT) } else { host.clone() };
    let agent = host.agent(connection).unwrap();
    // Another route than the one that is tried, so that the counts tell them apart.
    let other = if route == Route::Storage { Route::HostMetrics } else { Route::Storage };
    if warm {
        perform(&agent, other).await.unwrap();
    }
    if matches!(row.fault, Fault::SlowHandshake(_) | Fault::ConnectionLimit(_)) {
        mock.inject(agentapi_mock::RouteSelector::Any, row.fault, Repeat::Times(1));
    } else {
        mock.inject(route, row.fault, Repeat::Times(1));
    }

    let outcome = perform(&agent, route).await;
    let outcome = outcome.as_ref().map_or_else(Error::kind, |()| OK);
    let check = |holds: bool, what: String| if holds { Ok(()) } else { Err(what) };
    check(outcome == expected, format!("{expected} expected, got {outcome}"))?;

    let is_it =
        |request: &&Received| request.method.as_str() == route.method().as_str() && request.path == route.path();
    let arrived = mock.requests().iter().filter(is_it).count();
    let is_before_request = matches!(row.fault, Fault::SlowHandshake(_) | Fault::ConnectionLimit(_)) && !warm;
    let most = if is_before_request { 0 } else { 1 + usize::from(is_get) };
    // A deadline may be over before the request is there, where many wait for the processor.
    let least = usize::from(!is_before_request && expected != "deadline");
    check((least..=most).contains(&arrived), format!("the request arrived {arrived} times"))?;

    mock.clear_faults();
    let again = perform(&agent, other).await;
    check(again.is_ok(), format!("the next call failed: {again:?}"))?;
    drop(agent);
    for _ in 0..200 {
        if mock.open_connections() == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(format!("{} connections are left", mock.open_connections()))
}

#[tokio::test]
async fn every_operation_under_every_fault() {
    const AT_ONCE: usize = 24;
    // Whatever the host keeps running is running before the count.
    let host = new_host();
    cell(&host, Route::Storage, &same(Fault::CloseAfterAnswer, OK), true).await.unwrap();
    let alive = || (Handle::current().metrics().num_alive_tasks(), host.instances());
    let before = alive();

    let mut failures = Vec::new();
    let mut cells = 0;
    let mut playing = JoinSet::new();
    for route in Route::ALL {
        for row in rows() {
            for warm in [false, true] {
                if playing.len() == AT_ONCE {
                    failures.extend(playing.join_next().await.unwrap().unwrap());
                }
                cells += 1;
                let host = host.clone();
                playing.spawn(async move {
                    let what = format!("{route}, {:?}, {}", row.fault, if warm { "kept alive" } else { "fresh" });
                    cell(&host, route, &row, warm).await.err().map(|why| format!("{what}: {why}"))
                });
            }
        }
    }
    failures.extend(playing.join_all().await.into_iter().flatten());
    println!("{cells} cells: 9 operations, {} faults, fresh and kept alive", rows().len());
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(cells, 9 * rows().len() * 2);

    // The mock agents end a moment after they are dropped.
    for _ in 0..100 {
        let (tasks, instances) = alive();
        if tasks <= before.0 && instances <= before.1 {
            return;
        }
        tokio::time::sleep(SHORT / 20).await;
    }
    panic!("tasks and instances are left: {:?}, there were {before:?}", alive());
}
