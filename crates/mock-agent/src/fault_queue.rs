//! The faults that are still to happen, in the order of injection.
//!
//! Every request and every new connection walks the queue from its front and takes the first rule that is for it:
//!
//! ```text
//!   injected:   disks:half-body*2    any:unauthorized*1    any:slow-handshake=5*1
//!
//!   GET /storage   -> unauthorized             (the first is for another route and stays as it is)
//!   GET /disks     -> half-body, 1 time left
//!   GET /disks     -> half-body, used up
//!   GET /disks     -> nothing                  (unauthorized is used up)
//!   a connection   -> slow-handshake           (requests never take it)
//! ```
//!
//! So rules for the same requests form a sequence, and one for every time hides all behind it that are for the same
//! requests. Choosing a rule and counting it down is one step under one lock: two requests on two connections cannot
//! both take the last time.

use std::sync::Mutex;
use std::time::Duration;

use agentapi_contract::Route;

use crate::fault::{Fault, FaultRule, Repeat};
use crate::lock::lock;

/// The rules that were injected and are not used up.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(Mutex<Vec<FaultRule>>);

/// What becomes of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Its handshake begins after this delay.
    After(Duration),
    /// It is closed at once.
    Refused,
}

impl FaultQueue {
    pub(crate) fn push(&self, rule: FaultRule) {
        lock(&self.0).push(rule);
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// Takes the fault for a request on this route; `None` where nothing goes wrong.
    pub(crate) fn take_for_request(&self, route: Option<Route>) -> Option<Fault> {
        self.take(|rule| !rule.fault.is_of_connection() && rule.route.covers(route))
    }

    /// Takes the fault for a new connection where this many are open already.
    pub(crate) fn take_for_connection(&self, open: usize) -> Admission {
        // The limit first: a connection that is refused has no handshake, so it must not use up a slow one.
        let reached = |rule: &FaultRule| match rule.fault {
            Fault::ConnectionLimit(limit) => open >= limit,
            _ => false,
        };
        if self.take(reached).is_some() {
            return Admission::Refused;
        }
        match self.take(|rule| matches!(rule.fault, Fault::SlowHandshake(_))) {
            Some(Fault::SlowHandshake(late)) => Admission::After(late),
            _ => Admission::After(Duration::ZERO),
        }
    }

    fn take(&self, concerns: impl Fn(&FaultRule) -> bool) -> Option<Fault> {
        let mut rules = lock(&self.0);
        // Here and not after counting down, so that a rule injected for no times at all goes too.
        rules.retain(|rule| rule.repeat != Repeat::Times(0));
        let rule = rules.iter_mut().find(|rule| concerns(rule))?;
        if let Repeat::Times(left) = &mut rule.repeat {
            *left -= 1;
        }
        Some(rule.fault)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use agentapi_contract::Route;

    use super::{Admission, FaultQueue};
    use crate::Fault;

    fn queue(rules: &[&str]) -> FaultQueue {
        let queue = FaultQueue::default();
        for rule in rules {
            queue.push(rule.parse().unwrap());
        }
        queue
    }

    #[test]
    fn faults_meant_for_a_few_times_are_a_sequence() {
        let queue = queue(&["disks:half-body*2", "any:unauthorized*1"]);
        let taken: Vec<_> = (0..4).map(|_| queue.take_for_request(Some(Route::Disks))).collect();
        let half = Some(Fault::HalfBody);
        assert_eq!(taken, [half, half, Some(Fault::Unauthorized), None]);
    }

    #[test]
    fn a_fault_of_another_route_is_not_used_up() {
        let queue = queue(&["disks:half-body*1", "any:connection-limit=0"]);
        assert_eq!(queue.take_for_request(Some(Route::Storage)), None);
        assert_eq!(queue.take_for_request(None), None);
        assert_eq!(queue.take_for_request(Some(Route::Disks)), Some(Fault::HalfBody));
    }

    #[test]
    fn a_connection_meets_the_limit_before_a_slow_handshake() {
        let queue = queue(&["any:slow-handshake=5*1", "any:connection-limit=1", "any:half-body"]);
        assert_eq!(queue.take_for_connection(1), Admission::Refused);
        let late = Duration::from_millis(5);
        assert_eq!(queue.take_for_connection(0), Admission::After(late));
        assert_eq!(queue.take_for_connection(0), Admission::After(Duration::ZERO));
    }
}
