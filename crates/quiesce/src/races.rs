//! The coordinator's sources once more, over the threads, locks and clock of `shuttle`, which chooses the order of all that
//! happens: many orders at random, and some with few changes of thread, which find most races.
//!
//! The sources are the same files, without a feature or a flag: they take what they need from `crate::sync`, and this root
//! has another module of that name. An example, since one is built without `cfg(test)`, so the unit tests, which need real
//! threads, are not part of it; `tests/quiesce/races.rs` runs it.
//!
//! ```text
//! races [SCHEDULES]
//! ```
#![allow(dead_code, unused_imports, unreachable_pub, reason = "most of a library is not used by one program")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a race that is found ends the program")]

/// A program is needed on every system, and these sources are for one.
macro_rules! on_linux {
    ($($item:item)*) => { $(#[cfg(target_os = "linux")] $item)* };
}

on_linux! {
    mod application;
    mod clerk;
    mod coordinator;
    mod device;
    mod error;
    mod file_system;
    mod holder;
    mod item;
    mod journal;
    mod keeper;
    mod lease;
    mod leftover;
    mod machine_lock;
    mod mark;
    mod own;
    mod pair;
    mod parked;
    mod process;
    mod program;
    mod programs;
    mod pulse;
    mod recovery;
    mod report;
    mod run;
    mod running;
    mod settings;
    mod shared;
    mod signals;
    mod sys;
    mod worker;

    mod races {
        pub(crate) mod ledger;
        pub(crate) mod scenarios;
        pub(crate) mod sync;
    }

    use races::{scenarios, sync};
    // As in lib.rs, for the paths in the documentation of the sources.
    use coordinator::Coordinator;
    use lease::Lease;
    use own::Quiesce;
    use settings::Settings;

    fn main() {
        let schedules =
            std::env::args().nth(1).map_or(SCHEDULES, |number| number.parse().expect("a number of schedules"));
        scenarios::run_all(schedules);
    }

    /// For each scenario and each of two schedulers: some seconds in a debug build.
    const SCHEDULES: usize = 100;
}

#[cfg(not(target_os = "linux"))]
fn main() {}
