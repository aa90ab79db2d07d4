//! The application that is frozen: it does what the scheduler says, and knows whether it stands still.

use std::sync::{Arc, Mutex};

use shuttle::rand::{Rng, thread_rng};

use super::sync::step;
use crate::error::QuiesceFailure;
use crate::own::{Quiesce, Quiescing};

/// What has become of it. Its lock is a real one, so looking at it changes no order.
#[derive(Default)]
pub(crate) struct Ledger {
    state: Mutex<State>,
    /// A freeze may also not end by itself.
    hangs: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    pub(crate) is_frozen: bool,
    /// A freeze is going on.
    is_freezing: bool,
    /// How many freezes have begun. The number of the latest one.
    pub(crate) freezes: u32,
    pub(crate) thaws: u32,
}

impl Ledger {
    pub(crate) fn new(hangs: bool) -> Arc<Self> {
        Arc::new(Self { hangs, ..Self::default() })
    }

    pub(crate) fn look(&self) -> State {
        *self.state.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }
}

/// Ends the freeze that is going on, also where its future is dropped.
struct Freezing<'a>(&'a Ledger);

impl Drop for Freezing<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.is_freezing = false);
    }
}

impl Quiesce for Ledger {
    fn freeze(&self) -> Quiescing<'_> {
        Box::pin(async {
            self.change(|state| {
                // Not caught by whoever catches a panic of own code: that would be one more freeze that failed.
                if state.is_freezing || state.is_frozen {
                    eprintln!("two freezes overlap: {state:?}");
                    std::process::abort();
                }
                (state.is_freezing, state.freezes) = (true, state.freezes + 1);
            });
            let _freezing = Freezing(self);
            shuttle::future::yield_now().await;
            // Code that takes its time and does not yield: it cannot be ended in the middle.
            (0..thread_rng().gen_range(0..16)).for_each(|_| step());
            // A freeze that fails or hangs may have frozen before.
            let fate = thread_rng().gen_range(0..16);
            if fate != 0 {
                self.change(|state| state.is_frozen = true);
            }
            shuttle::future::yield_now().await;
            match fate {
                0 | 1 => Err(QuiesceFailure::new("the freeze does not work")),
                2 if self.hangs => std::future::pending().await,
                _ => Ok(()),
            }
        })
    }

    fn thaw(&self) -> Quiescing<'_> {
        Box::pin(async {
            shuttle::future::yield_now().await;
            if thread_rng().gen_ratio(1, 8) {
                return Err(QuiesceFailure::new("the thaw does not work"));
            }
            self.change(|state| (state.is_frozen, state.thaws) = (false, state.thaws + 1));
            shuttle::future::yield_now().await;
            Ok(())
        })
    }
}
