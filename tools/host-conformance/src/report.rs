//! What was kept, as a table for people and as JSON.

use std::fmt;

use serde_json::{Value, json};

/// The checks of one promise, or of one other source, and how each came out.
pub struct Section {
    /// What is checked.
    pub title: String,
    /// The name of each check, and what was wrong with it.
    pub checks: Vec<(String, Result<(), String>)>,
}

impl Section {
    /// The checks that did not come out right.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.checks.iter().filter_map(|(name, outcome)| Some((name.as_str(), outcome.as_ref().err()?.as_str())))
    }
}

/// All that was played to a program.
pub struct Report {
    /// In the order of the promises.
    pub sections: Vec<Section>,
}

impl Report {
    /// Whether every check came out right.
    pub fn is_kept(&self) -> bool {
        self.sections.iter().all(|section| section.failures().next().is_none())
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let section = |section: &Section| {
            let failures: Vec<_> = section.failures().map(|(name, why)| json!({"check": name, "why": why})).collect();
            json!({"title": section.title, "checks": section.checks.len(), "failures": failures})
        };
        json!({"kept": self.is_kept(), "sections": self.sections.iter().map(section).collect::<Vec<_>>()})
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<56} {:>6}  kept", "what a host promises", "checks")?;
        for section in &self.sections {
            let failed = section.failures().count();
            let kept = if failed == 0 { "yes".to_owned() } else { format!("NO: {failed} failed") };
            writeln!(f, "{:<56} {:>6}  {kept}", section.title, section.checks.len())?;
        }
        for section in &self.sections {
            for (name, why) in section.failures().take(MAX_SHOWN_FAILURES) {
                writeln!(f, "\n{}: {name}\n  {why}", section.title)?;
            }
            let more = section.failures().count().saturating_sub(MAX_SHOWN_FAILURES);
            if more > 0 {
                writeln!(f, "\n{}: and {more} more", section.title)?;
            }
        }
        Ok(())
    }
}

/// As many are told of each section: what one mistake breaks is often all alike. JSON has them all.
const MAX_SHOWN_FAILURES: usize = 5;
