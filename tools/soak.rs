//! A long run against a mock agent that fails at random, from a seed: `cargo run --example soak -- [CALLS] [SEED]`.
//!
//! At the end it prints what came of the calls, and fails if a POST arrived more often than it was made, if a call was
//! neither answered nor named, or if memory grew by more than a tenth after the first tenth of the calls.

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agentapi_host::records::FormatRequest;
use agentapi_host::{Agent, Error, Host, Route, Target};
use agentapi_mock::{Fault, MockAgent, Repeat, RouteSelector};
use fastrand::Rng;
use http::{Method, StatusCode};

const CALLERS: usize = 8;
const DEADLINE: Duration = Duration::from_millis(250);
/// One call in so many meets a fault.
const CALLS_PER_FAULT: usize = 12;
const PAGE_BYTES: usize = 4096;

#[derive(Default)]
struct Score {
    calls: AtomicUsize,
    posts_made: AtomicUsize,
    kinds: Mutex<BTreeMap<&'static str, usize>>,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let calls: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(1), |text| text.parse())?;

    let mock = Arc::new(MockAgent::start().await?);
    let host = Host::builder().deadline(DEADLINE).build()?;
    let pins = [mock.fingerprint().to_string()];
    let agent = host.agent(Target::parse(&mock.endpoint(), mock.token(), pins)?)?;
    let score = Arc::new(Score::default());
    let begun = Instant::now();

    let mut posts_received = 0;
    let mut rng = Rng::with_seed(seed);
    run(calls / 10, &agent, &mock, &score, &mut rng, &mut posts_received).await?;
    let early = resident_bytes()?;
    run(calls - calls / 10, &agent, &mock, &score, &mut rng, &mut posts_received).await?;
    let late = resident_bytes()?;

    let done = score.calls.load(Ordering::Relaxed);
    let made = score.posts_made.load(Ordering::Relaxed);
    println!("{done} calls from seed {seed} in {:.0?}, {CALLERS} at once", begun.elapsed());
    for (kind, count) in score.kinds.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        println!("{count:>9} {kind}");
    }
    println!("{made} POSTs made, {posts_received} received; {} connections", mock.connections());
    println!("resident: {early} bytes after a tenth, {late} at the end, {} at most", peak_bytes()?);
    let holds = done == calls && posts_received <= made && late <= early + early / 10;
    println!("{}", if holds { "holds" } else { "DOES NOT HOLD" });
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// So many calls by all callers, in rounds, so that what the mock agent keeps of the requests can be counted and dropped.
async fn run(
    calls: usize,
    agent: &Agent,
    mock: &Arc<MockAgent>,
    score: &Arc<Score>,
    rng: &mut Rng,
    posts_received: &mut usize,
) -> Result<(), Box<dyn std::error::Error>> {
    const ROUND: usize = 1_000;
    let mut left = calls;
    while left > 0 {
        let round = left.min(ROUND);
        left -= round;
        let callers = (0..CALLERS).map(|caller| {
            let share = round / CALLERS + usize::from(caller < round % CALLERS);
            let (agent, mock, score, rng) = (agent.clone(), Arc::clone(mock), Arc::clone(score), rng.fork());
            tokio::spawn(call_often(share, agent, mock, score, rng))
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await?;
        }
        mock.clear_faults();
        *posts_received += mock.take_requests().iter().filter(|request| request.method == Method::POST).count();
    }
    Ok(())
}

async fn call_often(calls: usize, agent: Agent, mock: Arc<MockAgent>, score: Arc<Score>, mut rng: Rng) {
    for _ in 0..calls {
        if rng.usize(0..CALLS_PER_FAULT) == 0 {
            mock.inject(RouteSelector::Any, fault(&mut rng), Repeat::Times(1));
        }
        let (is_post, outcome) = call(&agent, &mut rng).await;
        let kind = outcome.as_ref().map_or_else(Error::kind, |()| "ok");
        score.calls.fetch_add(1, Ordering::Relaxed);
        score.posts_made.fetch_add(usize::from(is_post), Ordering::Relaxed);
        *score.kinds.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }
}

/// A random operation, and whether it was a POST.
async fn call(agent: &Agent, rng: &mut Rng) -> (bool, Result<(), Error>) {
    let route = rng.choice(Route::ALL).unwrap_or(Route::Storage);
    let outcome = match route {
        Route::Storage => agent.storage().await.map(drop),
        Route::BackupDue => agent.backup_due().await.map(drop),
        Route::StartBackup => agent.start_backup().await.map(drop),
        Route::BackupStatus => agent.backup_status().await.map(drop),
        Route::Disks => agent.disks().await.map(drop),
        Route::AssignDisk | Route::EjectDisk => agent.eject_disk("/not/mounted").await.map(drop),
        Route::FormatDisk => {
            let request = FormatRequest { device: "/dev/sdd1".into(), fstype: "ext4".into(), confirmation: None };
            agent.format_disk(&request).await.map(drop)
        }
        Route::HostMetrics => agent.host_metrics().await.map(drop),
    };
    (route.method() == agentapi_host::Method::Post, outcome)
}

fn fault(rng: &mut Rng) -> Fault {
    match rng.u8(0..100) {
        0..10 => Fault::Latency(Duration::from_millis(rng.u64(1..20))),
        10..12 => Fault::Latency(DEADLINE * 2),
        12..13 => Fault::Drip(Duration::from_millis(5)),
        13..23 => Fault::ResetAt(rng.u64(0..400)),
        23..33 => Fault::CloseBeforeAnswer,
        33..48 => Fault::CloseAfterAnswer,
        48..58 => Fault::HalfBody,
        58..63 => Fault::WrongLength(rng.i64(1..100)),
        63..68 => Fault::WrongLength(-rng.i64(1..20)),
        68..78 => Fault::MalformedJson,
        78..88 => Fault::Status(StatusCode::SERVICE_UNAVAILABLE),
        88..97 => Fault::Unauthorized,
        97..98 => Fault::SlowHandshake(DEADLINE * 2),
        _ => Fault::ConnectionLimit(rng.usize(0..4)),
    }
}

fn resident_bytes() -> Result<usize, Box<dyn std::error::Error>> {
    let pages = fs::read_to_string("/proc/self/statm")?;
    let resident = pages.split_whitespace().nth(1).ok_or("statm has no second field")?;
    Ok(resident.parse::<usize>()? * PAGE_BYTES)
}

fn peak_bytes() -> Result<usize, Box<dyn std::error::Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("status has no VmHWM")?;
    Ok(peak.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
}
