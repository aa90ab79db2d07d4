use std::fs;
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::Host;
use agentapi_host::quiesce::{Coordinator, Parked};
use agentapi_mock::{Fault, MockAgent, Repeat, RouteSelector};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::{EVERY, Latest, Sampler};
use crate::build;
use crate::clock::VirtualClock;
use crate::config::{Config, Surroundings};
use crate::sample::{Measure, Point, Step};
use crate::store::Store;

struct Fixture {
    _folder: tempfile::TempDir,
    agent: MockAgent,
    clock: VirtualClock,
    store: Store,
    coordinator: Coordinator,
    latest: watch::Receiver<Latest>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let agent = MockAgent::start().await.unwrap();
        fs::write(folder.path().join("token"), agent.token()).unwrap();
        let text = format!(
            "[agent]\nendpoint = \"{}\"\ntoken_file = \"token\"\nfingerprints = [\"{}\"]\n[state]\nfolder = \"state\"\n\
             [quiesce]\napplications = [{{ freeze = \"true\", thaw = \"true\" }}]\n",
            agent.endpoint(),
            agent.fingerprint(),
        );
        let surroundings = Surroundings { host_name: "guest".into(), zone: TimeZone::UTC, credentials: None };
        let config = Config::check(&folder.path().join("controller.toml"), &text, &surroundings).result.unwrap();
        let store = Store::open(&config.fixed.state).unwrap();
        let coordinator = build::coordinator(&config.fixed).unwrap().unwrap();
        let host = Host::builder().build().unwrap();
        let (_, work) = build::build(&host, &config.live, true).unwrap();
        let clock = VirtualClock::new("2026-11-26T12:00:00Z".parse().unwrap());
        let works = watch::channel(Arc::new(work)).1;
        let (sampler, latest) = Sampler::new(Arc::new(clock.clone()), store.clone(), works, Some(coordinator.clone()));
        tokio::spawn(sampler.measure());
        Self { _folder: folder, agent, clock, store, coordinator, latest }
    }

    /// Waits until something was measured, or was not.
    async fn measured(&mut self) -> Latest {
        self.latest.changed().await.unwrap();
        Arc::clone(&self.latest.borrow_and_update())
    }

    async fn next(&mut self) -> Latest {
        // The sampler sleeps a moment after it has published.
        while self.clock.until_next_wake().is_none() {
            tokio::task::yield_now().await;
        }
        self.clock.advance(EVERY);
        self.measured().await
    }

    async fn minutes(&self) -> Vec<Point> {
        // What was posted before is written by now.
        self.store.writer().write(|_| Ok(())).await.unwrap();
        let (from, until) = (Timestamp::MIN, Timestamp::MAX);
        self.store.reader().points(Measure::Cpu, String::new(), Step::Minute, from, until).await.unwrap()
    }
}

#[tokio::test]
async fn it_measures_once_a_minute_and_where_the_agent_is_away_there_is_a_gap() {
    let mut fixture = Fixture::new().await;
    let first = fixture.measured().await;
    for measure in [Measure::Cpu, Measure::Memory, Measure::StorageUsed, Measure::DiskUsed] {
        assert!(first.iter().any(|sample| sample.measure == measure), "{measure} is missing");
    }
    fixture.agent.inject(RouteSelector::Any, Fault::ResetAt(0), Repeat::Always);
    assert!(fixture.next().await.is_empty(), "what was measured an hour ago is not what is");
    fixture.agent.clear_faults();
    assert!(!fixture.next().await.is_empty());
    let noon = "2026-11-26T12:00:00Z".parse::<Timestamp>().unwrap();
    let at = fixture.minutes().await.iter().map(|point| point.at.duration_since(noon)).collect::<Vec<_>>();
    assert_eq!(at, [Duration::ZERO, 2 * EVERY].map(|time| time.try_into().unwrap()));
}

#[tokio::test]
async fn while_something_is_frozen_nothing_is_asked_and_nothing_is_written() {
    let mut fixture = Fixture::new().await;
    fixture.measured().await;
    let asked = fixture.agent.requests().len();
    let lease = fixture.coordinator.freeze("test", &Parked::nothing_to_park()).await.unwrap();
    assert!(fixture.next().await.is_empty());
    assert!(fixture.next().await.is_empty());
    assert_eq!(fixture.agent.requests().len(), asked);
    drop(lease);
    fixture.coordinator.idle().await.unwrap();
    assert!(!fixture.next().await.is_empty());
    assert_eq!(fixture.minutes().await.len(), 2);
}

#[tokio::test]
async fn after_hours_of_suspension_it_measures_once_and_not_for_each_minute() {
    let mut fixture = Fixture::new().await;
    fixture.measured().await;
    fixture.next().await;
    fixture.clock.advance(Duration::from_secs(3 * 60 * 60));
    fixture.measured().await;
    fixture.next().await;
    assert_eq!(fixture.minutes().await.len(), 4);
    assert!(fixture.clock.until_next_wake().is_none_or(|left| left == EVERY));
}
