//! The options of the commands that print a table.

use clap::Args;

use crate::print::width::stdout_columns;
use crate::session::target::TargetOptions;

/// Which agent, and how wide.
#[derive(Args)]
pub(crate) struct ListingOptions {
    /// Print each row in one line, however wide
    ///
    /// Without it, what does not fit the terminal stands below its row. The width is that of the terminal, or the
    /// variable COLUMNS; where stdout is no terminal, each row is one line anyway.
    #[arg(long, help_heading = "Output")]
    wide: bool,
    #[command(flatten)]
    pub(crate) target: TargetOptions,
}

impl ListingOptions {
    /// The columns that a table may take. None for as many as it needs.
    pub(crate) fn columns(&self) -> Option<usize> {
        if self.wide { None } else { stdout_columns() }
    }
}
