//! What a run says beside its report, on stderr.

use crate::process::stderr::stderr;

/// Prints a line. It is lost where stderr takes no more: nothing of a run depends on it.
pub(crate) fn tell(line: &str) {
    stderr().print(format!("{line}\n"));
}
