//! How far the backup loop is, on stderr.

use agentapi_host::policy::Log;

use crate::print::escape::visible;
use crate::process::stderr::stderr;

/// Shows the lines that the loop prints.
pub(super) struct Progress;

impl Log for Progress {
    fn line(&self, _extension: &str, line: &str) {
        stderr().show_progress(&visible(line));
    }
}
