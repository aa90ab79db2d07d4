//! The lines that the demo prints: numbered steps, each with the time that it took.

use std::time::{Duration, Instant};

use agentapi_host::Route;
use anstyle::Style;

use crate::print::escape::visible;
use crate::print::width::stdout_columns;
use crate::print::wrap::{display_width, wrap};
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
        print(&format!("    {:<20}{took:>10}   {}\n", "", beside_margin(text)))
    }

    /// Prints a request and its outcome. The outcome's further lines go below the first one.
    pub(super) fn step(&mut self, route: Route, outcome: &str) -> Result<(), StdoutError> {
        let took = self.lap();
        self.number += 1;
        let (bold, number, request_line) = (Style::new().bold(), self.number, route.to_string());
        let mut lines = outcome.lines();
        let first = visible(lines.next().unwrap_or_default());
        let first = beside_margin(&first);
        print(&format!("{number:>2}  {bold}{request_line:<20}{bold:#}{took:>10}   {first}\n"))?;
        lines.try_for_each(|line| self.detail(line))
    }

    /// Prints a line below a step. It may be a command or an id, so it is not broken: where it does not fit beside the
    /// margin, it begins further left.
    pub(super) fn detail(&self, text: &str) -> Result<(), StdoutError> {
        let text = visible(text);
        let fits = stdout_columns().is_none_or(|columns| MARGIN + display_width(&text) <= columns);
        let margin = if fits { MARGIN } else { 4 };
        print(&format!("{:margin$}{text}\n", ""))
    }

    fn lap(&mut self) -> String {
        let took = milliseconds(self.last.elapsed());
        self.last = Instant::now();
        took
    }
}

/// The outcome of a step, broken between words to fit beside the margin.
fn beside_margin(text: &str) -> String {
    let columns = stdout_columns().map(|columns| columns.saturating_sub(MARGIN));
    wrap(text, columns, 0).replace('\n', &format!("\n{:MARGIN$}", ""))
}

/// Where the outcomes of the steps begin.
const MARGIN: usize = 37;

/// A duration in milliseconds with one decimal.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
