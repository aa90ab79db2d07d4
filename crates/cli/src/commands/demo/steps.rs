//! The lines that the demo prints: numbered steps, each with the time that it took.

use std::time::{Duration, Instant};

use agentapi_host::Route;
use anstyle::Style;

use crate::print::escape::visible;
use crate::print::{StdoutError, print};

/// Prints each step when it is done, with the time since the one before.
pub(super) struct StepPrinter {
    number: u32,
    last: Instant,
}

impl StepPrinter {
    /// Starts the clock.
    pub(super) fn start() -> Self {
        Self { number: 0, last: Instant::now() }
    }

    /// Prints a step that sends no request.
    pub(super) fn note(&mut self, text: &str) -> Result<(), StdoutError> {
        let took = self.lap();
        print(&format!("    {:<20}{took:>10}   {text}\n", ""))
    }

    /// Prints a request and its outcome. The outcome's further lines go below the first one.
    pub(super) fn step(&mut self, route: Route, outcome: &str) -> Result<(), StdoutError> {
        let took = self.lap();
        self.number += 1;
        let (bold, number, request_line) = (Style::new().bold(), self.number, route.to_string());
        let mut lines = outcome.lines();
        let first = visible(lines.next().unwrap_or_default());
        print(&format!("{number:>2}  {bold}{request_line:<20}{bold:#}{took:>10}   {first}\n"))?;
        lines.try_for_each(|line| self.detail(line))
    }

    /// Prints a line below a step.
    pub(super) fn detail(&self, text: &str) -> Result<(), StdoutError> {
        print(&format!("{:37}{}\n", "", visible(text)))
    }

    fn lap(&mut self) -> String {
        let took = milliseconds(self.last.elapsed());
        self.last = Instant::now();
        took
    }
}

/// A duration in milliseconds with one decimal.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
