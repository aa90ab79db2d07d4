//! How far the backup loop is, on stderr.

use agentapi_host::policy::{Level, Log};

use crate::print::escape::visible;
use crate::process::stderr::stderr;

/// Shows the lines that the loop prints.
pub(super) struct Progress;

impl Log for Progress {
    fn line(&self, _extension: &str, _level: Level, line: &str) {
        stderr().show_progress(&visible(line));
    }
}
