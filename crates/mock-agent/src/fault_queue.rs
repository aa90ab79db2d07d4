//! The faults waiting to happen, in the order of injection.

use std::sync::Mutex;
use std::time::Duration;

use agentapi_contract::Route;

use crate::fault::{Fault, FaultRule, Repeat};
use crate::lock::lock;

/// The rules injected and not used up.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(Mutex<Vec<FaultRule>>);

/// How a new connection is received.
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

    /// The fault for a request on this route, counted as used; `None` where all is well.
    pub(crate) fn take_for_request(&self, route: Option<Route>) -> Option<Fault> {
        self.take(|rule| !rule.fault.is_of_connection() && rule.route.covers(route))
    }

    /// What a new connection meets where this many are open, counted as used.
    pub(crate) fn take_for_connection(&self, open: usize) -> Admission {
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

    fn take(&self, is_meant: impl Fn(&FaultRule) -> bool) -> Option<Fault> {
        let mut rules = lock(&self.0);
        rules.retain(|rule| rule.repeat != Repeat::Times(0));
        let rule = rules.iter_mut().find(|rule| is_meant(rule))?;
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
    use agentapi_contract::Route;

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
