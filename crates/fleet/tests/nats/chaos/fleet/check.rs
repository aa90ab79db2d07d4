//! What was promised, held against what was done.

use std::collections::BTreeMap;
use std::time::Duration;

use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_controller::event::EventKind;
use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::order::{Op, Order};
use agentapi_fleet::rollout::Rollout;
use jiff::SignedDuration;

use crate::chaos::fleet::{ALICE, Fleet, GUESTS, MAX};
use crate::chaos::truth::{Span, most_at_once, runs_of_orders};
use crate::controller::wait_until;

impl Fleet {
    /// Each guest obeys an order that is given now: nothing hangs. The bus has been back for so long that nothing excuses one
    /// backup too many.
    pub(crate) async fn obey_once_more(&mut self) {
        while self.failures.iter().any(|(_, until)| SystemClock.now() < *until) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // All of them at once, and long enough that more than may would run at once if nobody counted.
        let mut orders = Vec::new();
        for (guest, name) in GUESTS.iter().enumerate() {
            self.guests[guest].machine.agent.change(|state| state.backup.set_duration(LONG));
            let name = name.parse().unwrap();
            let order = Order::new(name, Op::Backup, ALICE, SystemClock.now(), SignedDuration::from_hours(1));
            let signed = self.alice.sign(&order);
            let value = serde_json::to_vec(&[&signed]).unwrap();
            self.bus.put(Table::Order, GUESTS[guest], value.into(), Expect::Anything).await.unwrap();
            self.signed.push((guest, signed));
            orders.push(order.id);
        }
        for (guest, order) in self.guests.iter().zip(&orders) {
            wait_until("it is accepted", async || {
                guest.running.texts(EventKind::OrderAccepted).await.iter().any(|text| text.contains(order))
            })
            .await;
        }
        for guest in &self.guests {
            wait_until("all backups end", async || {
                let runs = guest.running.runs().await;
                runs.iter().filter(|run| run.subject == "backup").all(|run| run.ended_at.is_some())
            })
            .await;
        }
    }

    /// How many runs each order has had: never more than one.
    pub(crate) async fn obeyed(&self) -> BTreeMap<String, usize> {
        let mut obeyed = BTreeMap::new();
        for guest in &self.guests {
            obeyed.extend(runs_of_orders(guest.running.runs().await.iter()));
        }
        assert!(obeyed.values().all(|runs| *runs == 1), "an order was obeyed twice: {obeyed:?}");
        obeyed
    }

    /// The first ring has refused what it was wished, so that no other was reached. Looked at before the store is deleted: a
    /// bus that has forgotten the roll-out shows nothing.
    pub(crate) async fn check_rollouts(&mut self) {
        let mut rollouts = Vec::new();
        wait_until("the bus answers", async || {
            let found = Rollout::all(&self.bus).await;
            found.map(|found| rollouts = found).is_ok()
        })
        .await;
        for (rollout, _) in rollouts {
            assert_eq!(rollout.reached, 1, "{rollout:?}");
            self.rollouts_seen += 1;
        }
    }

    /// Holds what was promised against what was done, and says what there was.
    pub(crate) async fn check(&self) -> String {
        let (mut spans, mut refused, mut freezes, obeyed) = (Vec::new(), 0, 0, self.obeyed().await);
        for guest in &self.guests {
            let runs = guest.running.runs().await;
            let backups: Vec<_> = runs.iter().filter(|run| run.subject == "backup").collect();
            let started = guest.machine.agent.change(|state| state.backup.started());
            assert_eq!(started, backups.len() as u64, "each run has started one backup: {backups:?}");
            spans.extend(backups.iter().filter_map(|run| Span::of(run, guest.ahead)));
            assert!(!guest.machine.file("frozen").exists(), "something is frozen");
            let frozen = std::fs::read_to_string(guest.machine.file("freezes")).unwrap_or_default().lines().count();
            assert_eq!(frozen, backups.len(), "each backup has frozen once");
            freezes += frozen;
            refused += guest.running.events(EventKind::OrderRefused).await.len();
            let formats =
                guest.machine.agent.requests().iter().filter(|request| request.path == "/disks/format").count();
            assert_eq!(formats, 0, "a disk was touched");
        }
        let is_signed = |id: &String| self.signed.iter().any(|(_, signed)| signed.text.contains(id.as_str()));
        assert!(obeyed.keys().all(is_signed), "one was obeyed that nobody has signed");
        assert!(self.rollouts_seen > 0, "no roll-out was looked at");
        let (usual, after_failure) = most_at_once(&spans, &self.failures);
        assert!((1..=MAX).contains(&usual), "{usual} at once while the bus was well: {spans:?}");
        format!(
            "{} orders signed, {} obeyed once, {refused} refusals; {freezes} freezes, and nothing is frozen; the server killed {} times, {} times with its store; \
             at most {usual} of {MAX} backups at once, and {after_failure} after the bus had failed",
            self.signed.len(),
            obeyed.len(),
            self.kills,
            self.deleted,
        )
    }
}

/// As long as a guest may take until it looks at its orders.
const LONG: Duration = Duration::from_secs(20);
