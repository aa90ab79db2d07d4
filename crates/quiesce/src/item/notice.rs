//! What has become of a freeze while nobody waited for it.

use super::{Item, Standing};
use crate::worker::Outcome;

impl Item {
    /// Learns how the freeze of a file system ended that had overrun. `EBUSY` says that somebody else's came first: what is
    /// frozen now is theirs, and this one has frozen nothing.
    pub(crate) fn settle(&mut self) {
        if self.mount.is_none() || self.standing != Standing::MayBeFrozen {
            return;
        }
        if let Some(Outcome::NotBegun(_)) = self.freezer.take_outcome() {
            self.standing = Standing::Running;
            self.release();
        }
    }

    /// Whether the kernel has not answered FIFREEZE yet. Until it does FITHAW cannot help: it says `EINVAL`, or comes upon
    /// the freeze of somebody else that ours waits for.
    pub(crate) fn is_in_the_kernel(&self) -> bool {
        self.mount.is_some() && self.freezer.is_busy()
    }

    /// Notices a holder that has ended by itself. Whether it has.
    pub(crate) fn has_let_go(&mut self) -> bool {
        if self.thawer.is_some() || self.standing != Standing::Frozen {
            return false;
        }
        let Some(outcome) = self.freezer.take_outcome() else { return false };
        self.standing = Standing::Running;
        self.disturbed = Some(match outcome {
            Outcome::Failed(why) | Outcome::NotBegun(why) => why.chain(),
            _ => format!("{} has ended", self.name),
        });
        true
    }
}
