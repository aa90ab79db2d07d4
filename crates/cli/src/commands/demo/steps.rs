//! What the demo prints: numbered steps with the time that each took.

use std::io;
use std::time::{Duration, Instant};

use agentapi_host::Route;
use anstyle::Style;

use crate::print::escape::visible;
use crate::print::print;

/// Prints steps as they end.
pub(super) struct Ledger {
    number: u32,
    since: Instant,
}

impl Ledger {
    /// Starts the clock.
    pub(super) fn begin() -> Self {
        Self { number: 0, since: Instant::now() }
    }

    /// Prints something that was done without the agent.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        let took = self.lap();
        print(&format!("    {:<20}{took:>10}   {text}\n", ""))
    }

    /// Prints a request, and what came of it; further lines below it.
    pub(super) fn step(&mut self, route: Route, outcome: &str) -> io::Result<()> {
        let took = self.lap();
        self.number += 1;
        let (bold, number, request_line) = (Style::new().bold(), self.number, route.to_string());
        let mut lines = outcome.lines();
        let first = visible(lines.next().unwrap_or_default());
        print(&format!("{number:>2}  {bold}{request_line:<20}{bold:#}{took:>10}   {first}\n"))?;
        lines.try_for_each(|line| self.detail(line))
    }

    /// Prints a line below a step.
    pub(super) fn detail(&self, text: &str) -> io::Result<()> {
        print(&format!("{:37}{}\n", "", visible(text)))
    }

    fn lap(&mut self) -> String {
        let took = milliseconds(self.since.elapsed());
        self.since = Instant::now();
        took
    }
}

/// A time in milliseconds with one decimal.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
