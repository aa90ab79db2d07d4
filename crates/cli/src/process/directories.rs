//! Where the platform keeps caches and state, by the XDG base directory specification.

use std::ffi::OsString;
use std::path::PathBuf;

/// What a directory is for.
#[derive(Clone, Copy)]
pub(crate) enum BaseDirectory {
    /// Files that can be made again: `$XDG_CACHE_HOME`, or `.cache` in the home directory.
    Cache,
    /// Files that must outlive the process: `$XDG_STATE_HOME`, or `.local/state` in the home directory.
    State,
}

/// The user's directory of this kind. None where neither variable holds an absolute path: the specification says that
/// relative ones are ignored.
pub(crate) fn base_directory(kind: BaseDirectory, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let (name, in_home) = match kind {
        BaseDirectory::Cache => ("XDG_CACHE_HOME", ".cache"),
        BaseDirectory::State => ("XDG_STATE_HOME", ".local/state"),
    };
    absolute(name).or_else(|| absolute("HOME").map(|home| home.join(in_home)))
}
