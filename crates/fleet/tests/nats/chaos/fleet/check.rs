//! What was promised, held against what was done.

use std::collections::BTreeMap;

use agentapi_controller::event::EventKind;
use agentapi_fleet::rollout::Rollout;

use crate::chaos::fleet::{Fleet, MAX};
use crate::chaos::truth::{Span, most_at_once, runs_of_orders};

impl Fleet {
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
        let Ok(rollouts) = Rollout::all(&self.bus).await else { return };
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
