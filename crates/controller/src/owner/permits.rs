//! Which runs may begin. Permits are given out in one place, so that no two rules can be broken by two who look at once.

/// A run that waits or runs, as far as permits are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) subject: String,
    pub(super) may_freeze: bool,
    /// The device, if a user of the API wants it wiped. Such a run needs no permit: it waits for a person, for a quarter of
    /// an hour, and the next backup is not to wait with it.
    pub(super) wipes: Option<String>,
    /// It is written down, because nothing begins that a crash would forget, and nobody outside holds it back.
    pub(super) is_admitted: bool,
    pub(super) has_permit: bool,
}

/// The places of those that may begin now, in their order. One that is held up does not hold up those behind it.
pub(super) fn permitted(claims: &[Claim]) -> Vec<usize> {
    let mut running: Vec<&Claim> = claims.iter().filter(|claim| claim.has_permit && claim.wipes.is_none()).collect();
    let mut places = Vec::new();
    for (place, claim) in claims.iter().enumerate().filter(|(_, claim)| claim.is_admitted && !claim.has_permit) {
        if claim.wipes.is_some() {
            places.push(place);
        } else if why_not(claim, &running).is_none() {
            running.push(claim);
            places.push(place);
        }
    }
    places
}

/// Why a run may not begin beside these.
fn why_not(claim: &Claim, running: &[&Claim]) -> Option<&'static str> {
    if running.len() >= MAX_RUNNING {
        Some("as many run as may")
    } else if running.iter().any(|other| other.subject == claim.subject) {
        Some("the run before it has not ended")
    } else if claim.may_freeze && running.iter().any(|other| other.may_freeze) {
        Some("another run may freeze")
    } else {
        None
    }
}

/// Runs at once. An extension may take a processor and 128 MiB; the guest has other work than ours.
const MAX_RUNNING: usize = 4;

#[cfg(test)]
mod tests {
    use super::{Claim, MAX_RUNNING, permitted};

    fn claim(subject: &str, may_freeze: bool, has_permit: bool) -> Claim {
        Claim { subject: subject.into(), may_freeze, wipes: None, is_admitted: true, has_permit }
    }

    fn wipe(device: &str, has_permit: bool) -> Claim {
        Claim { wipes: Some(device.into()), ..claim("wipe", false, has_permit) }
    }

    #[test]
    fn one_run_of_a_subject_one_freeze_and_the_rest_beside_them() {
        let claims = [
            claim("backup", true, true),
            claim("backup", true, false),
            claim("snapshots", true, false),
            claim("disk-watch", false, false),
            claim("disk-watch", false, false),
        ];
        assert_eq!(permitted(&claims), [3]);
    }

    #[test]
    fn what_is_not_written_down_does_not_begin_and_holds_nothing_up() {
        let claims = [Claim { is_admitted: false, ..claim("backup", true, false) }, claim("snapshots", true, false)];
        assert_eq!(permitted(&claims), [1]);
    }

    #[test]
    fn a_wipe_waits_for_no_run_and_no_run_for_a_wipe() {
        let waiting = (0..MAX_RUNNING).map(|number| wipe(&number.to_string(), true));
        let claims: Vec<_> = waiting.chain([wipe("/dev/sdc1", false), claim("backup", true, false)]).collect();
        assert_eq!(permitted(&claims), [MAX_RUNNING, MAX_RUNNING + 1]);
        let running = (0..MAX_RUNNING).map(|number| claim(&number.to_string(), false, true));
        let claims: Vec<_> = running.chain([claim("backup", true, false), wipe("/dev/sdc1", false)]).collect();
        assert_eq!(permitted(&claims), [MAX_RUNNING + 1]);
    }

    #[test]
    fn no_more_than_so_many_run_at_once() {
        let claims: Vec<_> = (0..=MAX_RUNNING).map(|number| claim(&number.to_string(), false, false)).collect();
        assert_eq!(permitted(&claims).len(), MAX_RUNNING);
    }
}
