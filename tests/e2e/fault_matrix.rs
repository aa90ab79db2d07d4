//! Every operation under every fault, on a fresh and on a kept-alive connection: the kind of error, what reached the
//! agent, that the same client works on the next call, and that nothing is left behind.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use agentapi_host::records::{AssignRequest, FormatRequest};
use agentapi_host::{Agent, Error, Host, Method, Route, Target};
use agentapi_mock::{Fault, MockAgent, ReceivedRequest, Repeat, RouteSelector};
use http::StatusCode;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::support::{SHORT, happens_within, new_host};

const OK: &str = "ok";
/// Longer than the deadline, and than any test waits.
const LONG: Duration = Duration::from_secs(30);

/// A fault, and the outcome of a call that meets it: `ok`, or the kind of error.
#[derive(Clone, Copy)]
struct Row {
    fault: Fault,
    fresh: &'static str,
    kept_alive: &'static str,
    /// For a GET on a kept-alive connection, which may be sent again.
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
        // A body that is announced too short is complete, as far as HTTP goes: only its JSON is cut.
        same(Fault::WrongLength(-7), "bad-envelope"),
        same(Fault::MalformedJson, "bad-envelope"),
        same(Fault::Status(StatusCode::SERVICE_UNAVAILABLE), "http-status"),
        same(Fault::Unauthorized, "http-status"),
        // The client has the pin of the next certificate too.
        same(Fault::NewCertificate, OK),
        row(Fault::SlowHandshake(SHORT.saturating_mul(2)), "deadline", OK, OK),
        row(Fault::ConnectionLimit(0), "tls", OK, OK),
    ]
}

/// Performs the operation of a route, with arguments that the mock agent's default scenario accepts.
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

/// One cell of the matrix.
#[derive(Clone, Copy)]
struct Cell {
    route: Route,
    row: Row,
    /// Whether the call finds an idle connection.
    is_warm: bool,
}

impl Cell {
    fn expected(self) -> &'static str {
        match (self.is_warm, self.is_get()) {
            (false, _) => self.row.fresh,
            (true, false) => self.row.kept_alive,
            (true, true) => self.row.kept_alive_get,
        }
    }

    fn is_get(self) -> bool {
        self.route.method() == Method::Get
    }

    /// Whether the fault is one of the connection, and not of a route.
    fn is_of_connection(self) -> bool {
        matches!(self.row.fault, Fault::SlowHandshake(_) | Fault::ConnectionLimit(_))
    }

    /// How often the request may arrive.
    fn arrivals(self) -> RangeInclusive<usize> {
        if self.is_of_connection() && !self.is_warm {
            return 0..=0;
        }
        // On a busy machine a deadline may be over before the request is there.
        let least = usize::from(self.expected() != "deadline");
        least..=1 + usize::from(self.is_get())
    }

    /// Plays it; an error says what was wrong.
    async fn play(self, host: &Host) -> Result<(), String> {
        let Self { route, row, is_warm } = self;
        let mock = MockAgent::start().await.unwrap();
        let pins = [mock.fingerprint(), mock.next_fingerprint()].map(|pin| pin.to_string());
        let target = Target::parse(&mock.endpoint(), mock.token(), pins).unwrap();
        let host = if self.expected() == "deadline" { host.with_deadline(SHORT) } else { host.clone() };
        let agent = host.agent(target).unwrap();
        // Another route than the one that is tried, so that its requests are not counted.
        let other = if route == Route::Storage { Route::HostMetrics } else { Route::Storage };
        if is_warm {
            perform(&agent, other).await.unwrap();
        }
        // These faults happen before there is a request, and so before there is a route.
        let selector = if self.is_of_connection() { RouteSelector::Any } else { route.into() };
        mock.inject(selector, row.fault, Repeat::Times(1));

        let outcome = perform(&agent, route).await;
        let outcome = outcome.as_ref().map_or_else(Error::kind, |()| OK);
        check(outcome == self.expected(), || format!("{} expected, got {outcome}", self.expected()))?;
        let arrived = count_requests(&mock, route);
        check(self.arrivals().contains(&arrived), || format!("the request arrived {arrived} times"))?;

        mock.clear_faults();
        let next = perform(&agent, other).await;
        check(next.is_ok(), || format!("the next call failed: {next:?}"))?;
        drop(agent);
        let is_closed = happens_within(SHORT * 2, || mock.open_connections() == 0).await;
        check(is_closed, || format!("{} connections are left", mock.open_connections()))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = if self.is_warm { "kept alive" } else { "fresh" };
        write!(f, "{}, {:?}, {connection}", self.route, self.row.fault)
    }
}

fn check(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn count_requests(mock: &MockAgent, route: Route) -> usize {
    let is_of_route =
        |request: &&ReceivedRequest| request.method.as_str() == route.method().as_str() && request.path == route.path();
    mock.requests().iter().filter(is_of_route).count()
}

fn all_cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for route in Route::ALL {
        for row in rows() {
            cells.extend([false, true].map(|is_warm| Cell { route, row, is_warm }));
        }
    }
    cells
}

#[tokio::test]
async fn every_operation_under_every_fault() {
    const MAX_CONCURRENT_CELLS: usize = 24;
    let host = new_host();
    // One cell first: what the host starts once and keeps must be there before anything is counted.
    let first = Cell { route: Route::Storage, row: same(Fault::CloseAfterAnswer, OK), is_warm: true };
    first.play(&host).await.unwrap();
    let alive = || (Handle::current().metrics().num_alive_tasks(), host.instances());
    let before = alive();

    let cells = all_cells();
    let count = cells.len();
    let mut failures = Vec::new();
    let mut playing = JoinSet::new();
    for cell in cells {
        if playing.len() == MAX_CONCURRENT_CELLS {
            failures.extend(playing.join_next().await.unwrap().unwrap());
        }
        let host = host.clone();
        playing.spawn(async move { cell.play(&host).await.err().map(|why| format!("{cell}: {why}")) });
    }
    failures.extend(playing.join_all().await.into_iter().flatten());
    println!("{count} cells: 9 operations, {} faults, fresh and kept alive", rows().len());
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(count, 9 * rows().len() * 2);

    // The mock agents end a moment after they are dropped.
    let is_back = happens_within(SHORT * 5, || alive().0 <= before.0 && alive().1 <= before.1).await;
    assert!(is_back, "tasks and instances are left: {:?}, there were {before:?}", alive());
}
