//! Thaws until everything is thawed for certain, however long that takes.

use std::sync::Arc;
use std::time::Duration;

use super::Keeper;
use crate::item::Item;
use crate::report::Stage;
use crate::sync::now;

impl Keeper {
    /// Thaws in reverse, again and again, until each application has had a thaw that worked and was begun when nothing of
    /// its freeze was alive. `are_others_quiet` speaks of processes that belong to no item.
    pub(crate) fn thaw_all(&mut self, are_others_quiet: impl Fn() -> bool) {
        self.shared.held(|held| {
            // A recovery, or a keeper after a panic, has begun to thaw before: the time to give up counts from then.
            if held.stage != Stage::Thawing {
                (held.stage, held.since) = (Stage::Thawing, now());
            }
        });
        let mut pauses = self.shared.settings.pauses();
        loop {
            let has_worked = self.thaw_round(&are_others_quiet);
            // Both: what belongs to no item may freeze an item again after its thaw.
            if !self.items.iter().any(Item::may_be_frozen) && are_others_quiet() {
                return;
            }
            let pause = pauses.next().unwrap_or(self.shared.settings.longest_pause);
            if has_worked {
                self.follow(&are_others_quiet, pause);
                continue;
            }
            // Rung or not: a thaw that fails is not tried more often because something else happens.
            self.shared.pause(pause);
        }
    }

    /// One attempt for each. One that fails does not keep the others from theirs. Whether none failed.
    pub(crate) fn thaw_round(&mut self, are_others_quiet: impl Fn() -> bool) -> bool {
        let mut failures = Vec::new();
        for item in self.items.iter_mut().rev() {
            // Asked before the thaw begins. What ends during it may have frozen after it.
            let others = are_others_quiet();
            item.settle();
            if !item.may_be_frozen() || item.is_in_the_kernel() || (others && item.waits_for_a_daemon()) {
                continue;
            }
            let name = Arc::clone(item.name());
            self.shared.held(|held| held.waits_for = Some(name));
            if let Err(why) = item.thaw(others) {
                failures.push(why.chain());
            }
        }
        if !failures.is_empty() {
            self.shared.held(|held| {
                held.attempts = held.attempts.saturating_add(1);
                held.note(failures.join("; "));
            });
        }
        failures.is_empty()
    }

    /// Waits until a thaw is worth another try: something that a freeze began has ended, or the pause is over. What is
    /// waited for may itself wait for the disk that was frozen after the last thaw, so it is not waited for without thawing.
    fn follow(&self, are_others_quiet: impl Fn() -> bool, pause: Duration) {
        let waiting: Vec<_> = self.items.iter().filter(|item| item.may_be_frozen()).collect();
        let is_quiet = || are_others_quiet() && waiting.iter().all(|item| item.is_quiet());
        let text = waiting.iter().find(|item| !item.is_quiet()).map_or_else(
            || match are_others_quiet() {
                true => "what a daemon may still do for a freeze program that was killed".to_owned(),
                false => "the end of the process that froze, and of what it started".to_owned(),
            },
            |item| format!("the end of the freeze of {}", item.name()),
        );
        self.shared.held(|held| held.waits_for = Some(text.into()));
        if !is_quiet() {
            self.shared.bell.wait(Some(now() + pause), || is_quiet().then_some(()));
            return;
        }
        // All is quiet, so only a daemon could still freeze. The first that can no longer is thawed for good, the others again.
        let late = waiting.iter().filter_map(|item| item.late_until()).min();
        if let Some(late) = late {
            self.shared.bell.wait(Some(late), || None::<()>);
        }
    }
}
