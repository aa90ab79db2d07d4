//! How long the keeper waits for an application.

use std::time::Duration;

use super::Item;
use crate::application::Kind;

impl Item {
    /// A worker that keeps the time by itself is given a little more.
    pub(crate) fn freeze_time(&self) -> Duration {
        match &self.application.kind {
            Kind::FileSystem { .. } => self.settings.freeze_timeout,
            Kind::Holder(program) => program.timeout() + SPARE,
            Kind::Programs { freeze, .. } => freeze.timeout() + SPARE,
            Kind::Own { .. } => self.settings.freeze_timeout + SPARE,
        }
    }

    /// How long a daemon may go on for a freeze program that was killed: as long as the program may have taken.
    pub(crate) fn late_time(&self) -> Duration {
        match &self.application.kind {
            Kind::Programs { freeze, .. } => freeze.timeout(),
            Kind::FileSystem { .. } | Kind::Holder(_) | Kind::Own { .. } => Duration::ZERO,
        }
    }

    pub(super) fn thaw_time(&self) -> Duration {
        match &self.application.kind {
            Kind::FileSystem { .. } => self.settings.thaw_timeout,
            // SIGTERM comes after its time, and SIGKILL after that.
            Kind::Holder(program) => program.timeout() + 4 * SPARE,
            Kind::Programs { thaw, .. } => thaw.timeout() + SPARE,
            Kind::Own { .. } => self.settings.thaw_timeout + SPARE,
        }
    }
}

/// What starting and killing a program may take besides its own time.
const SPARE: Duration = Duration::from_secs(1);
