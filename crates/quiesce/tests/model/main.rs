//! The protocol of freeze, thaw, death and recovery, explored whole for a few controllers.
//!
//! Three properties: nothing is called thawed that may still freeze; once something runs, nothing stays frozen; nobody waits
//! for what waits for the thaw. And two on others: who was told that it is frozen finds it so until it thaws, and what
//! somebody else froze is left to them. Each rule that is taken out gives a counterexample to one of them.
//!
//! What the model leaves out: several applications at once (each is thawed on its own), torn writes (the journal's tests),
//! and a thaw program that fails (it is tried again, so it is one that takes long).
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on is to stop")]

mod protocol;

use protocol::{Protocol, Rule};
use stateright::{Checker, Model};

/// Four on one journal: two freeze, each may die and recover what the other left, and two only recover. Two deaths, at any
/// step. The journal is their only lock.
fn one_journal() -> Protocol {
    Protocol {
        journals: vec![0, 0, 0, 0],
        only_recover: vec![2, 3],
        has_thing_lock: false,
        deaths: 2,
        overruns: 1,
        others: 0,
        without: None,
    }
}

/// Two journals that freeze the same: one that freezes and one that recovers it on each.
fn two_journals() -> Protocol {
    Protocol {
        journals: vec![0, 0, 1, 1],
        only_recover: vec![1, 3],
        has_thing_lock: true,
        deaths: 1,
        overruns: 1,
        others: 0,
        without: None,
    }
}

/// Somebody freezes and thaws by hand. Where our freeze overruns or its process dies nobody can tell whose it is.
fn somebody_else() -> Protocol {
    Protocol {
        journals: vec![0],
        only_recover: vec![],
        has_thing_lock: true,
        deaths: 0,
        overruns: 0,
        others: 2,
        without: None,
    }
}

/// The names of the properties that do not hold, and how many states there are.
fn explored(protocol: Protocol) -> (Vec<&'static str>, usize) {
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    let mut broken: Vec<_> = checker.discoveries().into_keys().collect();
    broken.sort_unstable();
    (broken, checker.unique_state_count())
}

#[test]
fn with_all_rules_every_property_holds_in_every_state() {
    for (name, protocol) in
        [("one journal", one_journal()), ("two journals", two_journals()), ("somebody else", somebody_else())]
    {
        let (broken, states) = explored(protocol);
        println!("{name}: {states} states");
        assert_eq!(broken, [""; 0], "{name}");
        assert!(states > 20, "{name}: the model does not move");
    }
}

#[test]
fn each_rule_that_is_taken_out_gives_a_counterexample() {
    for (rule, protocol, property) in [
        (Rule::JournalFirst, one_journal(), protocol::NOTHING_STAYS_FROZEN),
        (Rule::FollowToTheEnd, one_journal(), protocol::THAWED_IS_TRUE),
        (Rule::ThawWhileFollowing, one_journal(), protocol::NO_CIRCLE),
        (Rule::WaitForTheDaemon, one_journal(), protocol::THAWED_IS_TRUE),
        (Rule::KeeperAlone, one_journal(), protocol::NO_CIRCLE),
        (Rule::ThawBeforeTheLock, one_journal(), protocol::NO_CIRCLE),
        (Rule::FollowInRecovery, one_journal(), protocol::THAWED_IS_TRUE),
        (Rule::WaitForTheDying, one_journal(), protocol::THAWED_IS_TRUE),
        (Rule::LeaveTheLiving, one_journal(), protocol::FROZEN_IS_TRUE),
        (Rule::OneRecovers, one_journal(), protocol::FROZEN_IS_TRUE),
        (Rule::LockTheThing, two_journals(), protocol::FROZEN_IS_TRUE),
        (Rule::LockInRecovery, two_journals(), protocol::FROZEN_IS_TRUE),
        (Rule::LeaveOthers, somebody_else(), protocol::OTHERS_ARE_LEFT),
    ] {
        let (broken, states) = explored(Protocol { without: Some(rule), ..protocol });
        println!("without {rule:?}: {broken:?}, {states} states");
        assert!(broken.contains(&property), "without {rule:?}: {broken:?}");
    }
}
