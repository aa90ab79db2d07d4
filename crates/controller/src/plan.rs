//! What runs, and when: the part of the configuration that the owner knows.

use std::time::Duration;

use crate::schedule::Schedule;

/// The subjects, in the order of the configuration. Replaced whole at a reload; runs keep what they began with.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The backup loop, if it is configured, and the extensions.
    pub subjects: Vec<Subject>,
}

/// Something that runs.
#[derive(Clone, Debug)]
pub struct Subject {
    /// `backup`, or the extension's name.
    pub name: String,
    /// SHA-256 of the extension's bytes, in hex.
    pub digest: String,
    /// When it is due; none if it runs only when somebody asks.
    pub schedule: Option<Schedule>,
    /// Whether it may freeze the applications, which only one run may at a time.
    pub may_freeze: bool,
    /// How long there may be no success before that is a finding; none where it never is.
    pub alarm_after: Option<Duration>,
}

impl Plan {
    /// The subject with this name.
    pub fn subject(&self, name: &str) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.name == name)
    }
}
