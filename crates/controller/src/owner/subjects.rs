//! What the owner knows of the subjects, and how a plan changes that. The store is read once, at the start: what is known
//! here is newer.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use crate::owner::Owner;
use crate::owner::entry::Entry;
use crate::store::ScheduleState;

impl Owner {
    /// Takes up the plan as it is now.
    pub(super) fn take_plan(&mut self) {
        let plan = Arc::clone(&self.plan.borrow_and_update());
        let known = mem::take(&mut self.entries).into_iter();
        let mut known: BTreeMap<_, _> = known.map(|entry| (entry.subject.name.clone(), entry)).collect();
        for subject in plan.subjects.iter().cloned() {
            let entry = match known.remove(&subject.name) {
                Some(known) => known.with_subject(subject),
                None => {
                    let (state, now) = (self.remembered.remove(&subject.name).unwrap_or_default(), self.clock.now());
                    if subject.schedule.is_some() && state.last_due_at.is_none() {
                        // On the disk before it is due: a restart across the first due time has missed it.
                        let name = subject.name.clone();
                        self.post(move |tx| tx.dealt_with(&name, now));
                    }
                    Entry::new(subject, state, now)
                }
            };
            self.entries.push(entry);
        }
        self.remembered.extend(known.into_iter().map(|(name, entry)| (name, entry.remembered())));
    }

    /// What is known of a subject, whether it is in the plan or not: a run may end after a plan without it has come.
    pub(super) fn state_of(&mut self, subject: &str) -> &mut ScheduleState {
        match self.entries.iter_mut().find(|entry| entry.subject.name == subject) {
            Some(entry) => &mut entry.state,
            None => self.remembered.entry(subject.to_owned()).or_default(),
        }
    }
}
