//! Counts the verdicts, for all cases and for each rule, and prints what is not as it should be.

use std::collections::BTreeMap;

use crate::play::{Report, Verdict};

/// How many cases came out which way.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// Counts the reports of all cases. Prints each failed or skipped case, and a line for each rule.
    pub(crate) fn of(reports: &[Report]) -> Self {
        let mut total = Self::default();
        let mut rules = BTreeMap::<&str, Self>::new();
        for report in reports {
            total.add(&report.verdict);
            rules.entry(&report.rule).or_default().add(&report.verdict);
            match &report.verdict {
                Verdict::Passed => {}
                Verdict::Skipped(why) => println!("skipped {}: {why}", report.id),
                Verdict::Failed(why) => println!("FAILED {} ({})\n  {why}", report.id, report.rule),
            }
        }
        for (rule, Self { passed, failed, skipped }) in &rules {
            println!("{rule}: {passed} passed, {failed} failed, {skipped} skipped");
        }
        total
    }

    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::Skipped(_) => self.skipped += 1,
        }
    }
}
