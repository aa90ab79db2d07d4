//! The truth about who backs up, against which the slots are held.

use std::collections::BTreeMap;
use std::time::Duration;

use agentapi_controller::clock::Monotonic;

#[derive(Default)]
pub(crate) struct Ledger {
    stays: BTreeMap<String, Stay>,
    /// When the bus last forgot everything.
    forgot: Option<Monotonic>,
    /// When the bus was last seen not to answer anybody.
    down: Option<Monotonic>,
    /// Nothing fails: who came first is let in first.
    in_their_order: bool,
    /// What is against the promise.
    pub(crate) wrong: Option<String>,
    pub(crate) done: usize,
    /// How many more than may have backed up at once.
    pub(crate) most_over: usize,
    /// How many backups have begun when as many as may were running.
    pub(crate) times_over: usize,
}

/// One guest's backup, from when it asks for a slot.
struct Stay {
    group: String,
    entered: Monotonic,
    is_running: bool,
    /// When the bus last took its place.
    renewed: Monotonic,
    /// The bus could not know of it for a while: others may have been let in meanwhile.
    is_excused: bool,
}

impl Ledger {
    pub(crate) fn new(in_their_order: bool) -> Self {
        Self { in_their_order, ..Self::default() }
    }

    pub(crate) fn enters(&mut self, guest: &str, group: &str, now: Monotonic) {
        let stay = Stay { group: group.to_owned(), entered: now, is_running: false, renewed: now, is_excused: false };
        self.stays.insert(guest.to_owned(), stay);
    }

    /// The bus has taken its place.
    pub(crate) fn renews(&mut self, guest: &str, now: Monotonic) {
        let forgot = self.forgot;
        let Some(stay) = self.stays.get_mut(guest) else { return };
        stay.look(forgot, now);
        stay.renewed = now;
    }

    pub(crate) fn forgets(&mut self, now: Monotonic) {
        self.forgot = Some(now);
    }

    pub(crate) fn is_down(&mut self, now: Monotonic) {
        self.down = Some(now);
    }

    /// Its backup begins. More than may are allowed where the bus could not know of them.
    pub(crate) fn begins(&mut self, guest: &str, max: usize, now: Monotonic) {
        let stay = self.stays.get_mut(guest).unwrap();
        stay.is_running = true;
        let (group, forgot) = (stay.group.clone(), self.forgot);
        let of_group = self.stays.iter_mut().filter(|(_, stay)| stay.group == group && stay.is_running);
        let (mut all, mut known) = (0, Vec::new());
        for (name, stay) in of_group {
            stay.look(forgot, now);
            all += 1;
            if !stay.is_excused {
                known.push(name.as_str());
            }
        }
        let was_down = self.down.is_some_and(|down| now.since(down) < AFTER_FAILURE);
        if known.len() > max && !was_down {
            self.wrong = Some(format!("{max} may back up in {group} at once, and {known:?} do at {now:?}"));
        }
        let entered = self.stays[guest].entered;
        let is_before = |stay: &&Stay| !stay.is_running && stay.group == group && entered.since(stay.entered) > TURNS;
        let before = self.stays.values().filter(is_before).count();
        if self.in_their_order && before > 0 && before + all > max {
            self.wrong = Some(format!("{guest} is let in although {before} came before it and wait, at {now:?}"));
        }
        if all > max {
            self.times_over += 1;
            self.most_over = self.most_over.max(all - max);
        }
    }

    pub(crate) fn ends(&mut self, guest: &str) {
        self.stays.remove(guest);
        self.done += 1;
    }

    /// The guest is gone with its backup, which has not begun.
    pub(crate) fn gives_up(&mut self, guest: &str) {
        self.stays.remove(guest);
    }
}

impl Stay {
    fn look(&mut self, forgot: Option<Monotonic>, now: Monotonic) {
        // One that is taken out by the others has not been renewed for a minute.
        self.is_excused |= now.since(self.renewed) > Duration::from_secs(50);
        // After the bus has forgotten, each says within one turn that it is there.
        if let Some(forgot) = forgot.filter(|forgot| *forgot > self.renewed) {
            self.is_excused |= now.since(forgot) > Duration::from_secs(10);
        }
    }
}

/// Those that come within two turns may be in any order.
const TURNS: Duration = Duration::from_secs(20);
/// Guests that the bus has come back for wait no longer than that for a turn.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
